/** Every operator against the same on plain arrays, under random interleavings (a scheduler decides which call settles next) and failures. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { end, type Model, modelOf, Planted, type Step, steps } from './operators.fixture.ts'
import { range, Tally } from './stream.fixture.ts'
import { type Stream, stream } from './stream.ts'
import { runs } from '../../test/support/runs.ts'

const bounds = fc.record({ concurrency: fc.integer({ min: 1, max: 5 }), buffer: fc.nat(3) })
type Bounds = { readonly concurrency: number; readonly buffer: number }

/** The step on a stream; its function settles when the scheduler says so, or at once. */
function applied(s: Stream<number>, step: Step, { scheduler, options, tally }: Setting): Stream<number> {
  const later =
    <T>(fn: (x: number) => T) =>
    (x: number): T | Promise<T> => {
      if (!step.later) return fn(x)
      return tally.watch(async () => fn(await scheduler.schedule(Promise.resolve(x))))(undefined)
    }
  switch (step.op) {
    case 'map':
      return s.map(later(modelOf(step).one), options)
    case 'filter':
      return s.filter(later(modelOf(step).keeps), options)
    case 'flatMap':
      return s.flatMap<number>(
        later((x) => (x % 2 === 0 ? modelOf(step).many(x) : each(modelOf(step).many(x)))),
        options,
      )
    case 'take':
      return s.take(step.n)
    case 'drop':
      return s.drop(step.n)
    case 'batch':
      return s.batch({ size: step.n + 1 }).map(modelOf(step).joined)
    case 'batch by cost':
      return s.batch({ size: step.n + 3, cost: (x) => (Math.abs(x) % 4) + 1 }).map(modelOf(step).joined)
    case 'window':
      return s.window({ size: step.n + 1, step: Math.ceil((step.n + 1) / 2) }).map(modelOf(step).joined)
    case 'by':
      return s.by((x) => x % 3).map(later(modelOf(step).one), options)
  }
}

interface Setting {
  readonly scheduler: fc.Scheduler
  readonly options: Bounds
  readonly tally: Tally
}

async function* each(items: readonly number[]): AsyncGenerator<number> {
  for (const item of items) {
    await undefined
    yield item
  }
}

/** What the terminal gives, or the error. */
async function outcomeOf(result: Promise<unknown>): Promise<unknown> {
  try {
    return await result
  } catch (error) {
    return error
  }
}

const terminals = ['toArray', 'forEach', 'reduce', 'some', 'every', 'find', 'for await', 'tee'] as const

function ended(s: Stream<number>, terminal: (typeof terminals)[number]): Promise<unknown> {
  switch (terminal) {
    case 'toArray':
      return s.toArray()
    case 'forEach': {
      const seen: number[] = []
      return s.forEach((x) => void seen.push(x)).then(() => seen)
    }
    case 'reduce':
      return s.reduce((sum: number, x) => sum * 2 + x, 0)
    case 'some':
      return s.some((x) => x % 5 === 4)
    case 'every':
      return s.every((x) => x % 5 !== 4)
    case 'find':
      return s.find((x) => x % 5 === 4)
    case 'for await':
      return (async () => {
        const seen: number[] = []
        for await (const x of s) if (seen.push(x) === 7) break
        return seen
      })()
    case 'tee':
      return s.tee([(a) => a.toArray(), (b) => b.take(2).toArray(), (c) => c.reduce((sum: number, x) => sum + x, 0)], {
        buffer: 2,
      })
  }
}

test('every pipeline gives what arrays give, or the failure that was planted, and closes its source', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(steps, { maxLength: 4 }),
      fc.nat(25),
      bounds,
      fc.constantFrom(...terminals),
      fc.boolean(),
      fc.option(fc.nat(24), { nil: undefined }),
      async (scheduler, list, length, options, terminal, asyncSource, failsAt) => {
        const tally = new Tally()
        const source = tally.source(length, failsAt)
        let pipeline: Stream<number> = stream(asyncSource ? tally.later(source) : source)
        for (const step of list) pipeline = applied(pipeline, step, { scheduler, options, tally })
        const outcome = await scheduler.waitFor(outcomeOf(ended(pipeline, terminal)))

        const model: Model = list.reduce<Model>((items, step) => modelOf(step).all(items), {
          items: range(Math.min(length, failsAt ?? length)),
          failed: failsAt !== undefined && failsAt < length,
        })
        const expected = end(model, terminal)
        // A failure above what the end needs may have come first, because stages work ahead.
        const mayFail = tally.planted || model.failed || list.some((step) => step.fails !== undefined)
        const failed = outcome instanceof Planted
        expect(failed && mayFail ? undefined : outcome).toEqual(failed && mayFail ? undefined : expected)
        expect(failed || expected !== 'fails').toBe(true)
        expect(tally.underWay).toBe(0)
        expect(tally.open).toBe(0)
      },
    ),
    { numRuns: runs(150, 700) },
  )
})

