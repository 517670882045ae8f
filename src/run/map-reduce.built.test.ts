import { expect, test } from 'vitest'
import { plain } from '../../test/fixtures/plain.ts'
import { mapReduce } from './map-reduce.ts'

test('a failed merge of results from workers fails the run, after those under way have settled', async () => {
  let open = 0
  const failing = mapReduce(
    Array.from({ length: 64 }, (_, i) => i),
    plain.double,
    async (a: number, b: number) => {
      open++
      await new Promise((resolve) => setImmediate(resolve))
      open--
      if (a === 8) throw new RangeError('no merge')
      return a + b
    },
  )
  await expect(failing).rejects.toThrow('no merge')
  expect(open).toBe(0)
})
