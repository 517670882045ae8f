/**
 * Spans of other systems: one table for all formats, whatever they call a span. A million spans are a dozen arrays.
 *
 * Times are milliseconds since {@link Spans.epochMs}. Texts are numbers into {@link Spans.strings}, 0 being none. Rows are in the order of the files.
 */
import { Strings } from '../../model/strings.ts'
import { type Rows, Table } from '../../model/table.ts'
import { type Id, IdTable, idOf } from './ids.ts'
import { accesses, categories, flag, type Operation, type SpanKind, spanKinds } from './vocabulary.ts'

export const spanSchema = {
  start: 'f64',
  end: 'f64',
  /** Row of the parent; -1 none. */
  parent: 'i32',
  /** Ordinal of its trace. */
  trace: 'u32',
  name: 'u32',
  service: 'u32',
  /** Host or instance, whose clock the times are of. */
  host: 'u32',
  /** What was called, without what differs from call to call: `SELECT * FROM items WHERE id = ?`. */
  detail: 'u32',
  /** File, line and function, as far as the span says. */
  code: 'u32',
  /** Place in {@link spanKinds}. */
  kind: 'u8',
  /** Place in {@link categories}. */
  category: 'u8',
  /** Place in {@link accesses}. */
  access: 'u8',
  /** Bits of {@link flag}. */
  flags: 'u8',
} as const

export type SpanRows = Rows<typeof spanSchema>

/** What a reader knows of one span. Texts that are empty are unknown. */
export interface SpanDraft {
  traceId: string
  id: string
  parentId: string
  name: string
  service: string
  host: string
  /** Milliseconds since {@link SpanSink.epochMs}. */
  start: number
  end: number
  kind: SpanKind
  operation: Operation
  code: string
  failed: boolean
  follows: boolean
}

/** All spans of one or more files. */
export interface Spans {
  readonly format: string
  /** Milliseconds since 1970 of time 0. */
  readonly epochMs: number
  readonly strings: readonly string[]
  readonly rows: SpanRows
  /** How many different traces. */
  readonly traces: number
  /** Their ids as the files write them, by ordinal. */
  readonly traceIds: readonly string[]
  /** Row → rows of what it needs, where a format knows that. */
  readonly needs: ReadonlyMap<number, readonly number[]>
  /** What was wrong with the files, a line each. */
  readonly warnings: readonly string[]
  /** Spans that name a parent which no file has. */
  readonly orphans: number
}

const placeOf = <T extends string>(list: readonly T[]): ReadonlyMap<T, number> =>
  new Map(list.map((name, place) => [name, place]))
const kindPlaces = placeOf(spanKinds)
const categoryPlaces = placeOf(categories)
const accessPlaces = placeOf(accesses)

/** More spans than this cannot be told apart by a row of 32 bits, and no machine holds them. */
const mostSpans = 0x7fff_fffe

/** Takes spans as they are read. Parents may come after their children, and from another file. */
export class SpanSink {
  readonly warnings: string[] = []
  readonly #table = new Table(spanSchema)
  readonly #strings = new Strings()
  readonly #traces = new IdTable()
  readonly #ids = new IdTable()
  /** Halves of the parent's id by row; rows without have no bit in `#withParent`. */
  #parents = new Int32Array(2 * 1024)
  #withParent = new Uint8Array(1024)
  readonly #needs = new Map<number, { trace: number; ids: readonly string[] }>()
  readonly #id: Id = { high: 0, low: 0 }
  #epochMs: number | undefined
  #format = ''
  readonly #traceIds: string[] = []

