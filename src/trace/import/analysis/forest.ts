/**
 * Spans as trees: clocks corrected, children inside their parents. All orders are by rows in typed arrays, and nothing recurses: a trace may be five thousand levels deep.
 */
import { type SpanRows, type Spans } from '../spans/spans.ts'
import { flag } from '../spans/vocabulary.ts'

export interface Forest {
  readonly spans: Spans
  /** Corrected and clipped. */
  readonly start: Float64Array
  readonly end: Float64Array
  /** Place of a row's first child in {@link children}; one more than there are rows. */
  readonly first: Int32Array
  /** Rows of children, by start, then by end, then as they came. */
  readonly children: Int32Array
  /** Parents before children. */
  readonly order: Int32Array
  readonly roots: readonly number[]
  /** 1 for a span that its parent did not wait for: it follows, or lies outside of it. */
  readonly apart: Uint8Array
  /** Spans whose clock was corrected. */
  readonly skewed: number
  /** Spans that ran out of their parents and were clipped to them. */
  readonly clipped: number
  /** Spans without usable times. */
  readonly timeless: number
}

export function forestOf(spans: Spans): Forest {
  const { rows } = spans
  const { count } = rows
  const start = Float64Array.from(rows.start)
  const end = Float64Array.from(rows.end)
  const timeless = mendTimes(start, end)
  const { first, children, roots } = childrenOf(rows, start, end)
  const order = orderOf(roots, first, children, count)
  const skewed = correctClocks(rows, start, end, order)
  const apart = new Uint8Array(count)
  const clipped = clip(rows, start, end, order, apart)
  sortChildren(first, children, start, end)
  return { spans, start, end, first, children, order, roots, apart, skewed, clipped, timeless }
}

/** Children that the parent waited for. */
export function waitedFor({ first, children, apart }: Forest, row: number): number[] {
  const list: number[] = []
  for (let at = first[row] as number; at < (first[row + 1] as number); at++) {
    const child = children[at] as number
    if (apart[child] === 0) list.push(child)
  }
  return list
}

/** Times that are missing or backwards become points. @returns how many */
function mendTimes(start: Float64Array, end: Float64Array): number {
  let mended = 0
  for (let row = 0; row < start.length; row++) {
    const [from, to] = [start[row] as number, end[row] as number]
    if (Number.isFinite(from) && to >= from && Number.isFinite(to)) continue
    mended++
    const known = Number.isFinite(from) ? from : Number.isFinite(to) ? to : 0
    start[row] = known
    end[row] = known
  }
  return mended
}

function childrenOf(
  rows: SpanRows,
  start: Float64Array,
  end: Float64Array,
): { first: Int32Array; children: Int32Array; roots: number[] } {
  const { count, parent } = rows
  const first = new Int32Array(count + 1)
  const roots: number[] = []
  for (let row = 0; row < count; row++) {
    const up = parent[row] as number
    if (up < 0) roots.push(row)
    else first[up + 1] = (first[up + 1] as number) + 1
  }
  for (let row = 0; row < count; row++) first[row + 1] = (first[row + 1] as number) + (first[row] as number)
  const children = new Int32Array(count - roots.length)
  const next = first.slice(0, count)
  for (let row = 0; row < count; row++) {
    const up = parent[row] as number
    if (up < 0) continue
    children[next[up] as number] = row
    next[up] = (next[up] as number) + 1
  }
  sortChildren(first, children, start, end)
  return { first, children, roots }
}

/** Equal times keep the order of the file: spans are mostly written as they end. */
function sortChildren(first: Int32Array, children: Int32Array, start: Float64Array, end: Float64Array): void {
  const inOrder = (a: number, b: number): number =>
    (start[a] as number) - (start[b] as number) || (end[a] as number) - (end[b] as number) || a - b
  for (let row = 0; row + 1 < first.length; row++) {
    const [from, to] = [first[row] as number, first[row + 1] as number]
    if (to - from < 2) continue
    children.subarray(from, to).sort(inOrder)
  }
}

function orderOf(roots: readonly number[], first: Int32Array, children: Int32Array, count: number): Int32Array {
  const order = new Int32Array(count)
  order.set(roots)
  let written = roots.length
  for (let at = 0; at < written; at++) {
    const row = order[at] as number
    for (let child = first[row] as number; child < (first[row + 1] as number); child++)
      order[written++] = children[child] as number
  }
  return order
}

/**
 * Clocks of two machines differ. A child on another host that does not lie inside its parent is moved into its middle, and all of its host below it moves along, as
 * Jaeger does. Where hosts are not named, nothing is moved: sticking out is then as likely to be true.
 */
function correctClocks({ parent, host }: SpanRows, start: Float64Array, end: Float64Array, order: Int32Array): number {
  const moved = new Float64Array(start.length)
  let count = 0
  for (const row of order) {
    const up = parent[row] as number
    if (up < 0) continue
    const [here, there] = [host[row] as number, host[up] as number]
    if (here === 0 || there === 0) continue
    moved[row] = here === there ? (moved[up] as number) : skew(start, end, row, up)
    if (moved[row] === 0) continue
    count++
    start[row] = (start[row] as number) + (moved[row] as number)
    end[row] = (end[row] as number) + (moved[row] as number)
  }
  return count
}

function skew(start: Float64Array, end: Float64Array, row: number, up: number): number {
  const [from, to, outerFrom, outerTo] = [start[row], end[row], start[up], end[up]] as [number, number, number, number]
  const [inner, outer] = [to - from, outerTo - outerFrom]
  // It lasted longer: the parent gave up before, or did not wait.
  if (inner > outer) return from >= outerFrom ? 0 : outerFrom - from
  if (from >= outerFrom && to <= outerTo) return 0
  return outerFrom + (outer - inner) / 2 - from
}

/** Children end with their parents, and those outside of them were not waited for; nor were those that follow. @returns how many were clipped */
function clip(rows: SpanRows, start: Float64Array, end: Float64Array, order: Int32Array, apart: Uint8Array): number {
  let clipped = 0
  for (const row of order) {
    const up = rows.parent[row] as number
    if (up < 0) continue
    if (((rows.flags[row] as number) & flag.follows) !== 0) {
      apart[row] = 1
      continue
    }
    const [outerFrom, outerTo] = [start[up] as number, end[up] as number]
    const [from, to] = [start[row] as number, end[row] as number]
    if (from > outerTo || to < outerFrom || (from === outerTo && to > outerTo) || (to === outerFrom && from < outerFrom)) {
      apart[row] = 1
      continue
    }
    if (from >= outerFrom && to <= outerTo) continue
    clipped++
    start[row] = Math.max(from, outerFrom)
    end[row] = Math.min(to, outerTo)
  }
  return clipped
}