test('unordered stages and merge give the same items in some order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.nat(30), fc.nat(10), bounds, async (scheduler, length, others, options) => {
      const later = (x: number): Promise<number> => scheduler.schedule(Promise.resolve(x))
      const result = stream(range(length))
        .map(later, { ...options, ordered: false })
        .merge(
          range(others).map((x) => 100 + x),
          stream(each(range(others))).map((x) => 200 + x),
        )
        .filter(async (x) => (await later(x)) % 3 !== 0, { ...options, ordered: false })
        .flatMap((x) => each([x, x]), { ...options, ordered: false })
        .toArray()
      const expected = [...range(length), ...range(others).flatMap((x) => [100 + x, 200 + x])]
        .filter((x) => x % 3 !== 0)
        .flatMap((x) => [x, x])
      const got = await scheduler.waitFor(result)
      expect(got.toSorted((a, b) => a - b)).toEqual(expected.toSorted((a, b) => a - b))
    }),
    { numRuns: runs(60, 200) },
  )
})

test("onFailure 'settle' gives every outcome in its place", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.nat(30), bounds, fc.boolean(), async (scheduler, length, options, keyed) => {
      const fn = async (x: number): Promise<number> => {
        await scheduler.schedule(Promise.resolve())
        if (x % 4 === 1) throw new Planted()
        return x
      }
      const settling = { ...options, onFailure: 'settle' } as const
      const s = stream(range(length))
      const result = keyed ? s.by((x) => x % 3).map(fn, settling) : s.map(fn, settling)
      const outcomes = await scheduler.waitFor(result.toArray())
      expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'failed'))).toEqual(
        range(length).map((x) => (x % 4 === 1 ? 'failed' : x)),
      )
    }),
    { numRuns: runs(50, 100) },
  )
})

test('by keeps the order inside a key, one at a time, and runs keys at once', async () => {
  let mostAtOnce = 0
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.nat(3), { maxLength: 40 }),
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      async (scheduler, keys, concurrency, ordered) => {
        const active = new Map<number, number>()
        const seen = new Map<number, number[]>()
        let atOnce = 0
        const items = keys.map((key, at) => ({ key, at }))
        const work = async ({ key, at }: { key: number; at: number }): Promise<number> => {
          active.set(key, (active.get(key) ?? 0) + 1)
          expect(active.get(key)).toBe(1)
          mostAtOnce = Math.max(mostAtOnce, ++atOnce)
          expect(atOnce).toBeLessThanOrEqual(concurrency)
          await scheduler.schedule(Promise.resolve())
          seen.set(key, [...(seen.get(key) ?? []), at])
          active.set(key, 0)
          atOnce--
          return at
        }
        const result = stream(items)
          .by((item) => item.key)
          .map(work, { concurrency, ordered })
          .toArray()
        const got = await scheduler.waitFor(result)
        expect(ordered ? got : got.toSorted((a, b) => a - b)).toEqual(range(keys.length))
        for (const [key, order] of seen) expect(order).toEqual(items.filter((item) => item.key === key).map((item) => item.at))
        const sums = await stream(items)
          .by((item) => item.key)
          .reduce(
            (sum, item) => sum + item.at,
            (key: number) => key,
          )
        for (const [key, order] of seen) expect(sums.get(key)).toBe(order.reduce((a, b) => a + b, key))
        expect(sums.size).toBe(seen.size)
      },
    ),
    { numRuns: runs(50, 150) },
  )
  expect(mostAtOnce).toBeGreaterThan(2)
})
