import { expect, test } from 'vitest'
import { hole, mayBeEqual, shown } from './pattern.ts'

const [id, other] = [hole('id'), hole('other')]

test.each([
  ['a', 'a', true],
  ['a', 'b', false],
  [`key:${id}`, `key:${id}`, true],
  [`key:${id}`, `key:${id}:tags`, false],
  [`key:${id}:names`, `key:${id}:tags`, false],
  [`key:${id}`, `key:${other}`, true],
  [`key:${id}`, 'key:1', true],
  [`key:${id}`, 'other', false],
  ['key:', `key:${id}`, true],
  ['key', 'key:tags', false],
  [id, other, true],
  [`a${id}`, `b${id}`, false],
])('%j and %j may be equal: %j', (a, b, equal) => {
  expect(mayBeEqual(a, b)).toBe(equal)
  expect(mayBeEqual(b, a)).toBe(equal)
})

test('a hole is shown as a template has it', () => {
  expect(shown(`key:${hole('user.id')}`)).toBe('key:${user·id}')
})
