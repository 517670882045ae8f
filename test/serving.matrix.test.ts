/** Replicas of real models: ONNX Runtime and llama.cpp, with small models that packages ship. */
import { afterAll, describe, expect, test } from 'vitest'
import type * as Serving from './fixtures/serving.ts'
import { counterparts } from './support/counterparts.ts'
import { magika, quantizedEncoder, smallModels } from './support/models.ts'

const onnx = counterparts('serving')
const llama = process.platform === 'linux' && process.arch === 'x64' ? counterparts('llama') : undefined
const models = smallModels()
const bytes = magika()
const int8 = quantizedEncoder()

process.env['HEDDLE_TEST_SERVING'] = JSON.stringify({
  ...models,
  magika: bytes,
  quantized: int8,
  onnx: onnx?.folder,
  llama: llama?.folder,
})
const serving: typeof Serving | undefined = models && onnx ? await import('./fixtures/serving.ts') : undefined

afterAll(async () => {
  if (!serving) return
  const { minilm, batching, smol, kind, wrong, quantized } = serving
  await Promise.all(
    [minilm, smol, kind, wrong, ...Object.values(batching), ...Object.values(quantized)].map((model) =>
      model.close({ grace: 0 }),
    ),
  )
})

const texts = [
  'How do I cancel an order?',
  'I want to cancel what I have ordered.',
  'The sea was calm that evening, and the boats came home late.',
  'parallel',
  'Batches of texts of similar length waste little on padding, so that texts are put together by length before they are computed.',
  '日本語の文章もあります。',
  '',
  'x '.repeat(500),
  'Words of about the same number, but not quite.',
  'Words of about the same number, but not quite equal.',
  'Words of about the same number, but not quite equal to these.',
]

const cosine = (a: Float32Array, b: Float32Array): number => a.reduce((sum, value, i) => sum + value * (b[i] as number), 0)

describe.skipIf(!serving)('embeddings by ONNX Runtime', () => {
  const { minilm, batching } = serving as typeof Serving

  test('texts of similar meaning are near', async () => {
    const [first, second, third] = (await Promise.all(texts.slice(0, 3).map((text) => minilm(text)))) as Float32Array[]
    const [a, b, c] = [first, second, third] as [Float32Array, Float32Array, Float32Array]
    expect(a.length).toBe(384)
    expect(cosine(a, a)).toBeCloseTo(1, 5)
    expect(cosine(a, b)).toBeGreaterThan(0.7)
    expect(cosine(a, c)).toBeLessThan(0.3)
    const { measured, replicas, memoryBytes } = minilm.stats()
    expect(measured.filter(({ chosen }) => chosen).length).toBe(1)
    expect(replicas.length).toBe(measured.find(({ chosen }) => chosen)?.replicas)
    expect(memoryBytes).toBeGreaterThan(20_000_000)
  })

  /** Each text alone at one model, all at once at another: how far apart the vectors are, and the least cosine. */
  async function compared({
    alone,
    together,
  }: Record<'alone' | 'together', Serving.Embedder>): Promise<[apart: number, cosine: number]> {
    const single: Float32Array[] = []
    for (const text of texts) single.push(await alone(text))
    const first = together('something that holds the replica while the others come together')
    const batched = await Promise.all(texts.map((text) => together.ask(text)))
    await first
    expect(batched.some(({ batch }) => batch > 1)).toBe(true)
    const pairs = batched.map(({ value }, i) => [value, single[i] as Float32Array] as const)
    const apart = Math.max(...pairs.flatMap(([a, b]) => Array.from(a, (one, at) => Math.abs(one - (b[at] as number)))))
    return [apart, Math.min(...pairs.map(([a, b]) => cosine(a, b)))]
  }

  // The weights of this file are quantized, and it computes in fp32.
  test('batched and alone give the same vectors, within 1e-5', async () => {
    const [apart, least] = await compared(batching)
    console.log(`batched and alone: at most ${apart.toExponential(1)} apart, cosines from ${least.toFixed(7)} up`)
    expect(apart).toBeLessThanOrEqual(1e-5)
    expect(least).toBeGreaterThanOrEqual(0.99)
  })

  // One scale for all activations of a batch: the vector of a text would depend on its company.
  test.skipIf(!int8)(
    'where activations are quantized as well, texts are computed one by one, unless one asks otherwise',
    async () => {
      const { alone8, together8, mixed8 } = (serving as typeof Serving).quantized
      const [apart, least] = await compared({ alone: alone8, together: together8 })
      const [mixedApart, mixedLeast] = await compared({ alone: alone8, together: mixed8 })
      console.log(
        `int8 activations, cosines from ${least.toFixed(5)} up; with \`alone: false\`, from ${mixedLeast.toFixed(5)} up`,
      )
      expect(apart).toBeLessThanOrEqual(1e-5)
      expect(least).toBeGreaterThanOrEqual(0.99)
      // Else the model would not be one of those.
      expect(mixedApart).toBeGreaterThan(1e-3)
    },
  )

  test('tokens are counted by the tokenizer, and long texts are cut', async () => {
    expect((await minilm.ask('hello world, how are you?')).tokens).toBe(9)
    expect((await minilm.ask('x '.repeat(500))).tokens).toBe(128)
  })

  test('what is no text is refused by name, and takes nobody along', async () => {
    const [good, bad] = await Promise.allSettled([minilm('text'), minilm(42 as unknown as string)])
    expect(good.status).toBe('fulfilled')
    expect(String((bad as PromiseRejectedResult).reason)).toContain('Expected the item to be text, got 42 (number)')
  })

  test('kill -9 of a replica under load: only its own requests fail, and it is back', async () => {
    await minilm.ready()
    const under = Array.from({ length: 60 }, (_text, i) => minilm(`text ${i}`))
    await new Promise((resolve) => setTimeout(resolve, 50))
    const victim = minilm.stats().replicas.find(({ state }) => state === 'busy') ?? minilm.stats().replicas[0]
    process.kill(victim?.pid ?? 0, 'SIGKILL')
    const settled = await Promise.allSettled(under)
    const failed = settled.filter(({ status }) => status === 'rejected')
    const batch = minilm.stats().measured.find(({ chosen }) => chosen)?.batch ?? 1
    expect(failed.length).toBeLessThanOrEqual(batch)
    for (const one of failed) expect(String((one as PromiseRejectedResult).reason)).toContain('signal SIGKILL')
    await expect.poll(() => minilm.stats().replicas.every(({ state }) => state === 'idle'), { timeout: 30_000 }).toBe(true)
    expect((await minilm('again')).length).toBe(384)
  })
})

