import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { inspect } from 'node:util'
import { createGzip } from 'node:zlib'
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { generateText, wrapLanguageModel } from 'ai'
import { createOpenAICompatible as createOpenAICompatible7 } from 'openai-compatible7'
import { expect, test } from 'vitest'
import { record } from '../../trace/index.ts'
import { map } from '../../run/map.ts'
import { boundedFetch, budget, pool } from '../index.ts'
import { answer, apiError, mockModel } from './mock.fixture.ts'
import { runs } from '../../../test/support/runs.ts'
import { processorTime } from '../../../test/support/processor-time.ts'

async function serving(listener: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

const show = (value: unknown): string => inspect(value, { depth: 30, showHidden: true, getters: true })
const failureOf = async (call: PromiseLike<unknown>): Promise<Error> =>
  call.then(
    () => new Error('did not fail'),
    (error: unknown) => error as Error,
  )

/** Answers with everything that it was sent. */
const echo: RequestListener = (request, response) => {
  const said = JSON.stringify({ headers: request.headers, raw: request.rawHeaders, url: request.url })
  response.writeHead(400, { 'content-type': 'application/json', 'x-echo': request.headers.authorization ?? '' })
  response.end(
    JSON.stringify({ error: { message: `Bad request: ${said}`, type: 'invalid_request_error', param: null, code: null } }),
  )
}

const secrets: readonly (readonly [name: string, headers: Record<string, string>, hidden: readonly string[]])[] = [
  ['Azure', { 'api-key': '0123456789abcdef0123456789abcdef' }, ['0123456789abcdef0123456789abcdef']],
  ['a header of no known name', { 'x-acme-api-key': 'correcthorsebattery' }, ['correcthorsebattery']],
  [
    'Basic',
    { authorization: `Basic ${Buffer.from('anna:tr0ub4dor').toString('base64')}` },
    ['tr0ub4dor', Buffer.from('anna:tr0ub4dor').toString('base64')],
  ],
  ['Cookie', { cookie: 'session=abcdefgh12345678; theme=darkmode9' }, ['abcdefgh12345678']],
  [
    'SigV4',
    {
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024',
      'x-amz-security-token': 'IQoJb3JpZ2luX2VjEPr',
    },
    ['AKIAIOSFODNN7EXAMPLE', 'fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024', 'IQoJb3JpZ2luX2VjEPr'],
  ],
]

test.each(secrets)(
  'what was sent as a secret is in no error and no trace, though the provider repeats it: %s',
  async (_, headers, hidden) => {
    await using server = await serving(echo)
    const model = pool(
      createOpenAICompatible({ name: 'x', baseURL: `${server.url}/v1`, headers, queryParams: { token: 'querysecret1' } })('m'),
    )
    const { value: error, trace } = await record(async () =>
      failureOf(map([1], async () => generateText({ model, prompt: 'x' }))),
    )
    const text = show(error) + show((error as { toJSON?: () => unknown }).toJSON?.()) + JSON.stringify(trace)
    for (const secret of [...hidden, 'querysecret1']) expect(text).not.toContain(secret)
    expect(error.message).toContain('Bad request')
  },
)

test('a key without any form, in the words of an answer', async () => {
  await using server = await serving((request, response) => {
    response.writeHead(400, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify({
        type: 'error',
        error: { type: 'invalid_request_error', message: `No account ${request.headers['x-api-key'] as string}!` },
      }),
    )
  })
  const model = pool(createAnthropic({ baseURL: server.url, apiKey: 'plainwordswithoutform' })('m'))
  const error = await failureOf(generateText({ model, prompt: 'x' }))
  expect(error.message).toContain('No account pla…!')
  expect(show(error)).not.toContain('plainwordswithoutform')
})

test(
  'an answer that unpacks to more than any answer has is cut off: an error, an answer and a stream',
  { timeout: 60_000 },
  async () => {
    const bomb =
      (status: number, type: string): RequestListener =>
      (_, response) => {
        response.writeHead(status, { 'content-type': type, 'content-encoding': 'gzip' })
        const gzip = createGzip()
        gzip.on('error', () => {}).pipe(response)
        const block = Buffer.alloc(2 ** 20, 'a')
        // Megabytes: far more than an answer has, and than the process would take.
        let left = runs(288, 512)
        const write = (): void => {
          while (left > 0 && !response.destroyed) {
            left--
            if (!gzip.write(block)) return void gzip.once('drain', write)
          }
          gzip.end()
        }
        write()
      }
    for (const [status, type] of [
      [400, 'application/json'],
      [200, 'application/json'],
      [200, 'text/event-stream'],
    ] as const) {
      await using server = await serving(bomb(status, type))
      const model = pool(createOpenAICompatible({ name: 'x', baseURL: server.url })('m'), { retry: 0 })
      const before = process.memoryUsage().rss
      let peak = before
      const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20)
      const error =
        type === 'text/event-stream'
          ? await failureOf(Promise.resolve(model.doStream({ prompt: [] })))
          : await failureOf(generateText({ model, prompt: 'x' }))
      clearInterval(watch)
      expect(error).toMatchObject({ code: 'HEDDLE_MODEL_CALL_FAILED', statusCode: status })
      expect((peak - before) / 2 ** 20).toBeLessThan(type === 'text/event-stream' ? runs(400, 900) : runs(180, 400))
    }
  },
)

