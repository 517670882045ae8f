import { expect, test } from 'vitest'
import { performance } from '../../../base/globals.js'
import { Breath } from './breath.ts'

test('many that write at one moment share the event loop with others, and each has its turn in order', async () => {
  const breath = new Breath()
  const done: number[] = []
  let turns = 0
  const count = (): void => {
    turns++
    if (done.length < 20) setImmediate(count)
  }
  setImmediate(count)
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      await breath.do(() => {
        const until = performance.now() + 6
        while (performance.now() < until);
        done.push(i)
      })
    }),
  )
  expect(done).toEqual(Array.from({ length: 20 }, (_, i) => i))
  // Each of them takes a whole turn.
  expect(turns).toBeGreaterThanOrEqual(19)
})
