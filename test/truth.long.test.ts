/**
 * What the verdict says against a stopwatch of the same program without parallelism.
 *
 * Other programs take cores now and then, so a try measures both next to each other: half of the loop, the program, the other half. The tries in which
 * others used least are judged, by their median.
 */
import { join } from 'node:path'
import { map } from 'heddle'
import { explain, record } from 'heddle/trace'
import { expect, test } from 'vitest'
import { jobs } from './fixtures/truth/jobs.ts'
import { onWorkers } from './fixtures/truth/workers.ts'
import { counterparts } from './support/counterparts.ts'

const native = counterparts('native')
if (native) process.env['SHARP_FROM'] = join(native.folder, 'package.json')

type Job = keyof typeof jobs
interface Case {
  readonly job: Job
  readonly workers?: boolean
  readonly items: number
  readonly concurrency?: number
}
/** So many tries are judged, once others used less than this of the cores in them, or after the last. */
const judged = 3
const othersLittle = 0.15
const triesMost = 5

const cases: Readonly<Record<string, Case>> = {
  'worker functions compute': { job: 'compute', workers: true, items: 100 },
  'asynchronous worker functions wait': { job: 'sleep', workers: true, items: 80 },
  'asynchronous worker functions wait, and compute a little': { job: 'mostlyWait', workers: true, items: 80, concurrency: 8 },
  'asynchronous worker functions compute in the pool': { job: 'computeInPool', workers: true, items: 100 },
  'calls of this thread wait': { job: 'sleep', items: 80, concurrency: 16 },
  'calls of this thread wait, and compute a little': { job: 'mostlyWait', items: 80, concurrency: 8 },
  'calls of this thread wait and compute, and the thread is full': { job: 'waitAndCompute', items: 60, concurrency: 16 },
  'calls of this thread take turns': { job: 'compute', items: 60, concurrency: 16 },
  'calls of this thread compute in the pool': { job: 'computeInPool', items: 100, concurrency: 16 },
  'one call at a time computes in the pool': { job: 'computeInPool', items: 50, concurrency: 1 },
  'children sleep': { job: 'sleepingChild', items: 40, concurrency: 8 },
  'children compute': { job: 'computingChild', items: 40, concurrency: 8 },
  'asynchronous worker functions use a native module with threads of its own': { job: 'thumbnail', workers: true, items: 100 },
}

interface Try {
  readonly said: number
  readonly is: 'measured' | 'at-least' | 'unknown'
  readonly true: number
  readonly others: number
}

async function attempt({ job, workers = false, items, concurrency }: Case): Promise<Try> {
  const list = Array.from({ length: items }, (_, i) => i)
  const fn: () => unknown = workers ? onWorkers[job] : jobs[job]
  const options = concurrency === undefined ? {} : { concurrency }
  const alone = (count: number) =>
    record(async function alone() {
      const began = performance.now()
      for (let i = 0; i < count; i++) await jobs[job]()
      return performance.now() - began
    })
  const before = await alone(items / 2)
  const { value: ms, trace } = await record(async function together() {
    const began = performance.now()
    await map(list, fn, options)
    return performance.now() - began
  })
  const after = await alone(items / 2)
  const { speedup, speedupIs, work, verdict } = explain(trace)
  expect(verdict[0]?.includes('×')).toBe(speedupIs !== 'unknown')
  const others = Math.max(work.cores.others, ...[before, after].map(({ trace }) => explain(trace).work.cores.others))
  return { said: speedup, is: speedupIs, true: (before.value + after.value) / ms, others }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN
}

test.each(Object.entries(cases).filter(([, { job }]) => native || job !== 'thumbnail'))(
  '%s',
  { timeout: 300_000 },
  async (name, one) => {
    const fn: () => unknown = one.workers === true ? onWorkers[one.job] : jobs[one.job]
    await map(Array.from({ length: 8 }), fn, {})
    const tries: Try[] = []
    const quiet = (): number => tries.filter(({ others }) => others < othersLittle).length
    while (tries.length < triesMost && quiet() < judged) tries.push(await attempt(one))
    const best = tries.toSorted((a, b) => a.others - b.others).slice(0, judged)
    const ratio = median(best.map((one) => one.said / one.true))
    const shown = best.map(
      (one) => `${one.said.toFixed(2)} (${one.is}) of ${one.true.toFixed(2)}, others ${one.others.toFixed(2)}`,
    )
    console.info(`${name}: ${ratio.toFixed(3)}; ${shown.join('; ')}`)
    // Never above what is true; below it only where the verdict says that it may be.
    const known = best.filter(({ is }) => is === 'measured')
    const least = known.length === 0 ? 1 : median(known.map((one) => one.said / one.true))
    expect(ratio).toBeLessThan(1.1)
    expect(least).toBeGreaterThan(0.9)
  },
)
