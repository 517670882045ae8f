/** What each pixel column of a window holds: share of time at work, the group with most of it, and how much of it failed. */
import type { Coverage, Range } from '../protocol.ts'
import { blockSlices, type Line } from './timeline.ts'

export interface Columns extends Range {
  readonly columns: number
  readonly group?: number | undefined
}

/** 0 … 255; anything above nothing is at least 1. */
function byte(share: number, any: boolean): number {
  const value = Number.isFinite(share) ? Math.round(255 * Math.min(1, share)) : any ? 255 : 0
  return any ? Math.max(1, value) : 0
}

export function coverageOf(line: Line, window: Columns, groups: number): Coverage {
  const coverage: Coverage = {
    share: new Uint8Array(window.columns),
    group: new Uint16Array(window.columns),
    failed: new Uint8Array(window.columns),
    critical: new Uint8Array(window.columns),
  }
  if (line.shared) coverShared(line, window, coverage)
  else coverLine(line, window, coverage, groups)
  return coverage
}

/** Time by group within one column. */
class GroupTimes {
  readonly #ms: Float64Array
  readonly #isTouched: Uint8Array
  /** Only these are reset, because a window has more groups than a column. */
  readonly #touched: number[] = []

  constructor(groups: number) {
    this.#ms = new Float64Array(groups)
    this.#isTouched = new Uint8Array(groups)
  }

  add(group: number, ms: number): void {
    if (this.#isTouched[group] === 0) this.#touched.push(group)
    this.#isTouched[group] = 1
    this.#ms[group] = (this.#ms[group] as number) + ms
  }

  /** The group with most of the time, and forgets all; -1 when there was none. */
  take(): number {
    let [best, most] = [-1, -1]
    for (const group of this.#touched) {
      if ((this.#ms[group] as number) > most) [best, most] = [group, this.#ms[group] as number]
      this.#ms[group] = 0
      this.#isTouched[group] = 0
    }
    this.#touched.length = 0
    return best
  }
}

/**
 * One walk along the slices of a line, column by column. A whole block that lies within a column counts by its sums; a slice that reaches beyond the column is
 * looked at again for the next one. Nearly everything is a local: a million slices are looked at in some milliseconds.
 */
function coverLine(line: Line, { from, to, columns, group: only }: Columns, coverage: Coverage, groups: number): void {
  const { from: starts, to: ends, failed, group, blocks } = line
  const step = (to - from) / columns
  const times = new GroupTimes(groups)
  const stop = firstStarting(line, to, true)
  let i = firstEnding(line, from)
  for (let column = 0; column < columns && i < stop; column++) {
    const begin = from + column * step
    const end = column === columns - 1 ? to : begin + step
    // The window's last moment belongs to it: what has no length may lie there.
    const before = column === columns - 1 ? Number.POSITIVE_INFINITY : end
    let [busyMs, failedMs, anyFailed] = [0, 0, false]
    while (i < stop && (starts[i] as number) < before) {
      const last = i + blockSlices - 1
      const isWhole = blocks && i % blockSlices === 0 && only === undefined && last < stop
      if (isWhole && (ends[last] as number) <= end && (starts[i] as number) >= begin) {
        const block = i / blockSlices
        times.add(blocks.group[block] as number, blocks.groupMs[block] as number)
        busyMs += blocks.busyMs[block] as number
        failedMs += blocks.failedMs[block] as number
        anyFailed ||= blocks.anyFailed[block] === 1
        i = last + 1
        continue
      }
      const [a, b] = [starts[i] as number, ends[i] as number]
      if (only === undefined || group[i] === only) {
        const ms = Math.max(0, (b < end ? b : end) - (a > begin ? a : begin))
        times.add(group[i] as number, ms)
        busyMs += ms
        if (failed[i] === 1) {
          failedMs += ms
          anyFailed = true
        }
      }
      if (b > end) break
      i++
    }
    const most = times.take()
    if (most < 0) continue
    coverage.share[column] = byte(busyMs / step, true)
    coverage.group[column] = most
    coverage.failed[column] = byte(failedMs / busyMs, anyFailed)
  }
}

/** The first slice that ends at or after a time; slices of a line end in their order. */
export function firstEnding({ count, to }: Pick<Line, 'count' | 'to'>, at: number): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((to[middle] as number) < at) low = middle + 1
    else high = middle
  }
  return low
}

/** The first slice that starts at or after a time, or after it. */
export function firstStarting({ count, from }: Line, at: number, after = false): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((from[middle] as number) < at || (after && from[middle] === at)) low = middle + 1
    else high = middle
  }
  return low
}