test('`boundedFetch` bounds what a pool cannot look into', async () => {
  await using server = await serving((_, response) => response.end(Buffer.alloc(3 * 2 ** 20, 'a')))
  const fetch = boundedFetch({ maxBytes: 2 ** 20 })
  await expect((await fetch(server.url)).text()).rejects.toThrow('longer than 1 MiB')
  expect((await (await boundedFetch()(server.url)).text()).length).toBe(3 * 2 ** 20)
})

test('what was never sent costs nothing and is not tried again: no key, a mistake in middleware, no server', async () => {
  const prices = { m: { input: 3, output: 15 } }
  const cases = [
    ['no key', createAnthropic({ baseURL: 'http://127.0.0.1:1' })('m'), 'not-sent', 1],
    [
      'a mistake',
      wrapLanguageModel({
        model: mockModel('m', () => answer('x')),
        middleware: {
          specificationVersion: 'v3',
          transformParams: async () => (undefined as unknown as { x: { y: never } }).x.y,
        },
      }),
      'not-sent',
      1,
    ],
    ['no server', createOpenAICompatible({ name: 'x', baseURL: 'http://127.0.0.1:59999' })('m'), 'network', 2],
  ] as const
  for (const [, member, failure, attempts] of cases) {
    const own = budget({ usd: 1, calls: 10 })
    const model = pool(member, { budget: own, prices, retry: 1 })
    const error = await failureOf(generateText({ model, prompt: 'x'.repeat(1_000) }))
    expect(error).toMatchObject({ code: 'HEDDLE_MODEL_CALL_FAILED', failure })
    expect(own.spent).toEqual({ usd: 0, tokens: 0, calls: 0 })
    expect(model.report()).toMatchObject({ usd: 0, attempts, wastedTokens: 0 })
  }
})

test('what was sent and is not answered counts in full', async () => {
  for (const create of [createOpenAICompatible, createOpenAICompatible7] as const) {
    await using server = await serving((request: IncomingMessage) => void request.resume())
    const own = budget({ tokens: 100_000 })
    const model = pool(create({ name: 'x', baseURL: server.url })('m') as ReturnType<ReturnType<typeof createOpenAICompatible>>, {
      budget: own,
      timeout: 1_000,
      retry: 0,
    })
    await failureOf(Promise.resolve(model.doGenerate({ prompt: [], maxOutputTokens: 500 })))
    expect(own.spent.tokens).toBeGreaterThanOrEqual(500)
  }
})

test('the model that was given is left as it was', async () => {
  const given = createOpenAICompatible({ name: 'x', baseURL: 'http://127.0.0.1:1' })('m')
  const before = (given as unknown as { config: object }).config
  pool(given)
  expect((given as unknown as { config: object }).config).toBe(before)
})

test('100 KB of blanks in an answer do not hold the program', async () => {
  for (const body of [' '.repeat(100_000), `bearer${' '.repeat(100_000)}`, `{"error":{"message":"${'key-'.repeat(25_000)}"}}`]) {
    const model = pool(
      mockModel('m', () => {
        throw apiError(400, body)
      }),
    )
    const took = processorTime()
    await failureOf(generateText({ model, prompt: 'x' }))
    expect(took()).toBeLessThan(1_000)
  }
})
