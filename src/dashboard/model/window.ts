/** The timeline between two times, as wide as a screen: single slices where they are few, else what each pixel column holds. */
import type { Segment } from '../../trace/explain/critical-path.ts'
import { printable } from '../../trace/explain/groups.ts'
import { type Lane, namedFrom, type Slices, type TimelineWindow, type WindowQuery } from '../protocol.ts'
import { coverageOf, firstEnding, firstStarting } from './columns.ts'
import type { Line, Timeline } from './timeline.ts'
import type { View } from './view.ts'

/** A slice for every two columns can still be drawn, and hit with a pointer, one by one. */
const columnsPerSlice = 2

export function windowOf(view: View, timeline: Timeline, query: WindowQuery, version: number): TimelineWindow {
  const wanted = query.lanes && new Set(query.lanes)
  const lanes = timeline.lines.map((line): Lane => {
    const { key, executor, line: number, label, capacity, count } = line
    const lane = { key, executor, line: number, label, capacity, tasks: count }
    if (wanted && !wanted.has(key)) return lane
    const slices = slicesOf(view, line, query)
    if (slices) return { ...lane, slices }
    return { ...lane, coverage: coverageOf(line, query, view.groups.labels.length) }
  })
  if (view.explained) markCritical(view, timeline, lanes, query)
  return { version, from: query.from, to: query.to, columns: query.columns, lanes, names: namesOf(view, timeline, lanes, query) }
}

/** A graph of more tasks than there can be groups is one group, whose name says nothing of a bar. */
function namesOf(view: View, timeline: Timeline, lanes: readonly Lane[], query: WindowQuery): Record<string, string> {
  const { groups, trace } = view
  const wide = (namedFrom * (query.to - query.from)) / query.columns
  const names: Record<string, string> = {}
  for (const [at, { slices }] of lanes.entries()) {
    if (!slices) continue
    const line = timeline.lines[at] as Line
    let next = firstEnding(line, query.from)
    for (let i = 0; i < slices.count; i++) {
      if ((slices.settled[i] as number) - (slices.started[i] as number) < wide) continue
      const id = slices.task[i] as number
      while (next < line.count && trace.tasks.id[line.task[next] as number] !== id) next++
      const name = trace.tasks.name[line.task[next] as number] as number
      if (name === 0) continue
      const text = printable(trace.strings[name])
      if (text !== '' && text !== groups.labels[slices.group[i] as number]) names[id] = text
    }
  }
  return names
}

/** The tasks in the window, or undefined when they are too many. */
function slicesOf(view: View, line: Line, { from, to, columns, group }: WindowQuery): Slices | undefined {
  if (line.shared) return undefined
  const first = firstEnding(line, from)
  const last = firstStarting(line, to, true)
  const most = Math.floor(columns / columnsPerSlice)
  const chosen: number[] = []
  // With a group the window may hold many more tasks than are wanted.
  if (group === undefined && last - first > most) return undefined
  for (let i = first; i < last; i++) {
    if (group !== undefined && line.group[i] !== group) continue
    if (chosen.push(i) > most) return undefined
  }
  const { times, trace } = view
  const critical = view.explained ? view.critical : undefined
  const task = (i: number): number => line.task[i] as number
  return {
    count: chosen.length,
    task: Uint32Array.from(chosen, (i) => trace.tasks.id[task(i)] as number),
    group: Uint16Array.from(chosen, (i) => line.group[i] as number),
    state: Uint8Array.from(chosen, (i) => trace.tasks.state[task(i)] as number),
    critical: Uint8Array.from(chosen, (i) => critical?.[task(i)] ?? 0),
    queued: Float64Array.from(chosen, (i) => times.queued[task(i)] as number),
    ready: Float64Array.from(chosen, (i) => times.ready[task(i)] as number),
    started: Float64Array.from(chosen, (i) => line.from[i] as number),
    settled: Float64Array.from(chosen, (i) => line.to[i] as number),
  }
}

/** Marks the columns in which work of the critical path lies. */
function markCritical(view: View, { lineOf }: Timeline, lanes: readonly Lane[], { from, to, columns }: WindowQuery): void {
  const { segments } = view.explanation.criticalPath
  const scale = columns / (to - from)
  // Segments join end to end in order of time.
  let [low, high] = [0, segments.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((segments[middle] as Segment).to <= from) low = middle + 1
    else high = middle
  }
  for (let i = low; i < segments.length; i++) {
    const segment = segments[i] as Segment
    if (segment.from >= to) return
    const critical = segment.kind === 'work' ? lanes[lineOf[segment.task] ?? -1]?.coverage?.critical : undefined
    if (!critical) continue
    const first = Math.max(0, Math.floor((segment.from - from) * scale))
    const last = Math.min(columns - 1, Math.ceil((segment.to - from) * scale) - 1)
    for (let column = first; column <= last || column === first; column++) critical[column] = 1
  }
}
