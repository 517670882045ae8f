/**
 * What a set of traces says of the order of two calls. That B always began after A proves nothing: it may be habit. One place in which they overlapped, or came in the
 * other order, proves that B does not need A; so a hypothesis of dependence lives until its first counterexample.
 */
import { type Forest, waitedFor } from './forest.ts'
import { operationKey } from './operations.ts'

/** Two calls that touch by less than this share of the shorter one may only have clocks that differ. */
const overlapCounts = 0.05
/** Parents with more different calls are looked at only as far as this. */
const mostOperations = 40

export interface PairCounts {
  /** Parents in which all of the first ended before the second began. */
  ordered: number
  /** Parents in which they overlapped, or the second came first. */
  against: number
}

export class Evidence {
  readonly #pairs = new Map<string, PairCounts>()

  constructor(forest: Forest) {
    const { spans, first } = forest
    for (let row = 0; row < spans.rows.count; row++) {
      if ((first[row + 1] as number) - (first[row] as number) >= 2) this.#parent(forest, row)
    }
  }

  /** How often `before` had ended when `after` began, under parents of the same operation, and how often not. */
  of(parent: string, before: string, after: string): PairCounts {
    return this.#pairs.get(`${parent}>${before}>${after}`) ?? { ordered: 0, against: 0 }
  }

  #parent(forest: Forest, row: number): void {
    const { spans, start, end } = forest
    const parent = operationKey(spans, row)
    const keys = new Map<string, number>()
    const children = waitedFor(forest, row)
    const kindOf: number[] = []
    for (const child of children) {
      const key = operationKey(spans, child)
      let kind = keys.get(key)
      if (kind === undefined && keys.size < mostOperations) keys.set(key, (kind = keys.size))
      kindOf.push(kind ?? -1)
    }
    const count = keys.size
    const overlap = overlapsOf(children, kindOf, count, start, end)
    const [firstStart, lastEnd] = [new Float64Array(count).fill(Infinity), new Float64Array(count).fill(-Infinity)]
    const counts = new Uint32Array(count)
    for (const [i, child] of children.entries()) {
      const kind = kindOf[i] as number
      if (kind < 0) continue
      counts[kind] = (counts[kind] as number) + 1
      firstStart[kind] = Math.min(firstStart[kind] as number, start[child] as number)
      lastEnd[kind] = Math.max(lastEnd[kind] as number, end[child] as number)
    }
    const names = [...keys.keys()]
    for (let a = 0; a < count; a++) {
      for (let b = 0; b < count; b++) {
        if (a === b && (counts[a] as number) < 2) continue
        const pair = this.#pair(`${parent}>${names[a]}>${names[b]}`)
        const swapped = a !== b && (lastEnd[b] as number) <= (firstStart[a] as number)
        if (swapped || overlap[a * count + b] === 1) pair.against++
        else if (a === b || (lastEnd[a] as number) <= (firstStart[b] as number)) pair.ordered++
      }
    }
  }

  #pair(key: string): PairCounts {
    let pair = this.#pairs.get(key)
    if (!pair) this.#pairs.set(key, (pair = { ordered: 0, against: 0 }))
    return pair
  }
}

/** Which kinds overlap, as a square table. */
function overlapsOf(
  children: readonly number[],
  kindOf: readonly number[],
  count: number,
  start: Float64Array,
  end: Float64Array,
): Uint8Array {
  const table = new Uint8Array(count * count)
  let open: number[] = []
  for (const [i, child] of children.entries()) {
    const kind = kindOf[i] as number
    const [from, to] = [start[child] as number, end[child] as number]
    open = open.filter((place) => (end[children[place] as number] as number) > from)
    if (kind >= 0) {
      for (const place of open) {
        const [other, otherKind] = [children[place] as number, kindOf[place] as number]
        const common = Math.min(to, end[other] as number) - from
        const shorter = Math.min(to - from, (end[other] as number) - (start[other] as number))
        if (common <= overlapCounts * shorter) continue
        table[kind * count + otherKind] = 1
        table[otherKind * count + kind] = 1
      }
    }
    // Hundreds at once say the same as a few.
    if (open.length < mostOperations) open.push(i)
  }
  return table
}
