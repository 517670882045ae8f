/**
 * OTLP/JSON, as collectors take it at `/v1/traces` and read it from files (opentelemetry-proto 1.x, "JSON Protobuf Encoding": ids in
 * hexadecimal, 64-bit numbers as text). Each run is a span and each task one below it; runs started inside a task are below that task, on whatever
 * thread it ran. Needs are links.
 */
import { createHash } from 'node:crypto'
import { groupTasks, runLabel, taskLabel } from '../explain/groups.ts'
import { runStates, type Trace, taskError, taskStates } from '../model/trace.ts'
import { needsStart, relate, type Related } from '../explain/relate.ts'
import { listInPieces } from './pieces.ts'

const internal = 1
const statusError = 2

/** The document in pieces. */
export function otlpTrace(trace: Trace): Generator<string> {
  const resource = attributes({ 'service.name': trace.meta.name || 'heddle', 'process.runtime.description': trace.meta.runtime })
  const begin = `{"resourceSpans":[{"resource":${JSON.stringify({ attributes: resource })},"scopeSpans":[{"scope":{"name":"heddle"},"spans":[\n`
  return listInPieces(begin, spans(trace), ']}]}]}')
}

type Span = Readonly<Record<string, unknown>>

function* spans(trace: Trace): Generator<Span> {
  const related = relate(trace)
  const grouping = groupTasks(trace)
  const { tasks, runs, meta } = trace
  const traceId = createHash('sha256')
    .update(`${meta.name} ${meta.epochMs} ${meta.durationMs} ${tasks.count}`)
    .digest('hex')
    .slice(0, 32)
  const at = (ms: number): string => nanos(meta.epochMs, ms)
  const known = new Set(runs.id)
  for (let run = 0; run < runs.count; run++) {
    const above = parentOfRun(related, run, known)
    yield {
      traceId,
      spanId: runSpan(runs.id[run] as number),
      ...(above !== undefined && { parentSpanId: above }),
      name: runLabel(trace, run),
      kind: internal,
      startTimeUnixNano: at(related.runFrom[run] as number),
      endTimeUnixNano: at(related.runTo[run] as number),
      attributes: attributes({
        'heddle.kind': trace.strings[runs.kind[run] as number] ?? '',
        'heddle.concurrency': runs.concurrency[run] as number,
      }),
      status: runStates[runs.state[run] as number] === 'failed' ? { code: statusError } : {},
    }
  }
  for (let task = 0; task < tasks.count; task++) {
    const error = taskError(trace, task)
    const above = parentOfTask(related, task)
    yield {
      traceId,
      spanId: taskSpan(tasks.id[task] as number),
      ...(above !== undefined && { parentSpanId: above }),
      name: taskLabel(trace, grouping, task),
      kind: internal,
      startTimeUnixNano: at(related.started[task] as number),
      endTimeUnixNano: at(related.settled[task] as number),
      attributes: attributes({
        'heddle.group': grouping.labels[grouping.of[task] as number] ?? '',
        'heddle.index': tasks.index[task] as number,
        'heddle.row': tasks.row[task] as number,
        'heddle.attempts': tasks.attempts[task] as number,
        'heddle.state': taskStates[tasks.state[task] as number] ?? '',
        'heddle.queued_ms': (related.started[task] as number) - (related.queued[task] as number),
      }),
      links: linksOf(related, task, traceId),
      events: error
        ? [
            {
              name: 'exception',
              timeUnixNano: at(related.settled[task] as number),
              attributes: attributes({
                'exception.type': error.name,
                'exception.message': error.message,
                'exception.stacktrace': error.stack ?? '',
              }),
            },
          ]
        : [],
      status: taskStates[tasks.state[task] as number] === 'failed' ? { code: statusError, message: error?.message ?? '' } : {},
    }
  }
}

function parentOfRun(
  { trace: { runs, tasks }, runParent }: Related,
  run: number,
  known: ReadonlySet<number>,
): string | undefined {
  const task = runParent[run] as number
  if (task >= 0) return taskSpan(tasks.id[task] as number)
  const above = runs.parentRun[run] as number
  return above > 0 && above < (runs.id[run] as number) && known.has(above) ? runSpan(above) : undefined
}

function parentOfTask({ trace: { runs, tasks }, run, parent }: Related, task: number): string | undefined {
  if ((run[task] as number) >= 0) return runSpan(runs.id[run[task] as number] as number)
  return (parent[task] as number) >= 0 ? taskSpan(tasks.id[parent[task] as number] as number) : undefined
}

function linksOf(related: Related, task: number, traceId: string): Span[] {
  const { needs, trace } = related
  const links: Span[] = []
  for (let i = needsStart(related, task); i < (trace.tasks.needsEnd[task] as number); i++) {
    const need = needs[i] as number
    if (need >= 0)
      links.push({
        traceId,
        spanId: taskSpan(trace.tasks.id[need] as number),
        attributes: attributes({ 'heddle.link': 'needs' }),
      })
  }
  return links
}

/** Eight bytes each: tasks and runs are numbered apart, and no id is zero. */
const taskSpan = (id: number): string => `01${id.toString(16).padStart(14, '0')}`
const runSpan = (id: number): string => `02${id.toString(16).padStart(14, '0')}`

/** To the microsecond: a number cannot hold nanoseconds since 1970. */
function nanos(epochMs: number, ms: number): string {
  return `${BigInt(Math.round((epochMs + ms) * 1_000))}000`
}

type Value = { readonly stringValue: string } | { readonly intValue: string } | { readonly doubleValue: number }

function attributes(values: Readonly<Record<string, string | number>>): { key: string; value: Value }[] {
  return Object.entries(values).map(([key, value]) => ({ key, value: valueOf(value) }))
}

function valueOf(value: string | number): Value {
  if (typeof value === 'string') return { stringValue: value }
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: Number.isFinite(value) ? value : -1 }
}
