/**
 * The critical path of a request, as it happened: back from its end, through the child that ended last, to its start, and from there through the one that ended last before it.
 *
 * The rules are those of CRISP (Zhang et al., USENIX ATC 2022) and of Jaeger's page, whose published cases are tests here. In one thing they differ, and CRISP is followed: a
 * sibling that ends a little after the next one began (1 % of the parent, and nothing else begins or ends there) came before it. Clocks are that exact.
 */
import { type Forest, waitedFor } from './forest.ts'

/** Share of the parent's time by which one sibling may overlap the next one that waited for it. */
const overlapAllowed = 0.01

export interface SpanPath {
  /** Sections, the last one first: of which span, from when to when. */
  readonly rows: readonly number[]
  readonly from: readonly number[]
  readonly to: readonly number[]
  /** Time on the path that is a span's own. The sum is the time of the root. */
  readonly own: ReadonlyMap<number, number>
  /** Children that a span waited for one after the other, in order of time. */
  readonly chains: ReadonlyMap<number, readonly number[]>
}

interface Frame {
  readonly row: number
  readonly byEnd: readonly number[]
  readonly byStart: readonly number[]
  next: number
  /** Up to here the path is known. */
  cursor: number
  /** The child that was taken last. */
  last: number
  readonly chain: number[]
}

export function spanPath(forest: Forest, root: number): SpanPath {
  const { start, end } = forest
  const [rows, from, to]: [number[], number[], number[]] = [[], [], []]
  const own = new Map<number, number>()
  const chains = new Map<number, readonly number[]>()
  const give = (row: number, a: number, b: number): void => {
    own.set(row, (own.get(row) ?? 0) + b - a)
    if (b <= a) return
    rows.push(row)
    from.push(a)
    to.push(b)
  }
  const stack: Frame[] = [frameOf(forest, root)]
  for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
    const child = nextBack(forest, frame)
    if (child === undefined) {
      give(frame.row, start[frame.row] as number, frame.cursor)
      if (frame.chain.length > 0) chains.set(frame.row, frame.chain.reverse())
      stack.pop()
      continue
    }
    // Less than nothing where the two overlap a little: both count in full, and the parent for so much less.
    give(frame.row, end[child] as number, frame.cursor)
    frame.cursor = start[child] as number
    frame.last = child
    frame.chain.push(child)
    stack.push(frameOf(forest, child))
  }
  return { rows, from, to, own, chains }
}

function frameOf(forest: Forest, row: number): Frame {
  const { start, end } = forest
  const byStart = waitedFor(forest, row)
  const byEnd =
    byStart.length < 2
      ? byStart
      : [...byStart].sort(
          (a, b) => (end[a] as number) - (end[b] as number) || (start[a] as number) - (start[b] as number) || a - b,
        )
  return { row, byEnd, byStart, next: byEnd.length - 1, cursor: end[row] as number, last: -1, chain: [] }
}

/** The child that ended last before the one that was taken last began. */
function nextBack(forest: Forest, frame: Frame): number | undefined {
  while (frame.next >= 0) {
    const child = frame.byEnd[frame.next--] as number
    if (frame.last < 0 || cameBefore(forest, frame, child)) return child
  }
  return undefined
}

function cameBefore({ start, end }: Forest, { row, byStart, byEnd, last }: Frame, child: number): boolean {
  const [ended, began] = [end[child] as number, start[last] as number]
  if (ended <= began) return true
  if (ended >= (end[last] as number) || (start[child] as number) >= began) return false
  const whole = (end[row] as number) - (start[row] as number)
  if ((ended - began) / whole >= overlapAllowed) return false
  // The end of the one and the start of the other, and nothing else.
  return countIn(byStart, start, began, ended) + countIn(byEnd, end, began, ended) === 2
}

/** How many of the rows, which are in order of the times, lie from `low` to `high`. */
function countIn(rows: readonly number[], times: Float64Array, low: number, high: number): number {
  return firstAt(rows, times, high, true) - firstAt(rows, times, low, false)
}

/** Place of the first time ≥ `at`, or > `at` where `beyond`. */
function firstAt(rows: readonly number[], times: Float64Array, at: number, beyond: boolean): number {
  let [low, high] = [0, rows.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const time = times[rows[middle] as number] as number
    if (time < at || (beyond && time === at)) low = middle + 1
    else high = middle
  }
  return low
}
