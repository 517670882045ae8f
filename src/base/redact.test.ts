import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { redacted } from './redact.ts'
import { withoutSecrets } from './secrets.ts'
import { processorTime } from '../../test/support/processor-time.ts'

const key = 'sk-proj-0123456789abcdef'

class ClientError extends Error {
  readonly statusCode = 401
  readonly responseBody: string
  constructor(message: string, responseBody: string, cause?: unknown) {
    super(message, { cause })
    this.responseBody = responseBody
  }
}

test.each([
  ['Incorrect API key provided: sk-proj-0123456789abcdef.', 'Incorrect API key provided: sk-….'],
  ['sk-ant-api03-AAAAAAAAAA', 'sk-…'],
  [`AIza${'x'.repeat(35)}`, 'AIz…'],
  ['Authorization: Bearer abc.def', 'Authorization: Bearer abc…'],
  ['https://h/v1?key=s3cr3t&x=1', 'https://h/v1?key=s3c…&x=1'],
  ['The key is wrong', 'The key is wrong'],
])('text: %s', (text, clean) => expect(withoutSecrets(text)).toBe(clean))

test('what holds no key is passed on as it is', () => {
  const error = new ClientError('no', '{}', new Error('why'))
  expect(redacted(error)).toBe(error)
  expect(redacted(undefined)).toBeUndefined()
  const circular: { self?: unknown } = {}
  circular.self = circular
  expect(redacted(circular)).toBe(circular)
})

test.each([
  ['in the message', () => new ClientError(`wrong: ${key}`, '')],
  ['in the body', () => new ClientError('wrong', `{"error":"${key}"}`)],
  ['in a cause', () => new ClientError('wrong', '', new ClientError('inner', key))],
  ['in a list of errors', () => new AggregateError([new ClientError(key, '')], 'all')],
  ['in a nested object', () => Object.assign(new ClientError('wrong', ''), { data: { error: [{ param: key }] } })],
  ['as a name', () => Object.assign(new ClientError('wrong', ''), { headers: { [key]: 1 } })],
  ['where nothing is enumerable', () => Object.defineProperty(new ClientError('wrong', ''), 'hidden', { value: { at: key } })],
  ['in a frozen error', () => Object.freeze(new ClientError(key, ''))],
])('a key %s is in no part of the copy, which is otherwise the same', (_, make) => {
  const error = make()
  const clean = redacted<Error & Partial<ClientError>>(error)
  expect(inspect(clean, { depth: 20, showHidden: true })).not.toContain(key)
  expect(clean.stack).not.toContain(key)
  expect(clean).toBeInstanceOf(error.constructor)
  expect(clean.name).toBe(error.name)
  expect(clean.statusCode).toBe((error as ClientError).statusCode)
  // The original is the provider's: it is left alone.
  expect(inspect(error, { depth: 20, showHidden: true })).toContain(key)
})

test('an error that contains itself', () => {
  const error = Object.assign(new ClientError(key, ''), { self: undefined as unknown })
  error.self = error
  const clean = redacted(error)
  expect(clean.self).toBe(clean)
  expect(inspect(clean, { showHidden: true })).not.toContain(key)
})

const shapes = {
  openai: 'sk-proj-0123456789abcdef',
  anthropic: 'sk-ant-api03-AbCdEfGh12345678',
  openrouter: 'sk-or-v1-0123456789abcdef0123456789abcdef',
  google: `AIza${'x'.repeat(35)}`,
  googleToken: `ya29.${'a0Af'.repeat(10)}`,
  groq: 'gsk_0123456789abcdefABCDEF',
  xai: 'xai-0123456789abcdefABCDEF',
  huggingface: 'hf_abcdefghijklmnopqrstuvwxyz',
  perplexity: 'pplx-0123456789abcdef',
  replicate: 'r8_0123456789abcdefABCDEF',
  together: 'tgp_v1_0123456789abcdef',
  nvidia: 'nvapi-0123456789abcdef',
  cerebras: 'csk-0123456789abcdef',
  aws: 'AKIAIOSFODNN7EXAMPLE',
  awsSession: 'ASIAIOSFODNN7EXAMPLE',
  github: 'ghp_0123456789abcdefABCDEF0123456789abcd',
  githubFine: 'github_pat_0123456789abcdefABCDEF',
  gitlab: 'glpat-0123456789abcdefABCD',
  slack: 'xoxb-123456789012-abcdefABCDEF',
  stripe: 'sk_live_0123456789abcdefABCDEF',
  npm: 'npm_0123456789abcdefABCDEF',
  databricks: `dapi${'0a'.repeat(16)}`,
  jwt: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  sendgrid: `SG.${'aB3'.repeat(8)}.${'xY9'.repeat(12)}`,
  pem: '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----',
}

