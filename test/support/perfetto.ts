/**
 * Reads trace events as Perfetto's importer does (`json_trace_parser_impl.cc`, `slice_tracker.cc`, `flow_tracker.cc`), and counts what
 * that would drop or misplace. Events are sorted by time first, stably.
 */
export interface Event {
  readonly ph: string
  readonly name?: string
  readonly cat?: string
  readonly pid?: number
  readonly tid?: number
  readonly id?: string | number
  readonly ts?: number
  readonly dur?: number
  readonly bp?: string
  readonly args?: Record<string, unknown>
}

export interface Imported {
  readonly problems: readonly string[]
  /** By thread name, how many slices it has. */
  readonly threads: ReadonlyMap<string, number>
  readonly asynchronous: number
  /** Pairs of slice names joined by an arrow. */
  readonly arrows: readonly (readonly [string, string])[]
  readonly deepest: number
}

interface Slice {
  readonly name: string
  readonly from: number
  readonly to: number
}

/** Nanoseconds, as the importer converts them. */
const nanos = (micros: number): number => Math.round(micros * 1_000)

export function importTrace(json: string): Imported {
  const { traceEvents } = JSON.parse(json) as { traceEvents: Event[] }
  const problems: string[] = []
  const names = new Map<number, string>()
  const stacks = new Map<number, Slice[]>()
  const counts = new Map<number, number>()
  const open = new Map<string, number>()
  const flows = new Map<string, string>()
  const arrows: [string, string][] = []
  let [asynchronous, deepest] = [0, 0]
  for (const event of traceEvents) {
    if (!Number.isInteger(event.pid) || !Number.isInteger(event.tid))
      problems.push(`pid or tid of ${event.name} is no whole number`)
    if (event.ph === 'M' && event.name === 'thread_name') names.set(event.tid as number, String(event.args?.name))
    if (event.ph !== 'M' && !(Number.isFinite(event.ts) && (event.ts as number) >= 0)) problems.push(`${event.name} has no time`)
  }
  const timed = traceEvents.filter(({ ph }) => ph !== 'M').map((event, i) => ({ event, at: nanos(event.ts as number), i }))
  timed.sort((a, b) => a.at - b.at || a.i - b.i)
  for (const { event, at } of timed) {
    const tid = event.tid as number
    const stack = stacks.get(tid) ?? []
    stacks.set(tid, stack)
    const flow = `${event.cat} ${event.name} ${event.id}`
    switch (event.ph) {
      case 'X': {
        const to = at + nanos(event.dur as number)
        if (!((event.dur as number) >= 0)) problems.push(`${event.name} has no duration`)
        while (stack.length > 0 && (stack.at(-1) as Slice).to <= at) stack.pop()
        const above = stack.at(-1)
        if (above && to > above.to) problems.push(`${event.name} overlaps ${above.name} and does not nest`)
        stack.push({ name: event.name as string, from: at, to })
        deepest = Math.max(deepest, stack.length)
        counts.set(tid, (counts.get(tid) ?? 0) + 1)
        break
      }
      case 'b':
        if (event.id === undefined) problems.push(`${event.name} has no id`)
        if (open.has(flow)) problems.push(`${flow} begins twice`)
        open.set(flow, at)
        asynchronous++
        break
      case 'e':
        if (!open.delete(flow)) problems.push(`${flow} ends without a beginning`)
        break
      case 's':
        if (stack.length === 0) problems.push(`arrow ${flow} begins in nothing`)
        flows.set(flow, stack.at(-1)?.name ?? '')
        break
      case 'f': {
        const from = flows.get(flow)
        if (from === undefined) problems.push(`arrow ${flow} has no beginning`)
        if (event.bp !== 'e' || stack.length === 0) problems.push(`arrow ${flow} ends in nothing`)
        arrows.push([from ?? '', stack.at(-1)?.name ?? ''])
        break
      }
      case 'C':
        if (!Object.values(event.args ?? {}).every((value) => typeof value === 'number'))
          problems.push(`counter ${event.name} is no number`)
        break
      default:
        problems.push(`unknown phase ${event.ph}`)
    }
  }
  for (const id of open.keys()) problems.push(`${id} never ends`)
  const threads = new Map([...counts].map(([tid, count]) => [names.get(tid) ?? `unnamed ${tid}`, count]))
  return { problems, threads, asynchronous, arrows, deepest }
}
