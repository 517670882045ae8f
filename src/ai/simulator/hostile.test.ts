import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { simulate, type Simulator } from './index.ts'
import { processorTime } from '../../../test/support/processor-time.ts'

const quick = { firstToken: 1, tokensPerSecond: 1e6 }

interface Answered {
  readonly status: number
  readonly body: string
}

function post(provider: Simulator, path: string, body: string, headers: Record<string, string> = {}): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(provider.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
    })
    request.on('error', reject).on('response', (response) => {
      let text = ''
      response
        .on('data', (part: Buffer) => (text += part.toString()))
        .on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
    })
    request.end(body)
  })
}

const ask = { messages: [{ role: 'user', content: 'Hello' }] }
const chat = (body: object): readonly [string, object] => ['/v1/chat/completions', { model: 'm', ...ask, ...body }]
const messages = (body: object): readonly [string, object] => ['/v1/messages', { model: 'm', max_tokens: 10, ...ask, ...body }]
const responses = (body: object): readonly [string, object] => ['/v1/responses', { model: 'm', input: 'Hello', ...body }]
const embeddings = (body: object): readonly [string, object] => ['/v1/embeddings', { model: 'm', input: 'Hello', ...body }]
const schema = (value: unknown): readonly [string, object] =>
  chat({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema: value } } })
const nested = (levels: number, inner: unknown): unknown =>
  levels === 0 ? inner : { type: 'array', minItems: 20, items: nested(levels - 1, inner) }
let deep: unknown = {}
for (let i = 0; i < 1_000; i++) deep = { items: deep }

