/** The simulator, as the command starts it, asked by the real clients of model providers; models of the AI SDK also in a pool. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual, promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { simulate } from '../src/ai/simulator/index.ts'
import { counterparts } from './support/counterparts.ts'

const set = counterparts('clients')
const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
let provider: ChildProcess
let baseURL = ''

beforeAll(async () => {
  provider = spawn(process.execPath, [path('../dist/cli.js'), 'simulate', '--json', '--time-scale', '100'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(provider.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
  baseURL = (JSON.parse(line.toString()) as { baseURL: string }).baseURL
})

afterAll(() => {
  provider.kill()
})

/** What a program with a client printed. */
async function seen(program: string, ...args: readonly string[]): Promise<unknown> {
  const file = path(`fixtures/clients/${program}`)
  const python = program.endsWith('.py')
  const { stdout } = await promisify(execFile)(
    python ? (set?.python ?? '') : process.execPath,
    [file, ...(python ? [] : [set?.folder ?? '']), ...args],
    // litellm fetches its prices otherwise.
    { timeout: 120_000, env: { ...process.env, LITELLM_LOCAL_MODEL_COST_MAP: 'True' } },
  )
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}

/** What a stream shows that ends in the middle, for a client that would say that it is whole. */
const half = (whole: unknown): unknown => ({
  ...(whole as object),
  parts: [...(whole as { parts: string[] }).parts.filter((part) => !/^(?:text-end|finish)/.test(part)), 'throws AI_APICallError'],
  callbacks: [],
  settled: 'rejects',
})

