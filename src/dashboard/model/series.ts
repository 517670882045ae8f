/** How things went over time, in equal steps: one pass over the tasks, whatever the number of steps. */
import { taskStates } from '../../trace/model/trace.ts'
import type { Range, SeriesView } from '../protocol.ts'
import { Differences } from './columns.ts'
import type { View } from './view.ts'

export const pointsDefault = 300

export function seriesOf(view: View, range: Range, points: number, version: number): SeriesView {
  const { from, to } = range
  const stepMs = (to - from) / points || 1
  const tasks = new TaskSeries(points, from, stepMs)
  tasks.addAll(view, to)
  const seconds = stepMs / 1_000
  return {
    version,
    range,
    stepMs,
    at: Array.from({ length: points }, (_, i) => from + i * stepMs),
    throughput: Array.from(tasks.settled, (count) => count / seconds),
    running: Array.from(tasks.running.sums()),
    queued: Array.from(tasks.queued.sums()),
    failures: Array.from(tasks.failures),
    ...samplesOf(view, range, points),
  }
}

const failedState = taskStates.indexOf('failed')

class TaskSeries {
  readonly running: Differences
  readonly queued: Differences
  readonly settled: Uint32Array
  readonly failures: Uint32Array
  readonly #from: number
  readonly #stepMs: number

  constructor(points: number, from: number, stepMs: number) {
    this.running = new Differences(points)
    this.queued = new Differences(points)
    this.settled = new Uint32Array(points)
    this.failures = new Uint32Array(points)
    this.#from = from
    this.#stepMs = stepMs
  }

  addAll(view: View, to: number): void {
    const { times, trace, count } = view
    for (let task = 0; task < count; task++) {
      const end = times.settled[task] as number
      const queued = times.queued[task] as number
      if (queued > to || end < this.#from) continue
      const start = times.started[task] as number
      this.queued.add(this.#column(queued), this.#column(start))
      this.running.add(this.#column(start), this.#column(end))
      if (end > to || view.unsettled(task)) continue
      const column = Math.min(this.settled.length - 1, Math.floor(this.#column(end)))
      this.settled[column] = (this.settled[column] as number) + 1
      if (trace.tasks.state[task] === failedState) this.failures[column] = (this.failures[column] as number) + 1
    }
  }

  #column(at: number): number {
    return Math.min(this.settled.length, Math.max(0, (at - this.#from) / this.#stepMs))
  }
}

type Samples = Pick<SeriesView, 'busy' | 'delayMs' | 'cores' | 'rssBytes'>

/** A sample speaks for the time since the one before, so a step takes the first one that comes after its middle. */
function samplesOf({ trace: { samples } }: View, { from, to }: Range, points: number): Samples {
  const lists = { busy: [], delayMs: [], cores: [], rssBytes: [] } as { [K in keyof Samples]: (number | null)[] }
  const step = (to - from) / points
  let next = 0
  for (let i = 0; i < points; i++) {
    const end = from + (i + 1) * step
    const middle = end - step / 2
    while (next < samples.count && (samples.at[next] as number) < middle) next++
    // Several samples in one step: the worst delay of them; of the others the last.
    let [last, delay] = [next, -1]
    for (let s = Math.max(0, next); s < samples.count; s++) {
      if (s > next && (samples.at[s] as number) >= end) break
      last = s
      delay = Math.max(delay, samples.delayMs[s] as number)
      if ((samples.at[s] as number) >= end) break
    }
    const known = last < samples.count && (samples.at[last] as number) >= from
    lists.busy.push(known ? (samples.busy[last] as number) : null)
    lists.delayMs.push(known ? delay : null)
    lists.cores.push(known ? (samples.cores[last] as number) : null)
    lists.rssBytes.push((known && samples.rssBytes[last]) || null)
  }
  return lists
}
