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

test('while connections arrive, writing waits for them; when they never stop, it has its share all the same', async () => {
  const breath = new Breath()
  // In which round of the loop each was written.
  const at: number[] = []
  const write = (): void => {
    const until = performance.now() + 6
    while (performance.now() < until);
    at.push(rounds)
  }
  let rounds = 0
  let over = false
  const accept = (): void => {
    rounds++
    breath.arrived()
    if (!over) setImmediate(accept)
  }
  accept()
  await Promise.all(Array.from({ length: 22 }, () => breath.do(write)))
  over = true
  // The first is written as it comes; the second lets all go first that come in a tenth of a second.
  const [first = 0, second = 0] = at
  expect(second - first).toBeGreaterThan(50)
  // Each after it waits for as long as the one before took, and not for a tenth of a second again.
  expect(at.length).toBe(22)
  expect(((at.at(-1) as number) - second) / 20).toBeLessThan((second - first) / 2)
})
