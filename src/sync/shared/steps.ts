/**
 * The algorithms of the shared primitives, written once: as generators that yield every atomic operation and are resumed
 * with its result. run.ts performs the operations on shared memory; a test explores their interleavings in all orders.
 *
 * Results: what the cell held before (`load`, `add`, `exchange`, `compareExchange`), a {@link Wake} for `wait`, the number
 * of those woken for `notify`.
 */

export type Op =
  | { readonly op: 'load'; readonly at: number }
  | { readonly op: 'add'; readonly at: number; readonly value: number }
  | { readonly op: 'exchange'; readonly at: number; readonly value: number }
  | { readonly op: 'compareExchange'; readonly at: number; readonly expected: number; readonly value: number }
  /** Sleeps while the cell holds `expected`. */
  | { readonly op: 'wait'; readonly at: number; readonly expected: number }
  | { readonly op: 'notify'; readonly at: number; readonly count: number }

/** Why a `wait` ended. `gaveUp`: by timeout or signal. */
export const wake = { notified: 0, changed: 1, gaveUp: 2 } as const

export type Steps<R> = Generator<Op, R, number>

/** Where the state begins; the cells before it say what the memory is for. */
export const firstCell = 2

// --- mutex: U. Drepper, "Futexes Are Tricky" (2011), mutex 3 -----------------------------------------------------------

const mutexCell = firstCell
const unlocked = 0
const locked = 1
/** Locked, and somebody may be asleep. */
const contended = 2

/** False when it gave up. */
export function* lock(): Steps<boolean> {
  if ((yield { op: 'compareExchange', at: mutexCell, expected: unlocked, value: locked }) === unlocked) return true
  while ((yield { op: 'exchange', at: mutexCell, value: contended }) !== unlocked) {
    if ((yield { op: 'wait', at: mutexCell, expected: contended }) === wake.gaveUp) return false
  }
  return true
}

export function* tryLock(): Steps<boolean> {
  return (yield { op: 'compareExchange', at: mutexCell, expected: unlocked, value: locked }) === unlocked
}

export function* unlock(): Steps<void> {
  const before = yield { op: 'exchange', at: mutexCell, value: unlocked }
  if (before === contended) yield { op: 'notify', at: mutexCell, count: 1 }
}

// --- semaphore ---------------------------------------------------------------------------------------------------------

/** Free permits. */
export const permitCell = firstCell
/** How many sleep or are about to. Raised before a sleeper looks at the permits for the last time, so that none is missed. */
const sleeperCell = firstCell + 1

/** False when it gave up. */
export function* acquire(): Steps<boolean> {
  while (true) {
    if (yield* tryAcquire()) return true
    yield { op: 'add', at: sleeperCell, value: 1 }
    const why = yield { op: 'wait', at: permitCell, expected: 0 }
    yield { op: 'add', at: sleeperCell, value: -1 }
    if (why === wake.gaveUp) return false
  }
}

export function* tryAcquire(): Steps<boolean> {
  let free = yield { op: 'load', at: permitCell }
  while (free > 0) {
    const seen = yield { op: 'compareExchange', at: permitCell, expected: free, value: free - 1 }
    if (seen === free) return true
    free = seen
  }
  return false
}

export function* release(): Steps<void> {
  yield { op: 'add', at: permitCell, value: 1 }
  if ((yield { op: 'load', at: sleeperCell }) > 0) yield { op: 'notify', at: permitCell, count: 1 }
}

// --- barrier -----------------------------------------------------------------------------------------------------------

/** The number of the round in the upper half, how many have arrived in the lower: so both change in one step. */
const roundCell = firstCell
const roundShift = 16
const arrivedMask = 0xffff
export const partiesAtMost = arrivedMask

/** What became of an arrival: the last of its round, let go by the last, or gave up before that. */
export type Arrival = 'last' | 'released' | 'gone'

export function* arrive(parties: number): Steps<Arrival> {
  let state = yield { op: 'load', at: roundCell }
  while (true) {
    const last = (state & arrivedMask) + 1 === parties
    const next = last ? nextRound(state) : state + 1
    const seen = yield { op: 'compareExchange', at: roundCell, expected: state, value: next }
    if (seen === state && last) {
      yield { op: 'notify', at: roundCell, count: Number.POSITIVE_INFINITY }
      return 'last'
    }
    if (seen === state) return yield* awaitRound(next)
    state = seen
  }
}

/** Waits until the round of `state` is over. */
function* awaitRound(state: number): Steps<Arrival> {
  const round = state >>> roundShift
  let current = state
  while (current >>> roundShift === round) {
    const why = yield { op: 'wait', at: roundCell, expected: current }
    if (why === wake.gaveUp) return yield* leaveRound(round)
    current = yield { op: 'load', at: roundCell }
  }
  return 'released'
}

/** Takes the arrival back, unless the round is over. */
function* leaveRound(round: number): Steps<Arrival> {
  let current = yield { op: 'load', at: roundCell }
  while (current >>> roundShift === round) {
    const seen = yield { op: 'compareExchange', at: roundCell, expected: current, value: current - 1 }
    if (seen === current) return 'gone'
    current = seen
  }
  return 'released'
}

function nextRound(state: number): number {
  // Cells are signed: the number of the round wraps around.
  return (((state >>> roundShift) + 1) << roundShift) | 0
}