test.each(Object.entries(shapes))('a key of the form of %s', (_, secret) => {
  expect(withoutSecrets(`before ${secret} after`)).not.toContain(secret.split('\n')[1] ?? secret)
  expect(withoutSecrets(`before ${secret} after`)).toMatch(/^before .*… ?[\s\S]*after$/)
})

test.each([
  ['api-key: abcdefgh1234', 'abcdefgh1234'],
  ['{"x-api-key":"only letters here"}', 'only letters'],
  [String.raw`{\"Authorization\":\"Bearer abcdefgh\"}`, 'abcdefgh'],
  ['Cookie: a=12345678; b=abcdefgh', 'abcdefgh'],
  ['Cookie: sid=abcdef123456; b=abcdefgh', 'abcdef123456'],
  ['GET /v1?token=abcdefgh&x=1', 'abcdefgh'],
  ['https://anna:s3cr3tpw@host/x', 's3cr3tpw'],
  ['DB_PASSWORD=correcthorse', 'correcthorse'],
  ['Authorization: Basic YW5uYTpwYXNzd29yZA==', 'YW5uYTpwYXNzd29yZA'],
])('what a name gives away: %s', (text, secret) => expect(withoutSecrets(text)).not.toContain(secret))

test.each([
  'Unexpected token: expected a number',
  'max_tokens: 1000, total_tokens=2000',
  'a basic understanding of bearer bonds',
  'http://127.0.0.1:8080/v1/chat?x=1',
  'The key is wrong, the token expired',
])('words are left: %s', (text) => expect(withoutSecrets(text)).toBe(text))

class Config {
  readonly headers = { 'x-api-key': 'classsecret1' }
}

test.each([
  ['Headers', () => new Headers({ 'api-key': 'abcdefgh1234' })],
  ['a Map', () => new Map([['authorization', 'Bearer abcdefgh1234']])],
  ['a Set', () => new Set(['sk-abcdefgh1234'])],
  ['an address', () => new URL('https://u:abcdefgh1234@h/?token=abcdefgh1234')],
  ['search parameters', () => new URLSearchParams({ token: 'abcdefgh1234' })],
  ['a Buffer', () => Buffer.from('api-key: abcdefgh1234')],
  ['bytes', () => new TextEncoder().encode('sk-abcdefgh1234')],
  ['an ArrayBuffer', () => new TextEncoder().encode('sk-abcdefgh1234').buffer],
  [
    'a getter',
    () => ({
      get key() {
        return 'sk-abcdefgh1234'
      },
    }),
  ],
  ['a class', () => Object.assign(new Config(), { note: 'sk-abcdefgh1234' })],
  ['raw headers', () => ['host', 'h', 'x-api-key', 'abcdefgh1234']],
  ['pairs', () => [['x-api-key', 'abcdefgh1234']]],
  ['a list of cookies', () => ({ 'set-cookie': ['a=abcdefgh1234', 'b=abcdefgh1234'] })],
  ['a function that has it', () => ({ 'api-key': 'abcdefgh1234', f: Object.assign(() => 1, { key: 'abcdefgh1234' }) })],
  [
    'something deep',
    () => {
      let deep: object = { key: 'sk-abcdefgh1234' }
      for (let i = 0; i < 40; i++) deep = { deep }
      return deep
    },
  ],
  [
    'something shared',
    () => {
      const shared = { 'api-key': 'abcdefgh1234' }
      return [shared, shared, { text: 'it was abcdefgh1234' }]
    },
  ],
])('a secret in %s within a cause', (_, make) => {
  const error = new ClientError('said no to abcdefgh1234', '', Object.assign(new Error('inner'), { request: make() }))
  const clean = redacted(Object.assign(error, { 'api-key': 'abcdefgh1234' }))
  const text =
    inspect(clean, { depth: 60, showHidden: true, getters: true }) +
    inspect((clean.cause as { request: unknown }).request, { depth: 60 })
  expect(text).not.toContain('abcdefgh1234')
  expect(text).not.toContain('classsecret1')
  expect(text).not.toContain(Buffer.from('abcdefgh1234').toString('hex').replaceAll(/../g, '$& ').trim())
})

test('getters that throw, proxies, and a million values take no time and break nothing', () => {
  const took = processorTime()
  const hostile = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('boom')
      },
    },
  )
  for (const value of [
    {
      get x() {
        throw new Error('boom')
      },
    },
    hostile,
    { hostile, key: 'sk-abcdefgh1234' },
    Array.from({ length: 1_000_000 }, (_, i) => i),
    'x'.repeat(5_000_000),
  ])
    expect(inspect(redacted(value), { maxArrayLength: 10, maxStringLength: 10 })).not.toContain('sk-abc')
  expect(took()).toBeLessThan(2_000)
})
