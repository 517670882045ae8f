/** Situations in which everybody knows what is work, and what the system counts in them. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Executor, shareOf, type Stretch } from './share.ts'

const idle: Stretch = {
  executors: [],
  native: { cpu: 0, wait: 0 },
  pool: 0,
  children: { cpu: 0, wait: 0, unseen: 0, alive: 0 },
  machine: 0,
  others: 0,
  counted: true,
}
const share = (stretch: Partial<Stretch>) => shareOf({ ...idle, ...stretch })
const work = (stretch: Partial<Stretch>): number => {
  const { computing, waiting } = share(stretch)
  return computing + waiting
}
const thread = (tasks: number, cpu = 0, wait = 0, busy = cpu + wait): Executor => ({ tasks, cpu, wait, busy })

describe('what tasks of a stretch of time did', () => {
  test.each([
    ['one computes on each of two workers', { executors: [thread(1, 1), thread(1, 1)] }, 2],
    ['four workers compute on two cores', { executors: [1, 2, 3, 4].map(() => thread(1, 0.5, 0.5)) }, 2],
    ['sixteen take turns on one thread', { executors: [thread(16, 1)] }, 1],
    ['sixty-four take turns on each of two workers', { executors: [thread(64, 1), thread(64, 1)] }, 2],
    ['sixteen wait for answers', { executors: [thread(16, 0.05)] }, 16],
    ['sixty-four wait on each of two workers', { executors: [thread(64, 0.02), thread(64, 0.02)] }, 128],
    [
      'native threads compute for many calls of two workers, on two cores that are taken',
      { executors: [thread(64, 0.05), thread(64, 0.05)], native: { cpu: 1.9, wait: 6 }, pool: 2, machine: 1 },
      2,
    ],
    [
      'libuv computes four of sixty-four calls, while cores are free',
      { executors: [thread(64, 0.05)], native: { cpu: 4, wait: 0 }, pool: 1 },
      4.05,
    ],
    [
      'one call computes on many native threads, which alone is no speedup',
      { executors: [thread(1)], native: { cpu: 3, wait: 0 } },
      1,
    ],
    [
      'ten children compute on two cores',
      { executors: [thread(10, 0.1)], children: { cpu: 1.9, wait: 8, unseen: 0, alive: 9 }, machine: 1 },
      2,
    ],
    ['ten children sleep', { executors: [thread(10, 0.1)], children: { cpu: 0, wait: 0, unseen: 0, alive: 10 } }, 10],
    [
      'ten children sleep half of the time, and this thread is busy starting them',
      { executors: [thread(11, 1)], children: { cpu: 1, wait: 4, unseen: 0, alive: 10 }, machine: 1 },
      1 + 1 + 5,
    ],
    [
      'children too short to be seen compute on all cores',
      { executors: [thread(10, 0.2)], children: { cpu: 1.8, wait: 0, unseen: 1.8, alive: 0 }, machine: 1 },
      2,
    ],
    [
      'two workers wait for children of theirs without letting go of the thread',
      { executors: [thread(1, 0, 0, 1), thread(1, 0, 0, 1)], children: { cpu: 2, wait: 0, unseen: 0, alive: 2 } },
      2,
    ],
    ['a worker reads from a slow disk without letting go of the thread', { executors: [thread(1, 0.1, 0, 1)] }, 1],
    ['answers are awaited while workers compute', { executors: [thread(20, 0.05), thread(1, 1), thread(1, 0.9)] }, 21.9],
  ] as const)('%s', (_, stretch, expected) => {
    expect(work(stretch as Partial<Stretch>)).toBeCloseTo(expected, 1)
  })

  test.each([
    [
      'one task computes on half a core, because another program has the rest',
      { executors: [thread(1, 0.5, 0.5)], others: 0.75, machine: 1 },
      1,
    ],
    [
      'two workers get half a core together, because other programs have the rest',
      { executors: [thread(1, 0.25, 0.75), thread(1, 0.25, 0.75)], others: 0.75, machine: 1 },
      1,
    ],
    [
      'native threads and children get no more than others leave',
      {
        executors: [thread(3, 0.1, 0.1)],
        native: { cpu: 0.2, wait: 0.8 },
        children: { cpu: 0.1, wait: 1.9, unseen: 0, alive: 2 },
        others: 0.8,
        machine: 1,
      },
      1,
    ],
    [
      'two workers together have more than a core, so one alone would have had a whole one',
      { executors: [thread(1, 0.6, 0.4), thread(1, 0.6, 0.4)], others: 0.4, machine: 1 },
      1.2,
    ],
    [
      'two workers, of which each may have waited for the other',
      { executors: [thread(1, 0.4, 0.6), thread(1, 0.4, 0.6)], machine: 1 },
      0.8,
    ],
  ] as const)('counts waiting for a core where nobody else of ours wanted one: %s', (_, stretch, expected) => {
    expect(work(stretch as Partial<Stretch>)).toBeCloseTo(expected, 1)
  })

  test('cannot tell whether two workers waited for each other or for other programs, as far as those had the cores', () => {
    const executors = [thread(1, 0.4, 0.6), thread(1, 0.4, 0.6)]
    // Together they had 0.8 of a core: as much as one thread alone could have had at most, so up to one core their waiting is work.
    expect(share({ executors, machine: 1, others: 0.5 })).toMatchObject({
      waiting: expect.closeTo(0.2),
      unclear: expect.closeTo(0.5),
    })
    expect(share({ executors, machine: 1 }).unclear).toBe(0)
  })

  test('says how much may have been waiting for the outside all the same', () => {
    expect(share({ executors: [thread(16, 1)] }).unclear).toBe(15)
    expect(share({ executors: [thread(16, 0.1)] }).unclear).toBe(0)
  })

  test('is never more than the tasks, adds up to them, and computes no more than was on a core', () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true })
    const executor = fc.record({ tasks: fc.double({ min: 0, max: 64, noNaN: true }), cpu: part, wait: part, busy: part })
    const helpers = fc.record({
      cpu: fc.double({ min: 0, max: 8, noNaN: true }),
      wait: fc.double({ min: 0, max: 8, noNaN: true }),
    })
    const stretch = fc.record({
      executors: fc.array(executor, { maxLength: 5 }),
      native: helpers,
      pool: part,
      children: fc
        .tuple(helpers, part, fc.nat(20))
        .map(([more, unseen, alive]) => ({ ...more, unseen: unseen * more.cpu, alive })),
      machine: part,
      others: part,
      counted: fc.boolean(),
    })
    fc.assert(
      fc.property(stretch, (given) => {
        const { computing, waiting, forThread, forCore, unclear } = shareOf(given)
        const tasks = given.executors.reduce((sum, { tasks }) => sum + tasks, 0)
        const cpu = given.executors.reduce((sum, { cpu }) => sum + cpu, 0) + given.native.cpu + given.children.cpu
        expect(computing + waiting + forThread + forCore).toBeCloseTo(tasks, 6)
        expect(Math.min(computing, waiting, forThread, forCore, unclear)).toBeGreaterThanOrEqual(-1e-9)
        expect(computing).toBeLessThanOrEqual(cpu + 1e-9)
      }),
    )
  })
})
