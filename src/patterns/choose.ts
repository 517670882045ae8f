/** Which of several replicas gets the next call. Pure: random numbers are handed in. */

export type BalanceBy = 'least-busy' | 'power-of-two' | 'round-robin' | 'consistent-hash'

export const balanceWays: readonly BalanceBy[] = ['least-busy', 'power-of-two', 'round-robin', 'consistent-hash']

/** The state of the replicas at the moment, as far as it is known. */
export interface Replicas {
  readonly count: number
  /** Calls under way. */
  busy(replica: number): number
  /** False while its circuit breaker refuses. */
  ready(replica: number): boolean
}

/** Gives the chosen replica; undefined when none is ready. `key` is what `'consistent-hash'` goes by. */
export type Choose = (replicas: Replicas, key: string) => number | undefined

export function chooser(by: BalanceBy, random: () => number): Choose {
  if (by === 'consistent-hash') return highestWeight
  if (by === 'power-of-two') return powerOfTwo(random)
  return inTurn(by === 'least-busy')
}

/** The next that is ready; with `leastBusy` the first on the way around that nobody undercuts, so that equals take turns. */
function inTurn(leastBusy: boolean): Choose {
  let next = 0
  return (replicas) => {
    let best: number | undefined
    let fewest = Number.POSITIVE_INFINITY
    for (let step = 0; step < replicas.count; step++) {
      const replica = (next + step) % replicas.count
      const busy = leastBusy ? replicas.busy(replica) : 0
      if (busy < fewest && replicas.ready(replica)) [best, fewest] = [replica, busy]
    }
    if (best !== undefined) next = (best + 1) % replicas.count
    return best
  }
}

/**
 * The less busy of two at random: nearly as even as looking at all, and many clients that do so do not run for the same replica
 * (Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing", 2001).
 */
function powerOfTwo(random: () => number): Choose {
  return (replicas) => {
    const ready = readyOnes(replicas)
    if (ready.length < 2) return ready[0]
    const at = Math.floor(random() * ready.length)
    const other = (at + 1 + Math.floor(random() * (ready.length - 1))) % ready.length
    const [a, b] = [ready[at] as number, ready[other] as number]
    return replicas.busy(b) < replicas.busy(a) ? b : a
  }
}

/**
 * Each replica has a weight for each key, and the highest that is ready gets it: rendezvous hashing (Thaler and Ravishankar, 1998),
 * which is consistent and even without virtual nodes. A replica that falls out only gives away its own keys, and one that is added
 * at the end takes its share of everybody's.
 */
function highestWeight(replicas: Replicas, key: string): number | undefined {
  let best: number | undefined
  let highest = -1
  const base = fnv1a(key)
  for (const replica of readyOnes(replicas)) {
    const weight = mix(base ^ mix(replica + 1))
    if (weight > highest) [best, highest] = [replica, weight]
  }
  return best
}

function readyOnes(replicas: Replicas): number[] {
  const ready: number[] = []
  for (let replica = 0; replica < replicas.count; replica++) if (replicas.ready(replica)) ready.push(replica)
  return ready
}

/** FNV-1a (Fowler, Noll and Vo), 32 bits, over UTF-16 units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}

/** The finalizer of MurmurHash3 (Appleby): spreads every bit over all. From 0 to 2³² − 1. */
function mix(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