/** Where tasks overlap: sums per group by differences, constant time per task whatever its length. */
function coverShared(line: Line, { from, to, columns, group: only }: Columns, coverage: Coverage): void {
  const step = (to - from) / columns
  const total = new Differences(columns)
  const failed = new Differences(columns)
  const byGroup = new Map<number, Differences>()
  const touched = new Uint8Array(columns)
  const failedIn = new Uint8Array(columns)
  const end = firstStarting(line, to)
  for (let i = firstEnding({ count: line.count, to: line.latest ?? line.to }, from); i < end; i++) {
    const number = line.group[i] as number
    if ((line.to[i] as number) < from || (only !== undefined && number !== only)) continue
    const begin = Math.max(0, ((line.from[i] as number) - from) / step)
    const until = Math.min(columns, ((line.to[i] as number) - from) / step)
    let sums = byGroup.get(number)
    if (!sums) byGroup.set(number, (sums = new Differences(columns)))
    sums.add(begin, until)
    total.add(begin, until)
    const first = Math.min(columns - 1, Math.floor(begin))
    touched[first] = 1
    if (line.failed[i] === 1) {
      failed.add(begin, until)
      failedIn[first] = 1
    }
  }
  const busy = total.sums()
  const bad = failed.sums()
  const groupSums = [...byGroup].map(([number, sums]) => ({ number, sums: sums.sums() }))
  for (let column = 0; column < columns; column++) {
    const any = touched[column] === 1 || (busy[column] as number) > tiny
    if (!any) continue
    let [best, most] = [0, -1]
    for (const { number, sums } of groupSums) if ((sums[column] as number) > most) [best, most] = [number, sums[column] as number]
    coverage.share[column] = byte((busy[column] as number) / line.capacity, true)
    coverage.group[column] = best
    coverage.failed[column] = byte(
      (bad[column] as number) / (busy[column] as number),
      failedIn[column] === 1 || (bad[column] as number) > tiny,
    )
  }
}

/** Below this a sum of differences is rounding. */
const tiny = 1e-6

/** Sums of stretches, counted in columns, per column. */
export class Differences {
  readonly #change: Float64Array
  readonly #partial: Float64Array

  constructor(columns: number) {
    this.#change = new Float64Array(columns + 1)
    this.#partial = new Float64Array(columns + 1)
  }

  /** From and to in columns, 0 … their number. */
  add(from: number, to: number, weight = 1): void {
    if (to <= from) return
    const first = Math.floor(from)
    const last = Math.floor(to)
    if (first === last) {
      this.#partial[first] = (this.#partial[first] as number) + weight * (to - from)
      return
    }
    this.#partial[first] = (this.#partial[first] as number) + weight * (first + 1 - from)
    this.#partial[last] = (this.#partial[last] as number) + weight * (to - last)
    this.#change[first + 1] = (this.#change[first + 1] as number) + weight
    this.#change[last] = (this.#change[last] as number) - weight
  }

  sums(): Float64Array {
    const sums = new Float64Array(this.#change.length - 1)
    let whole = 0
    for (let i = 0; i < sums.length; i++) {
      whole += this.#change[i] as number
      sums[i] = Math.max(0, whole + (this.#partial[i] as number))
    }
    return sums
  }
}
