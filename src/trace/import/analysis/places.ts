/**
 * A build whose task graph is known: how long tasks waited for a free place though all that they needed was done, and what the run takes with other numbers of places.
 * The needs are stated by the runner, so nothing is guessed but that tasks take as long as they did.
 */
import { criticalPath, dagOf, remainingPaths, simulate } from '../../../graph/index.ts'
import { type Forest, waitedFor } from './forest.ts'

export interface Places {
  /** Most tasks that were under way at once. */
  readonly used: number
  /** Milliseconds for which tasks waited whose needs had ended, summed over the tasks. */
  readonly waitedMs: number
  /** The longest chain of needs: no number of places is faster. */
  readonly chainMs: number
  readonly chain: readonly number[]
  /** As many places as were used, the task with the longest chain behind it first. */
  readonly longestFirstMs: number
  /** The fewest places with which the run takes at most 5 % longer than its chain or than with any number, and what it takes then. */
  readonly enough: number
  readonly enoughMs: number
}

/** A number of places that is this near to the best one is enough: the last per cent cost most places. */
const nearlyBest = 1.05

/** @returns undefined where the needs of the run's tasks are not known */
export function placesOf(forest: Forest, root: number): Places | undefined {
  const { start, end, spans } = forest
  const rows = waitedFor(forest, root)
  if (rows.length === 0 || !rows.every((row) => spans.needs.has(row))) return undefined
  const places = new Map(rows.map((row, i) => [row, i]))
  const needStart = new Uint32Array(rows.length + 1)
  const needs: number[] = []
  let waitedMs = 0
  for (const [i, row] of rows.entries()) {
    let ready = start[root] as number
    for (const needed of spans.needs.get(row) ?? []) {
      const place = places.get(needed)
      // Rows are in the order of their starts: a need that began later was not waited for.
      if (place === undefined || place >= i) continue
      needs.push(place)
      ready = Math.max(ready, end[needed] as number)
    }
    needStart[i + 1] = needs.length
    waitedMs += Math.max(0, (start[row] as number) - ready)
  }
  const dag = dagOf(needStart, Uint32Array.from(needs))
  const took = Float64Array.from(rows, (row) => (end[row] as number) - (start[row] as number))
  const remaining = remainingPaths(dag, took)
  const ms = (slots: number): number => simulate(dag, took, remaining, slots).makespanMs
  const used = mostAtOnce(rows, start, end)
  const bestMs = ms(rows.length)
  // More places are almost never slower here (Graham's anomalies are small with the longest first), so halving finds the fewest.
  let [low, high] = [1, rows.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (ms(middle) <= nearlyBest * bestMs) high = middle
    else low = middle + 1
  }
  const chain = criticalPath(dag, remaining)
  return {
    used,
    waitedMs,
    chain: chain.map((i) => rows[i] as number),
    chainMs: chain.reduce((sum, i) => sum + (took[i] as number), 0),
    longestFirstMs: ms(used),
    enough: low,
    enoughMs: ms(low),
  }
}

function mostAtOnce(rows: readonly number[], start: Float64Array, end: Float64Array): number {
  const ends = rows.map((row) => end[row] as number).sort((a, b) => a - b)
  let [most, over] = [0, 0]
  // Rows come by their starts.
  for (const [i, row] of rows.entries()) {
    while ((ends[over] as number) <= (start[row] as number) && over < i) over++
    most = Math.max(most, i + 1 - over)
  }
  return most
}
