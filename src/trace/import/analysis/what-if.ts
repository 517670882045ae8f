/**
 * What a trace would have taken, had some of its spans run at once: it runs again on its own graph.
 *
 * A span begins when everything has ended that had ended before it began, and as long after that as it did: the time between is the parent's own work. So nothing is
 * assumed to be independent but what a {@link Group} names. A parent ends as long after its last child as it did.
 */
import { type Forest, waitedFor } from './forest.ts'

/** Spans of one parent that run at once: lanes next to each other, the spans of a lane one after the other. */
export interface Group {
  readonly parent: number
  readonly lanes: readonly (readonly number[])[]
  /** Which loop each lane is a round of: lanes of the same number share its bound. Without it, all lanes share one. */
  readonly loops?: readonly number[]
}

/** A loop becomes a map that bounds itself: more at once is a load that the other side did not have before. Its neighbours do not wait for its bound. */
export const atOnce = 10

export class WhatIf {
  readonly #forest: Forest
  /** New time of each span; as it was where nothing changed below it. */
  readonly #took: Float64Array
  /** New start, since that of the parent. */
  readonly #offset: Float64Array
  #newStart: Float64Array | undefined
  #newEnd: Float64Array | undefined

  constructor(forest: Forest) {
    this.#forest = forest
    this.#took = new Float64Array(forest.start.length)
    this.#offset = new Float64Array(forest.start.length)
    for (let row = 0; row < this.#took.length; row++) {
      this.#took[row] = (forest.end[row] as number) - (forest.start[row] as number)
      const up = forest.spans.rows.parent[row] as number
      this.#offset[row] = up < 0 ? 0 : (forest.start[row] as number) - (forest.start[up] as number)
    }
  }