const refused: readonly (readonly [string, object])[] = [
  ...[-5, 0, 1.5, '10', Number.NaN, {}, true].flatMap((n) =>
    [
      chat({ max_tokens: n }),
      chat({ max_completion_tokens: n }),
      messages({ max_tokens: n }),
      responses({ max_output_tokens: n }),
    ].filter(([, body]) => !Object.values(body).includes(Number.NaN)),
  ),
  ...[
    [null],
    [3],
    ['x'],
    [[]],
    [{}],
    [{ role: 3 }],
    [{ role: 'user', content: [null] }],
    [{ role: 'bad', content: 'x' }],
    3,
    {},
    'x',
    null,
  ].flatMap((value) => [chat({ messages: value }), messages({ messages: value })]),
  ...[
    [{}],
    [null],
    [3],
    [{ type: 'function' }],
    [{ type: 'function', function: {} }],
    [{ type: 'function', function: { name: 3 } }],
    [{ type: 'function', function: { name: 'f', parameters: 3 } }],
    3,
  ].map((value) => chat({ tools: value })),
  ...[[{}], [null], [{ name: 3 }], [{ name: 'f', input_schema: [] }], 3].map((value) => messages({ tools: value })),
  ...[3, { type: 'function' }, { type: 'function', function: { name: 'none' } }, []].map((value) => chat({ tool_choice: value })),
  messages({ tool_choice: { type: 'tool', name: 'none' } }),
  messages({ tool_choice: { type: 'bad' } }),
  ...[0, -1, 129, 1e9, 1.5, '2'].map((n) => chat({ n })),
  ...[3, [3], ['a', 'b', 'c', 'd', 'e'], {}].map((stop) => chat({ stop })),
  ...[3, {}, { type: 3 }, { type: 'json_schema', json_schema: 3 }, { type: 'json_schema', json_schema: { schema: 3 } }].map(
    (value) => chat({ response_format: value }),
  ),
  ...['x', 3].map((stream) => chat({ stream })),
  ...[null, 3, [null], [3], [], {}, [{ role: 3 }]].map((input) => responses({ input })),
  responses({ previous_response_id: 'resp_none' }),
  responses({ previous_response_id: 3 }),
  ...[[], '', [''], [null], [{}], [[]], [[-1]], [['x']], 3, Array.from({ length: 2_049 }, () => 'x')].map((input) =>
    embeddings({ input }),
  ),
  ...[0, -1, 1e9, 1.5, '64'].map((dimensions) => embeddings({ dimensions })),
  embeddings({ encoding_format: 'bad' }),
  schema({ type: 'array', minItems: 3e8 }),
  schema({ type: 'array', minItems: 3e8, items: { type: 'number' } }),
  schema({ type: 'object', additionalProperties: { type: 'number' }, minProperties: 3e8 }),
  schema({ type: 'string', minLength: 3e8 }),
  schema(nested(8, { type: 'number' })),
  schema({ $ref: '#' }),
  schema({ allOf: [{ $ref: '#' }, { $ref: '#' }] }),
  schema({ type: 'object', required: ['a'], properties: { a: { $ref: '#' } } }),
  schema({ type: 'array', minItems: 1, items: { $ref: '#' } }),
  schema({ anyOf: [{ $ref: '#' }] }),
  schema({ $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' }),
  schema(deep),
]

/** Schemas that make little sense and still have an answer. */
const answered: readonly (readonly [string, object])[] = [
  schema({ type: 'object', properties: { a: { $ref: '#' } } }),
  schema({ type: 'array', items: { $ref: '#' } }),
  schema({ $ref: '#/nowhere' }),
  schema({ properties: 3, required: 4, items: 'x', enum: {}, anyOf: 7, type: 9 }),
  schema({ type: 'string', pattern: '(((a+)+)+)+$(?=x)\\1' }),
  schema({ type: 'string', pattern: `${'('.repeat(50)}${')'.repeat(50)}{99999}` }),
  schema({ type: 'string', pattern: '((((){99999}){99999}){99999}){99999}' }),
  schema({ type: 'number', minimum: 5, maximum: 1, multipleOf: 0 }),
  schema({ type: 'integer', multipleOf: 1e-300 }),
  schema({ type: 'array', maxItems: -3, items: { type: 'number' } }),
  schema({ type: 'string', maxLength: -3 }),
  chat({ max_tokens: null, stop: null, n: null, tools: null, tool_choice: null, response_format: null, stream: null }),
  chat({ max_tokens: 1e15 }),
  chat({ messages: [{ role: 'user', content: '1'.repeat(200_000) }] }),
  chat({ messages: [{ role: 'user', content: '漢a'.repeat(200_000) }], max_tokens: 100_001 }),
  chat({ messages: [{ role: 'user', content: `${' \n'.repeat(200_000)}x: \n${'<content>\n'.repeat(20_000)}` }] }),
  chat({
    messages: [{ role: 'user', content: `Ab${' '.repeat(300_000)}${'Ab '.repeat(50_000)}` }],
    response_format: {
      type: 'json_schema',
      json_schema: {
        name: 'x',
        schema: { type: 'object', properties: { entities: { type: 'array', items: { type: 'string' } } } },
      },
    },
  }),
]

test('what makes no sense is a 400 at once, and leaves nothing behind', async () => {
  await using provider = await simulate(quick)
  for (const [path, body] of refused) {
    const took = processorTime()
    const answer = await post(provider, path, JSON.stringify(body))
    expect({ body: JSON.stringify(body).slice(0, 200), status: answer.status }).toEqual({
      body: JSON.stringify(body).slice(0, 200),
      status: 400,
    })
    expect(JSON.parse(answer.body)).toMatchObject({
      error: { message: expect.stringMatching(/\w/), type: 'invalid_request_error' },
    })
    expect(took()).toBeLessThan(1_000)
  }
  for (const body of ['{', '[]', '3', 'null', '"x"', '', '['.repeat(100_000), '{"a":'.repeat(100_000)]) {
    for (const path of ['/v1/chat/completions', '/v1/messages', '/v1/responses', '/v1/embeddings', '/v1/messages/count_tokens']) {
      expect((await post(provider, path, body)).status).toBe(400)
    }
  }
  expect(provider.stats()).toMatchObject({ running: 0, answered: 0, broken: 0 })
})

test('what makes little sense is answered within bounds', async () => {
  await using provider = await simulate(quick)
  for (const [path, body] of answered) {
    const took = processorTime()
    const answer = await post(provider, path, JSON.stringify({ ...body, max_completion_tokens: 1_000 }))
    expect({ body: JSON.stringify(body).slice(0, 200), status: answer.status }).toEqual({
      body: JSON.stringify(body).slice(0, 200),
      status: 200,
    })
    expect(took()).toBeLessThan(2_000)
  }
  expect(provider.stats()).toMatchObject({ running: 0, broken: 0 })
})

test('answers programs of this machine only: its own Host, no foreign Origin', async () => {
  await using provider = await simulate(quick)
  const [path, body] = chat({})
  const status = async (headers: Record<string, string>): Promise<number> =>
    (await post(provider, path, JSON.stringify(body), headers)).status
  const own = provider.url.replace('http://', '')
  expect(await status({})).toBe(200)
  expect(await status({ host: own.replace('127.0.0.1', 'localhost') })).toBe(200)
  expect(await status({ origin: provider.url })).toBe(200)
  for (const host of [
    'evil.example',
    `evil.example:${provider.port}`,
    '127.0.0.1:1',
    `127.0.0.1.evil.example:${provider.port}`,
  ]) {
    expect([host, await status({ host })]).not.toEqual([host, 200])
  }
  for (const origin of [
    'https://evil.example',
    'null',
    'http://localhost:3000',
    `https://${own}`,
    `http://${own}.evil.example`,
  ]) {
    expect(await status({ origin, 'content-type': 'text/plain' })).toBe(403)
  }
  expect(await status({ 'sec-fetch-site': 'cross-site' })).toBe(403)
  expect((await fetch(`${provider.url}/v1/models`, { headers: { origin: 'https://evil.example' } })).status).toBe(403)
  const raw = connect(provider.port, '127.0.0.1')
  raw.write('GET /v1/models HTTP/1.0\r\n\r\n')
  const [reply] = (await once(raw, 'data')) as [Buffer]
  expect(reply.toString()).toMatch(/^HTTP\/1.1 403/)
})

test('a body that is too large is refused, and the connection lives', async () => {
  await using provider = await simulate(quick)
  const answer = await post(provider, '/v1/chat/completions', `{"a":"${'x'.repeat(33 * 2 ** 20)}"}`).catch(
    (error: NodeJS.ErrnoException) => error.code,
  )
  expect(answer === 'EPIPE' || answer === 'ECONNRESET' || (answer as Answered).status === 400).toBe(true)
  expect((await post(provider, ...(['/v1/chat/completions', JSON.stringify(chat({})[1])] as const))).status).toBe(200)
})