// Magika reads bytes as int32 under a name of its own, and gives probabilities.
describe.skipIf(!serving || !bytes)('a classifier by ONNX Runtime', () => {
  const { kind, wrong } = serving as typeof Serving
  const files: Readonly<Record<string, string>> = {
    python:
      'import os\n\nclass Reader:\n    def __init__(self, path):\n        self.path = path\n\n    def lines(self):\n        with open(self.path) as file:\n            return [line.strip() for line in file]\n\nif __name__ == "__main__":\n    print(Reader(os.environ["HOME"]).lines())\n',
    html: '<!DOCTYPE html>\n<html lang="en">\n<head><title>Orders</title></head>\n<body><h1>Orders</h1><p>None yet.</p></body>\n</html>\n',
    json: JSON.stringify({ name: 'heddle', version: '0.1.0', files: ['dist', 'docs'], engines: { node: '>=20' } }, null, 2),
    sql: "SELECT customers.name, SUM(orders.amount) AS total\nFROM orders JOIN customers ON orders.customer_id = customers.id\nWHERE orders.created_at > '2026-01-01'\nGROUP BY customers.name\nORDER BY total DESC;\n",
    c: '#include <stdio.h>\n#include <stdlib.h>\n\nint main(int argc, char **argv) {\n  char *buffer = malloc(1024);\n  if (buffer == NULL) return 1;\n  printf("%d %s\\n", argc, argv[0]);\n  free(buffer);\n  return 0;\n}\n',
  }

  test('says what a text is, alone and in a batch', async () => {
    const together = await Promise.all(Object.values(files).map((text) => kind.ask(text)))
    expect(together.map(({ value }) => value[0]?.label)).toEqual(Object.keys(files))
    expect(together.some(({ batch }) => batch > 1)).toBe(true)
    for (const [at, text] of Object.values(files).entries()) {
      const alone = await kind(text)
      const inBatch = new Map(together[at]?.value.map(({ label, score }) => [label, score]))
      expect(Math.max(...alone.map(({ label, score }) => Math.abs(score - (inBatch.get(label) ?? 2))))).toBeLessThan(1e-4)
      // Of the model's own softmax, which is not made twice.
      expect(alone.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 3)
    }
  })

  test('names that are not as many as the scores are refused, and not silently cut', async () => {
    await expect(wrong('text')).rejects.toThrow('The model gives 214 scores for a text, and `labels` has 2 names')
  })
})

