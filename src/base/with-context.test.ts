import { expect, test } from 'vitest'
import { rootFrame } from './frame.ts'
import { withContext } from './with-context.js'

const { context } = rootFrame
const lengthOf = (fn: (...args: never[]) => unknown): number => fn.length

test('the context takes the place of the last parameter, and no other', () => {
  const two = lengthOf((_item: string, _context: unknown) => 0)
  expect(withContext(two, ['a'], context)).toEqual(['a', context])
  expect(withContext(two, [], context)).toEqual([undefined, context])
  expect(withContext(two, ['a', 'b'], context)).toEqual(['a', 'b'])
})

test('defaults and rest parameters keep what they have in a plain call', () => {
  expect(
    withContext(
      lengthOf((_x: number, _k = 2) => 0),
      [3],
      context,
    ),
  ).toEqual([3])
  expect(
    withContext(
      lengthOf((..._rest: number[]) => 0),
      [3, 4],
      context,
    ),
  ).toEqual([3, 4])
})
