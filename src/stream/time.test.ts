/** What stages do with time, on a clock that stands still until it is moved. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SimulatedClock } from '../base/clock.ts'
import { streamWith } from './stream.ts'
import { runs } from '../../test/support/runs.ts'

/** A source that gives an item when it is asked to. */
class Live implements AsyncIterable<number> {
  readonly #items: number[] = []
  #wake: () => void = () => {}
  #over = false
  /** How many items were taken out. */
  taken = 0

  push(...items: number[]): void {
    this.#items.push(...items)
    this.#wake()
  }

  end(): void {
    this.#over = true
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<number> {
    while (true) {
      const item = this.#items.shift()
      if (item !== undefined) {
        this.taken++
        yield item
      } else if (this.#over) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

interface Running {
  readonly clock: SimulatedClock
  readonly live: Live
  readonly got: number[][]
  readonly done: Promise<void>
}

function running(
  build: (s: ReturnType<typeof streamWith<number>>) => { forEach(fn: (items: number[]) => void): Promise<void> },
): Running {
  const clock = new SimulatedClock()
  const live = new Live()
  const got: number[][] = []
  const done = build(streamWith(clock, live)).forEach((items) => void got.push(items))
  return { clock, live, got, done }
}

test('a batch is given on when it is full, or when its time is up', async () => {
  const { clock, live, got, done } = running((s) => s.batch({ size: 3, within: 50 }))
  live.push(1, 2, 3, 4)
  await clock.advance(49)
  expect(got).toEqual([[1, 2, 3]])
  await clock.advance(2)
  expect(got).toEqual([[1, 2, 3], [4]])
  await clock.advance(1_000)
  live.push(5)
  await clock.advance(30)
  live.push(6)
  await clock.advance(20)
  expect(got.slice(2)).toEqual([[5, 6]])
  live.push(7)
  live.end()
  await done
  expect(got.slice(3)).toEqual([[7]])
  expect(clock.pending).toBe(0)
})

test('while the consumer is busy one batch is collected ahead, and no more', async () => {
  const clock = new SimulatedClock()
  const live = new Live()
  let release: () => void = () => {}
  const got: number[][] = []
  const done = streamWith(clock, live)
    .batch({ size: 2, within: 10 })
    .forEach(
      async (items) => {
        got.push(items)
        await new Promise<void>((resolve) => (release = resolve))
      },
      { concurrency: 1, buffer: 0 },
    )
  live.push(...Array.from({ length: 100 }, (_, i) => i))
  await clock.advance(1_000)
  expect(got).toEqual([[0, 1]])
  expect(live.taken).toBeLessThanOrEqual(5)
  for (let i = 0; i < 60; i++) {
    release()
    await clock.advance(20)
  }
  live.end()
  release()
  await clock.advance(20)
  await done
  expect(got.flat()).toEqual(Array.from({ length: 100 }, (_, i) => i))
})

test('windows of time close on time, without empty ones', async () => {
  const { clock, live, got, done } = running((s) => s.window({ every: 100 }))
  live.push(1)
  await clock.advance(60)
  live.push(2)
  await clock.advance(60)
  live.push(3)
  await clock.advance(500)
  live.push(4)
  await clock.advance(10)
  live.end()
  await done
  expect(got).toEqual([[1, 2], [3], [4]])
  expect(clock.pending).toBe(0)
})

test('windows of time that overlap hold what arrived during their length', async () => {
  const { clock, live, got, done } = running((s) => s.window({ every: 10, length: 30 }))
  for (let i = 0; i < 5; i++) {
    live.push(i)
    await clock.advance(10)
  }
  live.end()
  await done
  // Item i arrives at 10 i; a window closes at 10 k and holds what arrived in the 30 before.
  expect(got.slice(0, 5)).toEqual([[0], [0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]])
})

test('every item is in a window of time, in order, and in no more than its length allows', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(40), { maxLength: 25 }),
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 6 }),
      async (gaps, every, times, limit) => {
        const { clock, live, got, done } = running((s) => s.window({ every, length: every * times, limit }))
        for (const [i, gap] of gaps.entries()) {
          live.push(i)
          await clock.advance(gap)
        }
        live.end()
        await clock.advance(every * times * (gaps.length + 2))
        await done
        const counts = gaps.map((_, i) => got.filter((window) => window.includes(i)).length)
        for (const count of counts) {
          expect(count).toBeGreaterThan(0)
          // Once more when the source ends: the last window has what came with the items that no window had had.
          expect(count).toBeLessThanOrEqual(times + 1)
        }
        for (const window of got) {
          expect(window.length).toBeGreaterThan(0)
          expect(window.length).toBeLessThanOrEqual(limit)
          expect(window).toEqual(window.toSorted((a, b) => a - b))
        }
        expect([...new Set(got.flat())]).toEqual(gaps.map((_, i) => i))
        expect(clock.pending).toBe(0)
      },
    ),
    { numRuns: runs(50, 150) },
  )
})

test('timeout, retry and limits of a stage run on the same clock', async () => {
  const clock = new SimulatedClock()
  const attempts: number[] = []
  const result = streamWith(clock, [1, 2])
    .map(
      (x, context) => {
        attempts.push(x)
        if (x === 2 && context.attempt === 1)
          return new Promise<number>((_, reject) => context.signal.addEventListener('abort', reject))
        return x * 10
      },
      { timeout: 100, retry: { retries: 1, base: 50 }, concurrency: 1 },
    )
    .toArray()
  await clock.advance(99)
  expect(attempts).toEqual([1, 2])
  await clock.advance(200)
  expect(await result).toEqual([10, 20])
  expect(attempts).toEqual([1, 2, 2])
})
