/** What the verdict says against a stopwatch of the same program without parallelism, where nothing else uses the machine. */
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
/** Where more is used by others, a stopwatch says what they did. */
const othersMost = 0.15
const attempts = 5

const cases: readonly (readonly [name: string, job: Job, workers: boolean, items: number, concurrency: number | undefined])[] = [
  ['worker functions compute', 'compute', true, 100, undefined],
  ['asynchronous worker functions wait', 'sleep', true, 200, undefined],
  ['asynchronous worker functions compute in the pool', 'computeInPool', true, 100, undefined],
  ['calls of this thread wait', 'sleep', false, 200, 16],
  ['calls of this thread compute in the pool', 'computeInPool', false, 100, 16],
  ['one call at a time computes in the pool', 'computeInPool', false, 50, 1],
  ['children sleep', 'sleepingChild', false, 40, 8],
  ['children compute', 'computingChild', false, 40, 8],
  ['asynchronous worker functions use a native module with threads of its own', 'thumbnail', true, 100, undefined],
]

test.each(cases.filter(([, job]) => native || job !== 'thumbnail'))(
  '%s',
  { timeout: 300_000 },
  async (name, job, workers, items, concurrency) => {
    const list = Array.from({ length: items }, (_, i) => i)
    const fn: () => unknown = workers ? onWorkers[job] : jobs[job]
    for (let attempt = 1; attempt <= attempts; attempt++) {
      await map(list.slice(0, 8), fn, concurrency === undefined ? {} : { concurrency })
      const alone = await record(async function alone() {
        const began = performance.now()
        for (const _ of list) await jobs[job]()
        return performance.now() - began
      })
      const { value: ms, trace } = await record(async function together() {
        const began = performance.now()
        await map(list, fn, concurrency === undefined ? {} : { concurrency })
        return performance.now() - began
      })
      const { speedup, work } = explain(trace)
      const others = Math.max(work.cores.others, explain(alone.trace).work.cores.others)
      if (others > othersMost) continue
      expect(speedup / (alone.value / ms)).toBeGreaterThan(0.9)
      expect(speedup / (alone.value / ms)).toBeLessThan(1.1)
      return
    }
    console.warn(`${name}: other programs use the machine; nothing was judged`)
  },
)
