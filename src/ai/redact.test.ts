import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { redacted, withoutKeys } from './redact.ts'

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
])('text: %s', (text, clean) => expect(withoutKeys(text)).toBe(clean))

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