describe.skipIf(!serving || !llama)('a chat by llama.cpp', () => {
  const { smol } = serving as typeof Serving
  const ask = (content: string, more: object = {}) => ({
    messages: [{ role: 'user' as const, content }],
    maxTokens: 16,
    temperature: 0,
    ...more,
  })

  test('writes part by part, and gives the whole', async () => {
    const streamed = smol.stream(ask('What is the capital of France?'))
    let text = ''
    for await (const part of streamed) text += part.text
    const { value } = await streamed.answer
    expect(text).toBe(value.text)
    expect(text).toContain('Paris')
    expect(value.promptTokens).toBeGreaterThan(3)
    expect(value.completionTokens).toBeGreaterThan(0)
  })

  test('several at once, as many as there are sequences', async () => {
    const answers = await Promise.all(['one', 'two', 'three', 'four'].map((word) => smol(ask(`Say the word ${word}.`))))
    for (const { text } of answers) expect(text.length).toBeGreaterThan(0)
  })

  test('stops where it should: length, stop texts, a reader that leaves', async () => {
    expect(await smol(ask('Count to one hundred.', { maxTokens: 4 }))).toMatchObject({ finish: 'length' })
    for (let i = 0; i < 3; i++) for await (const _part of smol.stream(ask('Tell a long story.', { maxTokens: 400 }))) break
    // Both sequences are free again.
    const again = await Promise.all([smol(ask('Say yes.')), smol(ask('Say no.'))])
    expect(again.length).toBe(2)
  })

  test('the answer is JSON of a schema', async () => {
    const schema = { type: 'object', properties: { city: { type: 'string' }, inhabitants: { type: 'integer' } } }
    const { text } = await smol(ask('Describe Paris as JSON.', { schema, maxTokens: 60 }))
    expect(typeof (JSON.parse(text) as { city: unknown }).city).toBe('string')
  })

  const weather = {
    name: 'weather',
    description: 'The weather of a city.',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string' }, days: { type: 'integer' } },
      required: ['city', 'days'],
    },
  }
  const now = { name: 'now', description: 'The time of day.' }

  test('a call of a tool that is demanded is written by its schema, and its result is read', async () => {
    const called = await smol(
      ask('What is the weather in Paris for two days?', { tools: [weather], toolChoice: { name: 'weather' }, maxTokens: 80 }),
    )
    expect(called).toMatchObject({ text: '', finish: 'tool-calls', toolCalls: [{ name: 'weather' }] })
    const [call] = called.toolCalls ?? []
    const args = JSON.parse(call?.arguments ?? '') as { city: unknown; days: unknown }
    expect([typeof args.city, Number.isInteger(args.days)]).toEqual(['string', true])
    const either = await smol(ask('What time is it?', { tools: [weather, now], toolChoice: 'required', maxTokens: 80 }))
    expect(['weather', 'now']).toContain(either.toolCalls?.[0]?.name)
    const messages = [
      { role: 'user' as const, content: 'What is the weather in Paris?' },
      {
        role: 'assistant' as const,
        content: '',
        toolCalls: [{ ...call, id: 'one', name: 'weather', arguments: '{"city":"Paris","days":1}' }],
      },
      { role: 'tool' as const, toolCallId: 'one', content: '{"weather":"snow","degrees":-4}' },
    ]
    const answer = await smol({ messages, tools: [weather], maxTokens: 40, temperature: 0 })
    console.log(`after the result of a tool: ${JSON.stringify(answer)}`)
    expect(answer.text.length + (answer.toolCalls?.length ?? 0)).toBeGreaterThan(0)
    // Left to itself it answers or calls; either is well formed.
    const free = await smol(ask('What is the weather in Paris?', { tools: [weather], maxTokens: 60 }))
    for (const one of free.toolCalls ?? []) expect(JSON.parse(one.arguments)).toMatchObject({ city: expect.any(String) })
  })

  test('a prompt is continued as it is', async () => {
    const { text, finish } = await smol({ messages: [], prompt: 'The capital of France is', maxTokens: 6, temperature: 0 })
    expect([text.includes('Paris'), finish]).toEqual([true, 'length'])
  })

  test('what does not fit into the context is refused, and its beginning is not forgotten', async () => {
    const long = ask('word '.repeat(600))
    await expect(smol(long)).rejects.toThrow(/about \d+ tokens, and the context of this model holds 512/)
    await expect(smol(long)).rejects.toMatchObject({ name: 'BadRequest', param: 'messages', reason: 'context_length_exceeded' })
    expect((await smol(ask('Say yes.'))).text.length).toBeGreaterThan(0)
  })

  test('wrong conversations are refused by name', async () => {
    await expect(smol({ messages: [] })).rejects.toThrow('a list of at least one message')
    await expect(smol({ messages: [{ role: 'assistant', content: 'I' }] })).rejects.toThrow(
      "the last message to be the user's or a tool's",
    )
  })
})
