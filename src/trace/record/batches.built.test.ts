/** Maps on workers are recorded by batch: what comes out must be what every task did. */
import { map } from 'heddle'
import { expect, test } from 'vitest'
import { batchSettled, closeRun, newTaskIds, openRun } from '../../base/observer.ts'
import { lengthOf } from '../../../test/fixtures/cli/worker-module.ts'
import { joined } from '../format/joined.ts'
import { decodeTrace } from '../format/decode.ts'
import { record } from './record.ts'
import { Recorder } from './recorder.ts'
import { TraceStream } from './trace-stream.ts'

test('has every item once, on its worker, with its own times', async () => {
  const items = Array.from({ length: 3_000 }, (_, i) => new Uint8Array(i % 100))
  const { trace } = await record(() => map(items, lengthOf))
  const { tasks } = trace
  expect(tasks.count).toBe(items.length)
  expect([...tasks.index].sort((a, b) => a - b)).toEqual(items.map((_, i) => i))
  expect(new Set(tasks.id).size).toBe(items.length)
  for (let task = 0; task < tasks.count; task++) {
    const times = [tasks.queuedAt, tasks.readyAt, tasks.startedAt, tasks.settledAt].map((times) => times[task] as number)
    expect(times.every((time, i) => i === 0 || time >= (times[i - 1] as number) - 0.01)).toBe(true)
  }
  expect(tasks.row.some((row) => row > 0)).toBe(true)
})

test('is the same in a file as in memory: batches of workers between each other and between other tasks', () => {
  const recorder = new Recorder({ name: 'batches', live: true })
  const blocks: Uint8Array[] = []
  const stream = new TraceStream(recorder, [(more) => blocks.push(...more)])
  const run = openRun('map', 'f', { task: 0, run: 0 }, 90, -1)
  const { origin } = recorder
  for (let batch = 0; batch < 30; batch++) {
    const [count, row, queuedAt] = [3 + (batch % 7), 1 + (batch % 2), origin + batch]
    batchSettled({
      run,
      firstId: newTaskIds(count),
      firstIndex: 10 * batch,
      row,
      queuedAt,
      startedAt: Float64Array.from({ length: count }, (_, i) => queuedAt + 1 + i / 10),
      settledAt: Float64Array.from({ length: count }, (_, i) => queuedAt + 1 + (i + 1) / 10),
      bytes: 8 * batch,
    })
    if (batch % 4 === 0) stream.flush()
  }
  closeRun(run, 'done')
  const trace = recorder.end()
  stream.close()
  const read = decodeTrace(joined(blocks))
  expect(read.tasks.count).toBe(trace.tasks.count)
  for (const column of ['id', 'index', 'row', 'run', 'bytes'] as const) expect(read.tasks[column]).toEqual(trace.tasks[column])
  for (const column of ['queuedAt', 'readyAt', 'startedAt', 'settledAt'] as const)
    read.tasks[column].forEach((time, task) => expect(time).toBeCloseTo(trace.tasks[column][task] as number, 5))
  const [first, last] = [0, trace.tasks.count - 1]
  expect([trace.tasks.row[first], trace.tasks.row[last], trace.tasks.index[last], trace.tasks.bytes[last]]).toEqual([
    1, 2, 293, 232,
  ])
  expect(trace.tasks.queuedAt[last]).toBeCloseTo(29, 6)
})
