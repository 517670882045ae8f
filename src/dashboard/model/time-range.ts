import type { Times } from '../../trace/explain/relate.ts'
import { makeTrace, newTables, schemas, type Trace } from '../../trace/model/trace.ts'
import type { Range } from '../protocol.ts'

/** The part of a trace that a range touches: its tasks from queued to settled, with their own times; everything else as it is. */
export function traceWithin(trace: Trace, { queued, settled }: Times, { from, to }: Range): Trace {
  const rows: number[] = []
  for (let task = 0; task < trace.tasks.count; task++)
    if ((queued[task] as number) <= to && (settled[task] as number) >= from) rows.push(task)
  const { tasks, needs, ...others } = newTables()
  tasks.reserve(rows.length)
  tasks.count = rows.length
  for (const name in schemas.tasks) {
    const column = name as keyof typeof schemas.tasks
    const [source, target] = [trace.tasks[column], tasks.columns[column]]
    for (let i = 0; i < rows.length; i++) target[i] = source[rows[i] as number] as number
  }
  for (let i = 0; i < rows.length; i++) {
    const task = rows[i] as number
    for (let n = task === 0 ? 0 : (trace.tasks.needsEnd[task - 1] as number); n < (trace.tasks.needsEnd[task] as number); n++) {
      const at = needs.append()
      needs.columns.task[at] = trace.needs.task[n] as number
    }
    tasks.columns.needsEnd[i] = needs.count
  }
  return {
    ...makeTrace(trace.meta, trace.strings, { ...others, tasks, needs }),
    runs: trace.runs,
    notes: trace.notes,
    samples: trace.samples,
    processors: trace.processors,
    executors: trace.executors,
  }
}
