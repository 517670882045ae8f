/** The bare structure that every algorithm here reads: tasks are whole numbers, and each needs only smaller ones. */
export interface Dag {
  readonly size: number
  /** Needs of task t: `needs[needStart[t]] … needs[needStart[t + 1] - 1]`, all less than t. The same one may stand there twice. */
  readonly needStart: Uint32Array
  readonly needs: Uint32Array
  /** Dependents of task t, in the same form, ascending. */
  readonly dependentStart: Uint32Array
  readonly dependents: Uint32Array
}

/** Adds the dependents to the needs, by a counting sort: O(tasks + needs). */
export function dagOf(needStart: Uint32Array, needs: Uint32Array): Dag {
  const size = needStart.length - 1
  const dependentStart = new Uint32Array(size + 1)
  for (let e = 0; e < needs.length; e++) count(dependentStart, (needs[e] as number) + 1)
  for (let t = 1; t <= size; t++) dependentStart[t] = (dependentStart[t] as number) + (dependentStart[t - 1] as number)
  const dependents = new Uint32Array(needs.length)
  const next = dependentStart.slice(0, size)
  for (let t = 0; t < size; t++) {
    for (let e = needStart[t] as number; e < (needStart[t + 1] as number); e++) dependents[count(next, needs[e] as number)] = t
  }
  return { size, needStart, needs, dependentStart, dependents }
}

/** Counts one more; gives the number before. */
function count(counts: Uint32Array, at: number): number {
  const before = counts[at] as number
  counts[at] = before + 1
  return before
}

/** A part of a graph that is closed under needs. */
export interface Selection {
  readonly dag: Dag
  /** Which tasks of the whole graph its tasks are, ascending. */
  readonly tasks: Uint32Array
  /** The targets, as tasks of the selection. */
  readonly targets: Uint32Array
}

/** What the targets need, directly or not, and the targets themselves: nothing else will run. O(tasks + needs of the whole graph). */
export function cull(needStart: Uint32Array, needs: Uint32Array, targets: Iterable<number>): Selection {
  const size = needStart.length - 1
  const wanted = new Uint8Array(size)
  const listed = Uint32Array.from(targets)
  for (const target of listed) wanted[target] = 1
  let kept = 0
  let edges = 0
  // Needs are smaller numbers, so one pass downwards reaches everything.
  for (let t = size - 1; t >= 0; t--) {
    if (!wanted[t]) continue
    kept++
    for (let e = needStart[t] as number; e < (needStart[t + 1] as number); e++, edges++) wanted[needs[e] as number] = 1
  }
  const tasks = new Uint32Array(kept)
  const place = new Uint32Array(size)
  const keptStart = new Uint32Array(kept + 1)
  const keptNeeds = new Uint32Array(edges)
  for (let t = 0, to = 0, edge = 0; t < size; t++) {
    if (!wanted[t]) continue
    for (let e = needStart[t] as number; e < (needStart[t + 1] as number); e++)
      keptNeeds[edge++] = place[needs[e] as number] as number
    tasks[to] = t
    place[t] = to
    keptStart[++to] = edge
  }
  return { dag: dagOf(keptStart, keptNeeds), tasks, targets: listed.map((target) => place[target] as number) }
}