describe.skipIf(!set)('clients', () => {
  test.each(['openai5', 'openai6', 'openai7'])('%s: chat completions, responses, embeddings', async (name) => {
    expect(await seen('openai.mjs', name, baseURL)).toMatchObject({
      chat: '391',
      finish: 'stop',
      total: 5,
      streamed: '391',
      streamedUsage: 1,
      several: [
        [false, 'stop'],
        [false, 'stop'],
        [false, 'stop'],
      ],
      called: [{ name: 'weather' }],
      calledFinish: 'tool_calls',
      streamedCall: expect.stringMatching(/^\{"city":".*"\}$/),
      notCalled: null,
      forced: 'weather',
      structured: 'string',
      response: '391',
      goesOn: '4',
      events: [
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.content_part.added',
        'response.output_text.delta',
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
        'response.completed',
      ],
      eventText: '391',
      cut: ['incomplete', 'max_output_tokens', 2],
      responseCall: 'weather',
      answered: 'The tool says: sunny',
      parsed: 'string',
      base64: [8, 8],
      near: true,
      tokens: [2, 4],
      models: 0,
      bad: { name: 'BadRequestError', status: 400, type: 'invalid_request_error' },
      badResponse: { name: 'BadRequestError', status: 400, type: 'invalid_request_error' },
    })
  })

  test.each([
    ['with /v1', () => baseURL],
    ['without', () => baseURL.replace(/\/v1$/, '')],
  ])('@anthropic-ai/sdk, base URL %s', async (_, base) => {
    expect(await seen('anthropic.mjs', base())).toMatchObject({
      plain: ['391', 'end_turn'],
      streamed: '391',
      final: ['391', 1],
      called: ['weather', 'tool_use', 'string'],
      cut: ['tool_use', 'max_tokens', {}],
      cutStream: ['tool_use', 'max_tokens'],
      none: 'text',
      stopped: ['stop_sequence', 'two'],
      answered: 'The tool says: sunny',
      counted: 4,
      bad: { name: 'BadRequestError', status: 400 },
    })
  })

  test.each(['openai5', 'openai6', 'openai7', 'anthropic', 'google'])(
    "%s: batches by the provider's own client",
    async (name) => {
      await using quick = await simulate({ timeScale: 20_000, batches: { duration: '1h' } })
      const answers = [
        ['id-0', '5'],
        ['id-1', '7'],
      ]
      const all = { answers, cancelled: true }
      const own: Record<string, object> = {
        openai: { status: 'completed', counts: { total: 2, completed: 2, failed: 0 }, found: ['a'] },
        anthropic: {
          status: 'ended',
          counts: { processing: 0, succeeded: 2, errored: 0, canceled: 0, expired: 0 },
          found: [true],
        },
        google: {
          status: 'JOB_STATE_SUCCEEDED',
          found: true,
          embedded: [8, 8],
          called: [
            ['weather', 'string'],
            ['weather', 'string'],
          ],
          streamed: 'You asked: Say one two three four',
          finish: 'STOP',
          typed: 'number',
        },
      }
      expect(await seen('batches.mjs', name, quick.url)).toMatchObject({ ...all, ...own[name.replace(/\d+$/, '')] })
    },
  )

  test.each(['6', '7'].flatMap((major) => ['openai', 'anthropic', 'google'].map((name) => [major, name] as const)))(
    'AI SDK %s, %s: batches at half the price, that expire, and that a crash leaves in doubt',
    async (major, name) => {
      expect(await seen('batched.mjs', major, name)).toMatchObject({
        plain: { right: true, half: true, again: true, called: ['look'], alone: 0 },
        expires: { right: true, batches: 2 },
        crash: { answered: 0, right: true, batches: 1 },
        embeddings: name === 'anthropic' ? 'none' : { equal: true, calls: name === 'google' ? 30 : 3 },
        schemas: { sentiment: 'positive' },
      })
    },
  )

  test('Anthropic: cached tokens only where the request asked for caching', async () => {
    const [without, still, writes] = ((await seen('anthropic.mjs', baseURL)) as { cached: boolean[][] }).cached
    expect([without, still]).toEqual([
      [false, false],
      [false, false],
    ])
    expect(writes).toContain(true)
  })

  test.each(['6', '7'])('AI SDK %s: direct and pooled models give the same', async (major) => {
    const { embeddings, ...models } = (await seen('ai-sdk.mjs', major, baseURL)) as Record<
      string,
      { direct: unknown; pooled: unknown }
    >
    expect(embeddings).toEqual([8, 8, 8])
    expect(Object.keys(models)).toEqual(['responses', 'chat', 'anthropic'])
    for (const { direct, pooled } of Object.values(models)) {
      expect(direct).toMatchObject({
        plain: ['391', 'stop', 4, 1],
        typed: '[object Date]',
        called: ['sunny in Use weather for Oslo.'],
        cut: 'length',
        callbacks: ['chunk', 'finish'],
      })
      expect(pooled).toEqual(direct)
    }
  })

  test.each(['6', '7'])('AI SDK %s: streams that break or are aborted are the same directly and pooled', async (major) => {
    type Look = { readonly parts: readonly string[]; readonly settled: string } | string
    const seenOf = (await seen('broken.mjs', major)) as Record<string, { direct: Look; pooled: Look }>
    expect(Object.keys(seenOf)).toHaveLength(22)
    for (const [how, { direct, pooled }] of Object.entries(seenOf)) {
      // The error that breaks a stream has the pool's name, and the client's as its cause.
      const named = JSON.parse(JSON.stringify(pooled).replace('ModelCallFailed', 'AI_APICallError')) as Look
      // Some clients take the half of an answer that ends without its last part for a whole one. A pool does not.
      const takenForWhole =
        how.endsWith('ends early') && isDeepStrictEqual(direct, { ...(direct as object), settled: 'resolves' })
      const right = takenForWhole ? [direct, half(direct)] : [direct]
      expect(right.map((each) => [how, each])).toContainEqual([how, named])
    }
    expect(seenOf['chat: cut']?.pooled).toMatchObject({ settled: 'rejects', text: 'half' })
    expect(seenOf['chat: abort']?.pooled).toMatchObject({ callbacks: ['abort'], text: 'half' })
    expect(seenOf['chat: generateText that is aborted']?.pooled).toBe('TimeoutError')
  })

  test('LangChain and LlamaIndex', async () => {
    expect(await seen('langchain.mjs', baseURL)).toEqual({
      langchain: ['391', '391', 'weather', 'string', '391', [8, 8]],
      llamaindex: ['391', '391', 8],
    })
  })

  test.skipIf(!set?.python)('Python: openai, litellm, instructor', async () => {
    expect(await seen('clients.py', baseURL)).toEqual({
      openai: ['391', '391', '391', 'response.completed', [8, 8], 2, 'City', 'invalid_request_error'],
      litellm: ['391', '391', '391', 5],
      instructor: ['City', 'City'],
    })
  })
})
