/** What a row of a trace is: this thread, a worker here, a place on another machine; recorded, written, read and shown. */
import { expect, test } from 'vitest'
import { batchSettled, closeRun, newTask, newTaskIds, openRun, taskSettled, taskStarted } from '../../base/observer.ts'
import { openRow, threadRow } from '../../base/rows.ts'
import { makeTraceOf } from '../../../test/support/traces.ts'
import { decodeTrace } from '../format/decode.ts'
import { encodeTrace } from '../format/encode.ts'
import { chromeTrace } from '../export/chrome.ts'
import { Recorder } from '../record/recorder.ts'
import { explain } from '../verdict/explain.ts'
import { RowNames } from './rows.ts'

test('a recording says once of each row what it is and where, and a file keeps that', () => {
  const recorder = new Recorder({ name: 'rows' })
  const remote = openRow('remote', { machine: 'web-2', name: 'slot 1' })
  const unused = openRow('process')
  const run = openRun('map', 'parse', { task: 0, run: 0 }, 4, -1)
  const at = performance.now()
  const task = newTask(run, 0, 0, at)
  taskStarted(task, at)
  taskSettled(task, at + 1, 'done')
  for (const first of [1, 2]) {
    const batch = { run, firstId: newTaskIds(1), firstIndex: first, row: remote, queuedAt: at, bytes: 0 }
    batchSettled({ ...batch, startedAt: [at], settledAt: [at + 2] })
  }
  closeRun(run, 'done')
  const recorded = recorder.end()
  for (const trace of [recorded, decodeTrace(encodeTrace(recorded))]) {
    const names = new RowNames(trace)
    expect([...trace.executors.row]).toEqual([remote])
    expect([names.kind(remote), names.machine(remote), names.label(remote)]).toEqual(['remote', 'web-2', 'web-2: slot 1'])
    expect([names.kind(threadRow), names.machine(threadRow), names.label(threadRow)]).toEqual(['this thread', '', 'this thread'])
    expect(names.label(unused)).toBe(`worker ${unused}`)
    expect(explain(trace).rows.map(({ label }) => label)).toEqual(['this thread', 'web-2: slot 1'])
  }
})

const eight = Array.from({ length: 8 }, (_, i) => ({ row: i + 1, startedAt: 0, settledAt: 1_000 }))
const meta = { cores: 2 }

test('workers of other machines do not compete for the cores of this one', () => {
  const executors = eight.map(({ row }) => ({ row, kind: 'remote', machine: `web-${row % 4}`, name: `slot ${row}` }))
  const rules = (trace: ReturnType<typeof makeTraceOf>): string[] => explain(trace).advice.map(({ rule }) => rule)
  expect(rules(makeTraceOf({ tasks: eight, meta }))).toContain('oversubscription')
  expect(rules(makeTraceOf({ tasks: eight, meta, executors }))).not.toContain('oversubscription')
  expect(explain(makeTraceOf({ tasks: eight, meta, executors })).workersAtOnce).toBe(0)
})

test('exports show the names', () => {
  const trace = makeTraceOf({ tasks: eight, executors: [{ row: 3, kind: 'remote', machine: 'web-3', name: 'slot 9' }] })
  const chrome = [...chromeTrace(trace)].join('')
  expect(chrome).toContain('web-3: slot 9')
  expect(chrome).toContain('worker 4')
})
