/**
 * Where the rest of a map is done best: on this thread, on the workers, or on both sides. Pure.
 *
 * Sending an item costs this thread writing its arguments and reading its result, and a worker the other halves. Of `n` items, with `h` for computing one
 * here and `c` there, `m` for the copying of this thread and `k` for that of a worker, on `p` cores,
 *
 *     here    n h
 *     there   max(n m, n (c + k) / p, n (c + k + m) / p)        this thread takes a core too
 *     both    n h W / (h + W - m), with W = (c + k) / (p - 1)   p - 1 workers, and this thread does what it has time for
 *
 * **What is foreseen is held against what happens**, because threads also wait for the same memory, the same collector and the same cores: each way
 * has a factor, by which it took longer than that, and the way with the least product is taken.
 *
 * **What was bad once is tried again**, because code that was not compiled yet is slow, and a busy machine becomes quiet. Where another way would be
 * best if it went as foreseen, it is tried for a while; after each trial in vain the pause until the next one doubles.
 */
/** Where the rest of a map is done. */
export type Plan = 'here' | 'there' | 'both'
const plans: readonly Plan[] = ['here', 'there', 'both']

/** Milliseconds for one item, as far as they are known. */
export interface Costs {
  readonly hereMs: number
  /** On a worker, without its copying. */
  readonly thereMs: number
  /** Copying, on this thread. */
  readonly crossingMs: number
  /** Copying, on a worker; undefined where nothing was large enough to be measured. */
  readonly workerCopyMs: number | undefined
}

/**
 * What a map may lose to threads that are slow to wake: a message there and back takes 0.05 ms on a quiet machine and ten times that on a
 * busy one, so that a map that would win less is not worth the risk.
 */
const roundTripMs = 0.5
/** Sharing must win at least this share: it takes the caller's thread. Chosen. */
const sharingWins = 0.1
/** An item may hold this thread for as long. */
export const longestHereMs = 10
/** Nothing takes so many times as long as foreseen by itself: that is the machine. Chosen. */
const mostOff = 8
/**
 * What was seen before counts for so much less with each time something new is seen, of whichever way: about the last five count, and of a way that was not taken for
 * long what is seen now. Both chosen.
 */
const [fadesWithEach, fadesAtMost] = [0.8, 0.2]
/** Stretches of one way between two trials of another, at first and at most. Chosen: trials cost a few hundredths at first, then a few thousandths. */
const [shortestPause, longestPause] = [4, 128]

/** How long `items` take on `slots` workers; `Infinity` where it cannot be done that way. */
export function foreseen(plan: Plan, costs: Costs, items: number, slots: number): number {
  const { hereMs, thereMs, crossingMs, workerCopyMs } = costs
  const workerMs = thereMs + (workerCopyMs ?? crossingMs)
  if (plan === 'here') {
    // What takes long by itself would hold this thread; unless copying it would hold it for longer.
    return hereMs > Math.max(longestHereMs, crossingMs) ? Number.POSITIVE_INFINITY : items * hereMs
  }
  if (plan === 'there') {
    const sharedMs = (workerMs + (workerCopyMs === undefined ? 0 : crossingMs)) / slots
    return roundTripMs + items * Math.max(crossingMs, sharedMs)
  }
  const others = workerMs / (slots - 1)
  // With less than that this thread has no time for anything but copying.
  if (slots === 1 || workerCopyMs === undefined || others <= crossingMs || hereMs > longestHereMs) return Number.POSITIVE_INFINITY
  return roundTripMs + (items * hereMs * others) / (hereMs + others - crossingMs)
}

/** What one way has taken, beside what was foreseen. A mean, because pauses of the collector belong to what a way costs. */
class Seen {
  #ms = 0
  #foreseenMs = 0
  /** Which record, of all ways, was the last of this one. */
  last = 0

  add(ms: number, foreseenMs: number, record: number): void {
    const age = record - this.last
    this.last = record
    const fades = Math.max(fadesWithEach ** age, fadesAtMost)
    this.#ms = fades * this.#ms + Math.min(ms, mostOff * foreseenMs)
    this.#foreseenMs = fades * this.#foreseenMs + foreseenMs
  }

  get factor(): number {
    return this.#foreseenMs === 0 ? 1 : this.#ms / this.#foreseenMs
  }
}

export class Planner {
  readonly #seen: Readonly<Record<Plan, Seen>> = { here: new Seen(), there: new Seen(), both: new Seen() }
  #pause = shortestPause
  #untilTrial = shortestPause
  #records = 0

  /** Gives the way that is best by all that is known. */
  choose(costs: Costs, items: number, slots: number): Plan {
    return best((plan) => foreseen(plan, costs, items, slots) * this.#seen[plan].factor)
  }

  /**
   * Gives the way that is to be tried now, if one is: of those that would be better, if they went as foreseen, than the known one as it goes, the one of
   * which nothing has been seen for longest.
   * @param hopes what an item may cost at best
   */
  trial(known: Plan, hopes: Costs, items: number, slots: number): Plan | undefined {
    if (this.#untilTrial > 0) return undefined
    const knownMs = foreseen(known, hopes, items, slots) * this.#seen[known].factor
    const better = plans.filter(
      (plan) => plan !== known && weighed(plan, foreseen(plan, hopes, items, slots)) < weighed(known, knownMs),
    )
    return better.reduce<Plan | undefined>(
      (one, other) => (one && this.#seen[one].last <= this.#seen[other].last ? one : other),
      undefined,
    )
  }

  /** So many items took so long, of which `costs` were known. */
  record(plan: Plan, items: number, ms: number, costs: Costs, slots: number): void {
    this.#untilTrial--
    const foreseenMs = foreseen(plan, costs, items, slots)
    if (foreseenMs !== Number.POSITIVE_INFINITY) this.#seen[plan].add(ms, foreseenMs, ++this.#records)
  }

  /** A trial is over; `won`: what was tried is what is best. */
  tried(won: boolean): void {
    this.#pause = won ? shortestPause : Math.min(2 * this.#pause, longestPause)
    this.#untilTrial = this.#pause
  }
}

/** Sharing only where it is clearly less. */
function weighed(plan: Plan, ms: number): number {
  return ms / (plan === 'both' ? 1 - sharingWins : 1)
}

/** The way that takes least. */
function best(msOf: (plan: Plan) => number): Plan {
  const ms = (plan: Plan): number => weighed(plan, msOf(plan))
  return plans.reduce((one, other) => (ms(other) < ms(one) ? other : one))
}
