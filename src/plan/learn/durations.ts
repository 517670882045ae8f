/**
 * How long tasks took before, by name: from traces of heddle, from the jobs of GitHub Actions, from summaries of turbo, and from tables of durations as
 * `graph.run({ learn })` writes them.
 */
import { parseLength, wholeDays } from '../model/time.ts'
import type { Trace } from '../../trace/index.ts'

/** Milliseconds by name, a number for each time that it ran, the oldest first. */
export type Samples = Map<string, number[]>

function add(samples: Samples, name: string, ms: number): void {
  if (!(ms >= 0) || !Number.isFinite(ms)) return
  const known = samples.get(name)
  if (known) known.push(ms)
  else samples.set(name, [ms])
}

/** Adds the tasks of a trace that have a name and were done. Never throws. */
export function samplesOfTrace({ tasks, strings }: Trace, into: Samples): void {
  for (let t = 0; t < tasks.count; t++) {
    const name = strings[tasks.name[t] as number] ?? ''
    // 2: done.
    if (name === '' || tasks.state[t] !== 2) continue
    add(into, name, (tasks.settledAt[t] as number) - (tasks.startedAt[t] as number))
  }
}

/**
 * From JSON: `{ jobs: [{ name, started_at, completed_at, conclusion }] }` of GitHub's REST API (also a list of them), a summary of turbo, or
 * `{ tasks: { name: [milliseconds, …] } }`. Gives whether the `document` was one of these. Never throws.
 */
export function samplesOfJson(document: unknown, into: Samples): boolean {
  if (Array.isArray(document)) return document.map((each) => samplesOfJson(each, into)).some(Boolean)
  if (!isRecord(document)) return false
  const { jobs, tasks } = document
  if (Array.isArray(jobs)) {
    for (const job of jobs) {
      if (!isRecord(job) || (job.conclusion !== undefined && job.conclusion !== 'success')) continue
      add(into, String(job.name), Date.parse(String(job.completed_at)) - Date.parse(String(job.started_at)))
    }
    return true
  }
  if (Array.isArray(tasks)) {
    for (const task of tasks) {
      if (!isRecord(task) || !isRecord(task.execution) || (task.execution.exitCode ?? 0) !== 0) continue
      // What came from the cache says nothing of the work.
      if (isRecord(task.cache) && task.cache.status === 'HIT') continue
      add(into, String(task.taskId), Number(task.execution.endTime) - Number(task.execution.startTime))
    }
    return true
  }
  if (!isRecord(tasks)) return false
  for (const [name, values] of Object.entries(tasks)) {
    for (const value of Array.isArray(values) ? values : [values]) {
      const ms = typeof value === 'number' ? value : parseLength(String(value), 'ms', wholeDays)
      if (ms !== undefined) add(into, name, ms)
    }
  }
  return true
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