  /** Milliseconds of the root with the groups; the trace is afterwards as it was. */
  saving(root: number, groups: readonly Group[]): number {
    const before = this.#took[root] as number
    const changed = this.#run(root, groups)
    const saved = before - (this.#took[root] as number)
    this.#undo(changed)
    return saved
  }

  /** The trace with the groups, as a forest whose critical path can be asked for. Only the root's tree is valid, and only until the next call. */
  forest(root: number, groups: readonly Group[]): Forest {
    const changed = this.#run(root, groups)
    const { spans } = this.#forest
    // One pair of arrays for all: a copy for each of a million traces would be all that is done.
    const start = (this.#newStart ??= new Float64Array(this.#forest.start))
    const end = (this.#newEnd ??= new Float64Array(this.#forest.end))
    for (const row of treeOf(this.#forest, root)) {
      const up = spans.rows.parent[row] as number
      start[row] = row === root ? (this.#forest.start[row] as number) : (start[up] as number) + (this.#offset[row] as number)
      end[row] = (start[row] as number) + (this.#took[row] as number)
    }
    this.#undo(changed)
    return { ...this.#forest, start, end }
  }

  /** Changes the parents of the groups and all spans above them, from the lowest up. @returns the rows that were changed, or had children that were */
  #run(root: number, groups: readonly Group[]): readonly number[] {
    const byParent = new Map<number, Group[]>()
    for (const group of groups) byParent.set(group.parent, [...(byParent.get(group.parent) ?? []), group])
    const { parent } = this.#forest.spans.rows
    const depths = new Map<number, number>()
    for (const row of byParent.keys()) {
      const way: number[] = []
      let at = row
      for (; at !== root && at >= 0 && !depths.has(at); at = parent[at] as number) way.push(at)
      let depth = at === root ? (depths.get(root) ?? 0) : (depths.get(at) ?? 0)
      if (at === root) depths.set(root, depth)
      for (const one of way.reverse()) depths.set(one, ++depth)
    }
    const rows = [...depths.keys()].sort((a, b) => (depths.get(b) as number) - (depths.get(a) as number))
    for (const row of rows) this.#retime(row, byParent.get(row) ?? [])
    return rows
  }

  #undo(rows: readonly number[]): void {
    const { start, end } = this.#forest
    for (const row of rows) {
      this.#took[row] = (end[row] as number) - (start[row] as number)
      for (const child of waitedFor(this.#forest, row)) this.#offset[child] = (start[child] as number) - (start[row] as number)
    }
  }

  /** New starts of the children, and the new time of the span. */
  #retime(row: number, groups: readonly Group[]): void {
    const { start, end } = this.#forest
    const byStart = waitedFor(this.#forest, row)
    if (byStart.length === 0) return
    const byEnd = [...byStart].sort((a, b) => (end[a] as number) - (end[b] as number))
    const origin = start[row] as number
    const places = placesOf(groups)
    const took = this.#took
    const offset = this.#offset
    let ended = 0
    let [lastEnd, newLastEnd] = [origin, 0]
    for (const child of byStart) {
      const began = start[child] as number
      // All that had ended by then, in the old order of ends.
      for (; ended < byEnd.length && (end[byEnd[ended] as number] as number) <= began && byEnd[ended] !== child; ended++) {
        const before = byEnd[ended] as number
        lastEnd = end[before] as number
        newLastEnd = Math.max(newLastEnd, (offset[before] as number) + (took[before] as number))
      }
      const place = places.get(child)
      offset[child] = place ? place.begin(child, newLastEnd + began - lastEnd, start, end) : newLastEnd + began - lastEnd
      place?.end(child, (offset[child] as number) + (took[child] as number))
    }
    let [last, newLast] = [origin, 0]
    for (const child of byStart) {
      last = Math.max(last, end[child] as number)
      newLast = Math.max(newLast, (offset[child] as number) + (took[child] as number))
    }
    took[row] = newLast + (end[row] as number) - last
  }
}

/** Where the spans of a group may begin. */
class Lanes {
  readonly #group: Group
  /** Lane of each span, and its place there. */
  readonly #places = new Map<number, { readonly lane: number; readonly at: number }>()
  /** When the spans of the group could begin: as the first one did. */
  #from: number | undefined
  /** The parent's own work between lanes, which stays one after the other. */
  #between = 0
  /** By loop: when each of its lanes under way ends. */
  readonly #busyUntil = new Map<number, number[]>()
  #laneEnd = 0

  constructor(group: Group) {
    this.#group = group
    for (const [lane, rows] of group.lanes.entries()) for (const [at, row] of rows.entries()) this.#places.set(row, { lane, at })
  }

  begin(row: number, alone: number, start: Float64Array, end: Float64Array): number {
    const { lane, at } = this.#places.get(row) as { lane: number; at: number }
    const rows = this.#group.lanes[lane] as readonly number[]
    if (at > 0) return this.#laneEnd + (start[row] as number) - (end[rows[at - 1] as number] as number)
    if (this.#from === undefined) return (this.#from = alone)
    const before = this.#group.lanes[lane - 1]?.at(-1)
    if (before !== undefined) this.#between += Math.max(0, (start[row] as number) - (end[before] as number))
    const ready = this.#from + this.#between
    const busyUntil = this.#loopOf(lane)
    if (busyUntil.length < atOnce) return ready
    // The first of the loop's lanes that is free again.
    const free = busyUntil.indexOf(Math.min(...busyUntil))
    return Math.max(ready, busyUntil.splice(free, 1)[0] as number)
  }

  end(row: number, ended: number): void {
    this.#laneEnd = ended
    const { lane, at } = this.#places.get(row) as { lane: number; at: number }
    if (at + 1 === this.#group.lanes[lane]?.length) this.#loopOf(lane).push(ended)
  }

  #loopOf(lane: number): number[] {
    const loop = this.#group.loops?.[lane] ?? 0
    let busyUntil = this.#busyUntil.get(loop)
    if (!busyUntil) this.#busyUntil.set(loop, (busyUntil = []))
    return busyUntil
  }
}

function placesOf(groups: readonly Group[]): Map<number, Lanes> {
  const places = new Map<number, Lanes>()
  for (const group of groups) {
    const lanes = new Lanes(group)
    for (const row of group.lanes.flat()) places.set(row, lanes)
  }
  return places
}

function* treeOf({ first, children }: Forest, root: number): Generator<number> {
  const queue = [root]
  for (let at = 0; at < queue.length; at++) {
    const row = queue[at] as number
    yield row
    for (let child = first[row] as number; child < (first[row + 1] as number); child++) queue.push(children[child] as number)
  }
}
