/** The server with real models behind it and real clients before it, and the examples that use them. */
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { embedMany, streamText } from 'ai'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { spawnHeddle } from './support/cli.ts'
import { counterparts } from './support/counterparts.ts'
import { smallModels } from './support/models.ts'

const onnx = counterparts('serving')
const llama = process.platform === 'linux' && process.arch === 'x64' ? counterparts('llama') : undefined
const models = smallModels()
const root = fileURLToPath(new URL('..', import.meta.url))
const env = {
  NODE_OPTIONS: `--import=${fileURLToPath(new URL('fixtures/engines-hook.mjs', import.meta.url))}`,
  HEDDLE_TEST_ENGINES: [onnx?.folder, llama?.folder].filter((folder) => folder !== undefined).join(':'),
  MINILM: models?.minilm.model ?? '',
  MINILM_TOKENIZER: models?.minilm.tokenizer ?? '',
  SMOLLM: models?.smollm ?? '',
}

const cosine = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * (b[i] as number), 0)

describe.skipIf(!onnx || !llama || !models)('real models', () => {
  let baseURL = ''
  let child: ChildProcess | undefined
  beforeAll(async () => {
    baseURL = await new Promise<string>((resolve, reject) => {
      const finished = spawnHeddle(['serve', '--json', 'examples/serving/serve.ts'], {
        cwd: root,
        env,
        timeoutMs: 600_000,
        onSpawn: (spawned) => (child = spawned),
        onOutput(_, stdout) {
          if (stdout.includes('"ready"')) resolve((JSON.parse(stdout.split('\n')[0] as string) as { baseURL: string }).baseURL)
        },
      })
      finished.then(({ stderr }) => reject(new Error(stderr)), reject)
    })
  }, 300_000)
  afterAll(() => void child?.kill('SIGTERM'))

  test("OpenAI's client: meanings that are near, as base64 and as numbers", async () => {
    const client = new OpenAI({ baseURL, apiKey: 'none' })
    const input = ['How do I cancel an order?', 'I want to cancel what I have ordered.', 'The sea was calm that evening.']
    const { data, usage } = await client.embeddings.create({ model: 'minilm', input })
    const [a, b, c] = data.map(({ embedding }) => embedding) as [number[], number[], number[]]
    expect([a.length, cosine(a, b) > 0.7, cosine(a, c) < 0.3]).toEqual([384, true, true])
    expect(usage.prompt_tokens).toBeGreaterThan(20)
    const plain = await client.embeddings.create({ model: 'minilm', input: input[0] as string, encoding_format: 'float' })
    expect(cosine(plain.data[0]?.embedding as number[], a)).toBeGreaterThan(0.99)
  })

  test("OpenAI's client: a chat, streamed, with usage", async () => {
    const client = new OpenAI({ baseURL, apiKey: 'none' })
    const stream = await client.chat.completions.create({
      model: 'smollm',
      messages: [{ role: 'user', content: 'What is the capital of France?' }],
      temperature: 0,
      max_tokens: 24,
      stream: true,
      stream_options: { include_usage: true },
    })
    let text = ''
    let usage: OpenAI.CompletionUsage | null | undefined
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage ?? usage
    }
    expect(text).toContain('Paris')
    expect([(usage?.prompt_tokens ?? 0) > 5, (usage?.completion_tokens ?? 0) > 1]).toEqual([true, true])
  })

  test('the AI SDK: many embeddings, and a stream that is left early frees its sequence', async () => {
    const provider = createOpenAICompatible({ name: 'local', baseURL, includeUsage: true })
    const values = Array.from({ length: 100 }, (_, i) => `sentence number ${i} about the weather`)
    const { embeddings } = await embedMany({ model: provider.textEmbeddingModel('minilm'), values })
    expect(embeddings.map(({ length }) => length)).toEqual(Array.from({ length: 100 }, () => 384))
    for (let i = 0; i < 8; i++) {
      const leave = new AbortController()
      const { textStream } = streamText({
        model: provider('smollm'),
        prompt: 'Tell a long story.',
        abortSignal: leave.signal,
        onError: () => undefined,
      })
      for await (const _part of textStream) {
        leave.abort()
        break
      }
    }
    const { text } = streamText({ model: provider('smollm'), prompt: 'Say yes.', maxOutputTokens: 8 })
    expect((await text).length).toBeGreaterThan(0)
    const metrics = await (await fetch(baseURL.replace('/v1', '/metrics'))).text()
    await expect.poll(async () => /items_under_way\{model="smollm"\} (\d+)/.exec(metrics)?.[1]).toBe('0')
  })

  test('examples/serving/search.ts finds by meaning', async () => {
    const { stdout, stderr, code } = await spawnHeddle(
      ['run', '-q', 'examples/serving/search.ts', 'docs', 'What happens to a task when its worker dies?'],
      { cwd: root, env, timeoutMs: 300_000 },
    )
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.trim().split('\n')).toHaveLength(3)
    expect(stdout).toMatch(/worker|machine|crash/)
  })

  test('examples/serving/fallback.ts asks here first', async () => {
    const { stdout } = await spawnHeddle(['run', '-q', 'examples/serving/fallback.ts'], { cwd: root })
    const [, here, there] = /40 answers: (\d+) from this machine, (\d+) from the provider/.exec(stdout) ?? []
    expect([Number(here) > 4, Number(there) > 4]).toEqual([true, true])
  })
})
