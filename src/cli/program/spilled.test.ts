import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { explained } from './explained.ts'
import { Progress } from '../terminal/progress.ts'
import { map } from '../../index.ts'
import { readTrace } from '../../trace/format/file.ts'
import { Recorder } from '../../trace/record/recorder.ts'
import { TraceFile } from '../../trace/record/trace-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-spill-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const items = Array.from({ length: 20_000 }, (_, i) => i)
/** Every other map has rows that are not plain, because calls may be tried again. */
const program = async (after: () => void): Promise<void> => {
  for (let i = 0; i < 6; i++) {
    await map(items, async (n) => n, { name: `part ${i}`, concurrency: 64, ...(i % 2 === 0 && { retry: 1 }) })
    after()
  }
}

test('rows that are in the file leave the memory, and nothing is lost', async () => {
  const recorder = new Recorder({ name: 'x', window: 'runs', live: true })
  const path = join(folder, 'x.heddle')
  const file = new TraceFile(path, recorder, [], 30_000)
  const progress = new Progress(recorder)
  let most = 0
  await program(() => {
    most = Math.max(most, recorder.tables.tasks.count)
    file.flush()
    progress.update()
  })
  const trace = recorder.end()
  file.close()
  expect(recorder.spilled).toBeGreaterThan(60_000)
  expect(most).toBeLessThan(60_000)
  expect(recorder.count).toBe(120_000)
  expect(progress.update().map(({ settled }) => settled)).toEqual(Array.from({ length: 6 }, () => 20_000))
  const whole = readTrace(path)
  expect(whole.tasks.count).toBe(120_000)
  expect(new Set(whole.tasks.id.subarray(0, 120_000)).size).toBe(120_000)
  const indices = Array.from(whole.tasks.run).reduce((sums, run, row) => sums.set(run, (sums.get(run) ?? 0) + (whole.tasks.index[row] as number)), new Map<number, number>()) // prettier-ignore
  expect([...indices.values()]).toEqual(Array.from({ length: 6 }, () => (20_000 * 19_999) / 2))
  const { groups } = explained(recorder, trace, path)
  expect(groups.reduce((sum, { tasks }) => sum + tasks, 0)).toBe(120_000)
})

test('a recorder whose file has few tasks keeps them', async () => {
  const recorder = new Recorder({ name: 'y', window: 'runs', live: true })
  const file = new TraceFile(join(folder, 'y.heddle'), recorder)
  await program(() => file.flush())
  expect(recorder.end().tasks.count).toBe(120_000)
  file.close()
  expect(recorder.spilled).toBe(0)
})
