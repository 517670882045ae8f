import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SimulatedClock } from '../base/clock.ts'
import { Cancelled, InvalidOption, QuorumNotReached, TimedOut } from '../base/errors.ts'
import type { TaskContext } from '../base/frame.ts'
import { partialResults } from '../run/failure.ts'
import { scatter, type ScatterOptions, scatterWith } from './scatter.ts'
import { runs } from '../../test/support/runs.ts'

interface Target {
  readonly ms: number
  readonly fails?: boolean
  /** Goes on for ever after its signal. */
  readonly deaf?: boolean
}

/** Answers with its time after that time, on the simulated clock; counts who was asked to stop. */
function simulated() {
  const clock = new SimulatedClock()
  const stopped: number[] = []
  const send = ({ ms, fails, deaf }: Target, { signal, index }: TaskContext): Promise<number> =>
    new Promise((resolve, reject) => {
      const timer = clock.schedule(ms, () => (fails ? reject(new Error(`target ${index} failed`)) : resolve(ms)))
      signal.addEventListener('abort', () => {
        stopped.push(index)
        clock.cancel(timer)
        if (!deaf) reject(signal.reason as Error)
      })
    })
  const run = async (targets: readonly Target[], options: ScatterOptions) => {
    const settled = scatterWith(targets, send, options, clock).then(
      (value) => ({ value, at: clock.now(), error: undefined }),
      (error: unknown) => ({ value: undefined, at: clock.now(), error: error as QuorumNotReached }),
    )
    await clock.advance(10_000)
    return settled
  }
  return { clock, send, stopped, run }
}

describe('scatter', () => {
  test('goes on as soon as enough have answered, and cancels the rest', async () => {
    const { run, stopped, clock } = simulated()
    const { value, at } = await run([{ ms: 50 }, { ms: 10 }, { ms: 900 }, { ms: 20 }, { ms: 800, deaf: true }], { enough: 3 })
    expect(value?.values).toEqual([50, 10, 20])
    expect(value?.missing.map(({ index, target }) => [index, target.ms])).toEqual([
      [2, 900],
      [4, 800],
    ])
    for (const { error } of value?.missing ?? []) expect(error).toBeInstanceOf(Cancelled)
    expect(stopped).toEqual([2, 4])
    expect(at).toBe(50)
    expect(clock.pending).toBe(0)
  })

  test('gives those that are not needed `grace` to settle', async () => {
    const { run } = simulated()
    expect((await run([{ ms: 10 }, { ms: 800, deaf: true }], { enough: 1, grace: 30 })).at).toBe(40)
  })

  test('fails as soon as too few can still answer, and carries what came', async () => {
    const { run } = simulated()
    const { error, at } = await run([{ ms: 5 }, { ms: 10, fails: true }, { ms: 20, fails: true }, { ms: 900 }], { enough: 3 })
    expect(error).toBeInstanceOf(QuorumNotReached)
    expect(at).toBe(20)
    expect(error?.values).toEqual([5])
    expect(error?.missing?.map(({ error: each }) => (each as Error).name)).toEqual(['Error', 'Error', 'Cancelled'])
    expect(error?.cause).toMatchObject({ message: 'target 1 failed' })
    expect(error?.message).toBe('Expected 3 of 4 targets of scatter "send" to answer, got 1: only 2 of 4 could still answer')
  })

  test('asks nobody when there are fewer targets than `enough`', async () => {
    let asked = 0
    await expect(scatter([1, 2], () => asked++, { enough: 3 })).rejects.toBeInstanceOf(QuorumNotReached)
    expect(asked).toBe(0)
  })

  test('counts only what came `within`', async () => {
    const { run } = simulated()
    const { error, at } = await run([{ ms: 5 }, { ms: 900 }], { enough: 2, within: 100 })
    expect(at).toBe(100)
    expect(error).toBeInstanceOf(QuorumNotReached)
    expect(error?.values).toEqual([5])
    expect(error?.missing?.[0]?.error).toBeInstanceOf(TimedOut)
  })

  test('without `enough` gives whatever came', async () => {
    const { run } = simulated()
    const all = await run([{ ms: 5 }, { ms: 7, fails: true }], {})
    expect(all.value?.values).toEqual([5])
    expect(all.at).toBe(7)
    const late = await run([{ ms: 5 }, { ms: 900 }], { within: 100 })
    expect(late.value?.values).toEqual([5])
    expect(late.value?.missing[0]?.error).toBeInstanceOf(TimedOut)
    expect(await scatter([], () => 1)).toEqual({ values: [], missing: [] })
  })

  test('leaves the signal of a winner alone', async () => {
    const signals: AbortSignal[] = []
    await scatter(
      [0, 1],
      async (index, { signal }) => {
        signals.push(signal)
        if (index === 1) await new Promise((_, reject) => signal.addEventListener('abort', reject))
      },
      { enough: 1 },
    )
    expect(signals.map((signal) => signal.aborted)).toEqual([false, true])
  })

  test('rejects with the cancellation, not with a missing quorum, when it is cancelled itself', async () => {
    const { clock, send, stopped } = simulated()
    const controller = new AbortController()
    const promise = scatterWith([{ ms: 5 }, { ms: 50 }, { ms: 60 }], send, { enough: 3, signal: controller.signal }, clock)
    const settled = promise.catch((error: unknown) => error)
    await clock.advance(10)
    controller.abort()
    const error = await settled
    expect(error).toBeInstanceOf(Cancelled)
    expect(partialResults(error)?.results).toEqual([5, undefined, undefined])
    expect(stopped).toEqual([1, 2])
    expect(clock.pending).toBe(0)
  })

  test('takes the policies of a call', async () => {
    const attempts: number[] = []
    const { values } = await scatter(
      ['a'],
      (target, { attempt }) => {
        attempts.push(attempt)
        if (attempt < 3) throw new Error('not yet')
        return target
      },
      { enough: 1, retry: { retries: 2, base: 0 } },
    )
    expect(values).toEqual(['a'])
    expect(attempts).toEqual([1, 2, 3])
  })

  test('checks its options', async () => {
    await expect(scatter([], () => 1, { enough: 0 })).rejects.toBeInstanceOf(InvalidOption)
    await expect(scatter([], () => 1, { enoug: 1 } as never)).rejects.toMatchObject({ hint: 'Did you mean `enough`?' })
    await expect(scatter(5 as never, () => 1)).rejects.toBeInstanceOf(InvalidOption)
  })

  test('decides by whoever comes first, for any targets', async () => {
    const target = fc.record({ ms: fc.integer({ min: 1, max: 50 }), fails: fc.boolean(), deaf: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(target, { maxLength: 8 }), fc.integer({ min: 1, max: 5 }), async (targets, enough) => {
        const { run, clock } = simulated()
        const { value, error, at } = await run(targets, { enough })
        // Timers of the same time fire in the order of the targets.
        const answers = targets
          .map(({ ms, fails }, index) => ({ ms, fails, index }))
          .filter(({ fails }) => !fails)
          .sort((a, b) => a.ms - b.ms || a.index - b.index)
        expect(clock.pending).toBe(0)
        expect(error instanceof QuorumNotReached).toBe(answers.length < enough)
        if (!value) return
        const winners = answers.slice(0, enough)
        expect(at).toBe(winners.at(-1)?.ms)
        const indices = new Set(winners.map(({ index }) => index))
        expect(value.values).toEqual(targets.filter((_, index) => indices.has(index)).map(({ ms }) => ms))
        expect(value.missing).toHaveLength(targets.length - enough)
      }),
      { numRuns: runs(50, 200) },
    )
  })
})