  /** Milliseconds since 1970 of time 0: whole, and of the first span that was read, so that nanoseconds fit into the numbers after it. */
  epochMs(firstMs: number): number {
    return (this.#epochMs ??= Number.isFinite(firstMs) ? Math.floor(firstMs) : 0)
  }

  get count(): number {
    return this.#table.count
  }

  set format(name: string) {
    this.#format = this.#format === '' || this.#format === name ? name : 'several formats'
  }

  warn(line: string): void {
    this.warnings.push(line)
  }

  text(text: string): number {
    return this.#strings.intern(text)
  }

  /** The ordinal of a trace. */
  trace(id: string): number {
    const { high, low } = idOf(id, this.#id)
    return this.traceOf(high, low, () => id)
  }

  /** @param id its text, asked for when the trace is new */
  traceOf(high: number, low: number, id: () => string): number {
    const ids = this.#traceIds
    const known = this.#traces.add(high, low, ids.length)
    return known >= 0 ? known : ids.push(id()) - 1
  }

  /** @returns the row */
  add(draft: SpanDraft): number {
    const { high, low } = idOf(draft.id, this.#id)
    const trace = this.trace(draft.traceId)
    const row = this.append(trace, draft.id === '' ? undefined : idOf(draft.id, { high, low }))
    const { columns } = this.#table
    columns.start[row] = draft.start
    columns.end[row] = draft.end
    columns.name[row] = this.text(draft.name)
    columns.service[row] = this.text(draft.service)
    columns.host[row] = this.text(draft.host)
    columns.code[row] = this.text(draft.code)
    this.describe(row, draft.kind, draft.operation, draft.failed, draft.follows)
    if (draft.parentId !== '') {
      idOf(draft.parentId, this.#id)
      this.parent(row, this.#id.high, this.#id.low)
    }
    return row
  }

  /** A new row of a trace; the rest is set by the caller. */
  append(trace: number, id: Id | undefined): number {
    const row = this.#table.append()
    if (row > mostSpans) throw new RangeError(`more than ${mostSpans.toLocaleString('en')} spans`)
    this.#table.columns.trace[row] = trace
    this.#table.columns.parent[row] = -1
    // The same span twice (files that overlap, two exporters): the first one counts as the parent of its children.
    if (id) this.#ids.add(id.high ^ Math.imul(trace + 1, 0x9e3779b1), id.low, row)
    return row
  }

  get columns(): Table<typeof spanSchema>['columns'] {
    return this.#table.columns
  }

  describe(row: number, kind: SpanKind, operation: Operation, failed: boolean, follows: boolean): void {
    const { columns } = this.#table
    columns.kind[row] = kindPlaces.get(kind) ?? 0
    columns.category[row] = categoryPlaces.get(operation.category) ?? 0
    columns.access[row] = accessPlaces.get(operation.access) ?? 0
    columns.detail[row] = this.text(operation.detail)
    columns.flags[row] = operation.flags | (failed ? flag.failed : 0) | (follows ? flag.follows : 0)
  }

  parent(row: number, high: number, low: number): void {
    if (row >= this.#withParent.length) this.#growParents(row)
    this.#parents[2 * row] = high
    this.#parents[2 * row + 1] = low
    this.#withParent[row] = 1
  }

  /** The parent of a span, where it is known by its row. */
  parentRow(row: number, parent: number): void {
    this.#table.columns.parent[row] = parent
  }

  /** The ids, within its trace, of what a span needs. */
  needs(row: number, trace: number, ids: readonly string[]): void {
    this.#needs.set(row, { trace, ids })
    this.#table.columns.flags[row] = (this.#table.columns.flags[row] ?? 0) | flag.needsKnown
  }

  /** Resolves parents. */
  finish(): Spans {
    const { rows, orphans } = this.#resolved()
    const needs = new Map<number, readonly number[]>()
    for (const [row, { trace, ids }] of this.#needs) {
      needs.set(
        row,
        ids.map((id) => this.#row(trace, idOf(id, this.#id))).filter((needed) => needed >= 0 && needed !== row),
      )
    }
    return {
      format: this.#format,
      epochMs: this.#epochMs ?? 0,
      strings: this.#strings.list,
      rows,
      traces: this.#traceIds.length,
      traceIds: this.#traceIds,
      needs,
      warnings: this.warnings,
      orphans,
    }
  }

  #row(trace: number, { high, low }: Id): number {
    return this.#ids.get(high ^ Math.imul(trace + 1, 0x9e3779b1), low)
  }

  #resolved(): { rows: SpanRows; orphans: number } {
    const rows = this.#table.rows()
    let orphans = 0
    for (let row = 0; row < rows.count; row++) {
      if (this.#withParent[row] !== 1) continue
      this.#id.high = this.#parents[2 * row] as number
      this.#id.low = this.#parents[2 * row + 1] as number
      const parent = this.#row(rows.trace[row] as number, this.#id)
      if (parent < 0 || parent === row) orphans++
      else rows.parent[row] = parent
    }
    return { rows, orphans: orphans + cutCircles(rows) }
  }

  #growParents(row: number): void {
    const size = Math.max(2 * this.#withParent.length, row + 1)
    const [parents, withParent] = [new Int32Array(2 * size), new Uint8Array(size)]
    parents.set(this.#parents)
    withParent.set(this.#withParent)
    this.#parents = parents
    this.#withParent = withParent
  }
}

/** Spans that are their own ancestors become roots. @returns how many */
function cutCircles({ parent, count }: SpanRows): number {
  // 0 not seen, 1 on the way up from this row, 2 known to end at a root.
  const state = new Uint8Array(count)
  let cut = 0
  for (let first = 0; first < count; first++) {
    let row = first
    while (row >= 0 && state[row] === 0) {
      state[row] = 1
      const up = parent[row] as number
      if (up >= 0 && state[up] === 1) {
        parent[row] = -1
        cut++
        break
      }
      row = up
    }
    for (row = first; row >= 0 && state[row] === 1; row = parent[row] as number) state[row] = 2
  }
  return cut
}
