/** The same bits for any number of threads; cancellation, memory limit and records. */
import { afterAll, expect, test } from 'vitest'
import { channels, type RunRecord, type TaskRecord } from '../../base/observer.ts'
import { threads } from '../../workers/executors.ts'
import * as da from '../index.ts'

const pools = [1, 2, 3, 8].map((size) => threads({ size }))
afterAll(() => Promise.all(pools.map((pool) => pool.close())))

test('results have the same bits on 1, 2, 3 and 8 workers, and on this thread', async () => {
  const x = da.normal([500, 1_001], { seed: 1, chunks: 20 })
  const y = x.multiply(x).add(da.random([1_001], { seed: 2 }))
  const targets = [
    y.sum(),
    y.mean(),
    y.std(),
    y.max(),
    y.argmin(),
    y.sum({ axis: 0 }),
    y.var({ axis: 1 }),
    y.sin(),
    y.get('::3', '::-2'),
  ] as const
  const bits = async (options: da.ComputeOptions): Promise<string[]> =>
    (await da.compute(targets, options)).map((result) =>
      Buffer.from(
        result instanceof da.Dense
          ? new Uint8Array(result.data.buffer)
          : new Uint8Array(new Float64Array([result as number]).buffer),
      ).toString('base64'),
    )
  const here = await bits({ threads: 0 })
  for (const pool of pools) expect(await bits({ on: pool, threads: pool.slots }), `${pool.slots} workers`).toEqual(here)
}, 120_000)

test('a computation stops within blocks when its signal aborts', async () => {
  const controller = new AbortController()
  // To the end it would take minutes, and the test has one.
  const endless = da.random([20_000_000_000], { seed: 3, chunks: 500_000_000 }).sin().exp().sum()
  const result = endless.compute({ signal: controller.signal, on: pools[1] as da.ComputeOptions['on'] & object })
  setTimeout(() => controller.abort(new Error('enough')), 50)
  await expect(result).rejects.toThrow(/was cancelled: enough/)
})

test('an aborted signal starts nothing', async () => {
  await expect(da.ones([10]).sum().compute({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'HEDDLE_CANCELLED' })
})

test('a memory limit that does not suffice is refused before anything is allocated', async () => {
  const x = da.random([10_000_000])
  await expect(x.compute({ memoryLimit: '50MB' })).rejects.toThrow('needs 80.0 MB at once, and `memoryLimit` is 50.0 MB')
  await expect(x.mean().compute({ memoryLimit: '1MB' })).resolves.toBeCloseTo(0.5, 2)
})

test('observers see a run per pass and a task per chunk', async () => {
  const runs: RunRecord[] = []
  const tasks: TaskRecord[] = []
  const onRun = (run: unknown): void => void runs.push(run as RunRecord)
  const onTask = (task: unknown): void => void tasks.push(task as TaskRecord)
  channels.runSettle.subscribe(onRun)
  channels.taskSettle.subscribe(onTask)
  try {
    await da
      .random([1_000_000], { chunks: 100_000, seed: 4 })
      .sin()
      .sum()
      .compute({ on: pools[1] as da.ComputeOptions['on'] & object })
  } finally {
    channels.runSettle.unsubscribe(onRun)
    channels.taskSettle.unsubscribe(onTask)
  }
  const pass = runs.find(({ name }) => name === 'sum of (1000000,) f64')
  expect(pass).toMatchObject({ state: 'done', total: 10 })
  const own = tasks.filter(({ run }) => run === pass)
  expect(own.map(({ index }) => index).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(own.every(({ row, startedAt, settledAt }) => row > 0 && startedAt <= settledAt)).toBe(true)
})
