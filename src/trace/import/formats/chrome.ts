/**
 * Trace events of Chrome and Perfetto (JSON), as browsers, Node's `--trace-event-categories`, `tsc --generateTrace`, `NX_PROFILE`, Bazel and many others write them.
 * An event lies inside what its thread was doing. Threads of a process are children of one span, the process.
 */
import { operationOf } from '../spans/operation.ts'
import { Attributes } from '../spans/attributes.ts'
import type { SpanSink } from '../spans/spans.ts'
import { newDraft, ownOperation } from './draft.ts'
import { docOf, field, numberOf, textOf } from './values.ts'

export const chromeName = 'Chrome trace events'

export const isChrome = (value: unknown): boolean => typeof field(value, 'ph') === 'string'

interface Lane {
  readonly process: string
  /** Rows in the order of the file. */
  readonly rows: number[]
  /** Events that have begun. */
  readonly open: number[]
}

export class ChromeReader {
  readonly #sink: SpanSink
  readonly #draft = newDraft()
  readonly #attributes = new Attributes()
  readonly #lanes = new Map<string, Lane>()
  readonly #processNames = new Map<string, string>()
  /** Asynchronous events that have begun, by id. */
  readonly #async = new Map<string, number[]>()
  #unmatched = 0

  constructor(sink: SpanSink) {
    this.#sink = sink
  }

  event(value: unknown): void {
    const event = docOf(value)
    const phase = textOf(field(event, 'ph'))
    const process = textOf(field(event, 'pid'))
    if (phase === 'M') {
      if (field(event, 'name') === 'process_name') this.#processNames.set(process, textOf(field(field(event, 'args'), 'name')))
      return
    }
    if (!'XBEbe'.includes(phase) || phase === '') return
    const lane = this.#lane(process, textOf(field(event, 'tid')))
    const at = numberOf(field(event, 'ts')) / 1_000
    if (!Number.isFinite(at)) return
    if (phase === 'E') return this.#end(lane.open.pop(), at)
    if (phase === 'e') return this.#end(this.#async.get(asyncId(event))?.pop(), at)
    const row = this.#add(event, process, at, numberOf(field(event, 'dur')) / 1_000)
    if (phase === 'b') {
      // Asynchronous events overlap: they lie inside the process, not inside an event of their thread.
      const open = this.#async.get(asyncId(event)) ?? []
      this.#async.set(asyncId(event), [...open, row])
      this.#lane(process, `async ${row}`).rows.push(row)
    } else {
      lane.rows.push(row)
      if (phase === 'B') lane.open.push(row)
    }
  }

  /** Nests the events of each thread, and puts them into their process. */
  finish(): void {
    const processes = new Map<string, number>()
    const open = [...this.#lanes.values()].flatMap((lane) => lane.open).concat(...this.#async.values())
    this.#closeLate(open)
    for (const { process, rows } of this.#lanes.values()) {
      const root = processes.get(process) ?? this.#process(process, processes)
      const { start, end } = this.#sink.columns
      rows.sort((a, b) => (start[a] as number) - (start[b] as number) || (end[b] as number) - (end[a] as number) || a - b)
      const around: number[] = []
      for (const row of rows) {
        while (around.length > 0 && (end[around.at(-1) as number] as number) < (end[row] as number)) around.pop()
        while (around.length > 0 && (end[around.at(-1) as number] as number) <= (start[row] as number)) around.pop()
        const parent = around.at(-1) ?? root
        this.#sink.parentRow(row, parent)
        around.push(row)
        this.#sink.columns.start[root] = Math.min(this.#sink.columns.start[root] as number, start[row] as number)
        this.#sink.columns.end[root] = Math.max(this.#sink.columns.end[root] as number, end[row] as number)
      }
    }
    if (this.#unmatched > 0) this.#sink.warn(`${this.#unmatched} events ended that had not begun in the file`)
  }

  #lane(process: string, thread: string): Lane {
    const key = `${process} ${thread}`
    let lane = this.#lanes.get(key)
    if (!lane) this.#lanes.set(key, (lane = { process, rows: [], open: [] }))
    return lane
  }

  #add(event: unknown, process: string, at: number, ms: number): number {
    const [draft, sink] = [this.#draft, this.#sink]
    const epochMs = sink.epochMs(at)
    draft.name = textOf(field(event, 'name'))
    draft.service = process
    draft.start = at - epochMs
    draft.end = draft.start + (Number.isFinite(ms) ? ms : 0)
    this.#attributes.clear()
    for (const [key, arg] of Object.entries(docOf(field(event, 'args')))) this.#attributes.set(key, arg)
    draft.operation = operationOf(draft.name, 'unspecified', this.#attributes)
    sink.format = chromeName
    return sink.add(draft)
  }

  #end(row: number | undefined, at: number): void {
    if (row === undefined) this.#unmatched++
    else this.#sink.columns.end[row] = at - this.#sink.epochMs(at)
  }

  /** They had not ended when the trace did. */
  #closeLate(rows: readonly number[]): void {
    if (rows.length === 0) return
    const { end } = this.#sink.columns
    let last = Number.NEGATIVE_INFINITY
    for (let row = 0; row < this.#sink.count; row++) last = Math.max(last, end[row] as number)
    for (const row of rows) end[row] = last
  }

  #process(process: string, processes: Map<string, number>): number {
    const draft = newDraft()
    draft.name = this.#processNames.get(process) || (process === '' ? 'process' : `process ${process}`)
    draft.service = process
    draft.start = Number.POSITIVE_INFINITY
    draft.end = Number.NEGATIVE_INFINITY
    draft.operation = ownOperation(draft.name)
    const row = this.#sink.add(draft)
    processes.set(process, row)
    return row
  }
}

const asyncId = (event: unknown): string =>
  [
    field(event, 'pid'),
    field(event, 'cat'),
    field(event, 'id') ?? field(field(event, 'id2'), 'local') ?? field(field(event, 'id2'), 'global'),
  ]
    .map(textOf)
    .join(' ')
