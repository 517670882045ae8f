import { expect, test } from 'vitest'
import { left, mostOffered, putUp, takeFirst, takeLast, takeRest } from './claims.js'

const cells = new Int32Array(new SharedArrayBuffer(8))

test('the pool takes from the front, the worker from the end, and nobody twice', () => {
  putUp(cells, 1, 10)
  expect(takeFirst(cells, 1, 3)).toEqual({ from: 0, count: 3 })
  expect(takeLast(cells, 1)).toBe(9)
  expect(takeFirst(cells, 1, 4)).toEqual({ from: 3, count: 4 })
  expect(left(cells, 1)).toBe(2)
  expect(takeRest(cells, 1)).toEqual({ from: 7, count: 2 })
  expect([takeFirst(cells, 1, 1).count, takeLast(cells, 1), takeRest(cells, 1).count, left(cells, 1)]).toEqual([0, -1, 0, 0])
  expect(cells[0]).toBe(0)
})

test('the largest offer that there may be', () => {
  putUp(cells, 0, mostOffered)
  expect(takeFirst(cells, 0, mostOffered - 1)).toEqual({ from: 0, count: mostOffered - 1 })
  expect(takeLast(cells, 0)).toBe(mostOffered - 1)
  expect(left(cells, 0)).toBe(0)
})
