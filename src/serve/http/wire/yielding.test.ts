import { expect, test } from 'vitest'
import { performance } from '../../../base/globals.js'
import { Yielding } from './yielding.ts'

test('many that write at one moment share the event loop with others, and each has its turn in order', async () => {
  const yielding = new Yielding()
  const done: number[] = []
  let turns = 0
  const count = (): void => {
    turns++
    if (done.length < 20) setImmediate(count)
  }
  setImmediate(count)
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      await yielding.do(() => {
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
  const realNow = performance.now
  let now = 0
  // A round of the loop takes a millisecond, and writing six.
  performance.now = () => now
  try {
    const yielding = new Yielding()
    const at: number[] = []
    const write = (): void => {
      at.push(now)
      now += 6
    }
    let over = false
    const accept = (): void => {
      now++
      yielding.arrived()
      if (!over) setImmediate(accept)
    }
    accept()
    await Promise.all(Array.from({ length: 22 }, () => yielding.do(write)))
    over = true
    // The first is written as it comes; the second lets all go first that come in a tenth of a second.
    const [first = 0, second = 0] = at
    expect(second - first).toBeGreaterThanOrEqual(100)
    expect(second - first).toBeLessThan(115)
    expect(at.length).toBe(22)
    // Each after it waits for as long as the one before took, and not for a tenth of a second again.
    for (let i = 2; i < at.length; i++) expect((at[i] as number) - (at[i - 1] as number)).toBeLessThan(20)
  } finally {
    performance.now = realNow
  }
})
