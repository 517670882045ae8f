/**
 * A circuit breaker (Nygard, "Release It!"): after too many failures it refuses calls at once, so that a dependency that
 * is down is left alone and its callers do not wait for nothing. It lets a few probes through later to find out.
 *
 *     closed ──too many failures──▶ open ──reset has passed──▶ half-open ──probe fails──▶ open
 *        ▲                                                        │
 *        └──────────────── as many probes succeed ────────────────┘
 *
 * Invariants:
 * - While half-open at most `probes` calls are under way. A probe that has not settled after `probeTimeout` gives up its
 *   place and no longer counts.
 * - Two openings are at least `reset` apart.
 * - Only calls admitted since the last change of state count: each carries the number of the state that admitted it, and a
 *   straggler from before is ignored.
 *
 * No timer is involved: the state follows from the time of the next question. This is why cockatiel's breaker is not
 * used: it reads `Date.now()`, lets all callers wait for a probe that may never settle, and opens again for a straggler
 * while a probe is under way; its package takes 15 ms to load (Node 20.20), for a class of this size.
 */
import { type Duration, durationMs, formatMs } from '../base/duration.ts'
import { CircuitOpen } from '../base/errors.ts'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { note } from '../base/observer.ts'
import { checkOptions, rules } from '../base/options.ts'
import { Ring } from '../base/ring.ts'
import { verdictOf } from './transient.ts'

/** When a circuit breaker opens, and when it tries again. */
export interface BreakerOptions {
  /** Opens after this many failures in a row. Minimum 1. @default 5, unless `failureRate` is given */
  readonly consecutive?: number
  /** Opens when more than this share of the last `over` calls failed: from 0 to 1. @default not counted */
  readonly failureRate?: number
  /** How many of the latest calls `failureRate` looks at. From 1 to 100,000. @default 20 */
  readonly over?: number
  /** With fewer calls than this since it closed, `failureRate` opens nothing. From 1 to `over`. @default half of `over` */
  readonly minimum?: number
  /** How long it stays open before it probes. @default '10s' */
  readonly reset?: Duration
  /** How many calls may be under way while half-open, and must succeed in a row to close it. Minimum 1. @default 1 */
  readonly probes?: number
  /** After this a probe that has not settled gives up its place. @default the same as `reset` */
  readonly probeTimeout?: Duration
  /**
   * Whether an error counts against the dependency. Of the others, those with an HTTP status count as an answer, and
   * the rest (cancelled, misused) count as nothing. @default `isTransient`, the same judgement as for retries
   */
  readonly failIf?: (error: unknown) => boolean
  /** The name in messages. @default 'the circuit breaker' */
  readonly name?: string
}

/** `closed` lets calls through, `open` refuses them, `half-open` lets a few through to see. */
export type BreakerState = 'closed' | 'open' | 'half-open'
export type Verdict = 'success' | 'failure' | 'unknown'

/** The latest outcomes are kept one by one. */
const longestMemory = 100_000

const breakerRules = {
  consecutive: rules.whole(1),
  failureRate: rules.number(0, 1),
  over: {
    expected: `a whole number from 1 to ${longestMemory}`,
    accepts: (value: unknown) => rules.whole(1).accepts(value) && (value as number) <= longestMemory,
  },
  minimum: rules.whole(1),
  reset: rules.duration,
  probes: rules.whole(1),
  probeTimeout: rules.duration,
  failIf: rules.function,
  name: rules.string,
}

/** Refuses calls to what has failed too often, until a probe succeeds; {@link circuitBreaker} makes one. */
export class CircuitBreaker {
  readonly #clock: Clock
  readonly #resetMs: number
  readonly #probes: number
  readonly #probeTimeoutMs: number
  readonly #failIf: ((error: unknown) => boolean) | undefined
  readonly #trip: Trip
  readonly #name: string
  #state: BreakerState = 'closed'
  /** Number of the present state; a pass is the number of the state that gave it, so that stragglers are known. */
  #epoch = 1
  #openedAt = 0
  /** Since when each probe under way has been so, by pass. Empty unless half-open. */
  readonly #underWay = new Map<number, number>()
  /** Their passes, oldest first, settled ones among them: the first is the first to run out of time. */
  readonly #probing = new Ring<number>()
  #succeeded = 0
  /** How often it has opened, for reports. */
  opened = 0
  /** Calls refused so far, for reports. */
  refused = 0

  /** @throws {InvalidOption} */
  constructor(options: BreakerOptions = {}, clock: Clock = systemClock) {
    checkOptions<BreakerOptions>(options, breakerRules, 'breaker')
    this.#clock = clock
    this.#resetMs = durationMs(options.reset ?? 10_000, 'reset')
    this.#probes = options.probes ?? 1
    this.#probeTimeoutMs = durationMs(options.probeTimeout ?? this.#resetMs, 'probeTimeout')
    this.#failIf = options.failIf
    this.#name = options.name ?? 'the circuit breaker'
    this.#trip = new Trip(options)
  }

  /** The state at this moment. Open turns half-open by time alone. */
  get state(): BreakerState {
    return this.#state === 'open' && this.#clock.now() - this.#openedAt >= this.#resetMs ? 'half-open' : this.#state
  }

  /**
   * Asks to make a call. Gives a pass, to hand back with {@link settle}.
   * @throws {CircuitOpen} when the call is refused
   */
  enter(): number {
    if (this.#state === 'closed') return this.#epoch
    const now = this.#clock.now()
    if (this.#state === 'open' && now - this.#openedAt >= this.#resetMs) this.#change('half-open')
    if (this.#state === 'half-open' && this.#freeProbes(now) > 0) {
      // Every probe has a number of its own, for each gives up its own place.
      this.#underWay.set(++this.#epoch, now)
      this.#probing.push(this.#epoch)
      return this.#epoch
    }
    this.refused++
    throw this.#refusal(now)
  }

  /** Whether {@link enter} would admit a call now. */
  get ready(): boolean {
    if (this.#state === 'closed') return true
    const now = this.#clock.now()
    return this.#state === 'open' ? now - this.#openedAt >= this.#resetMs : this.#freeProbes(now) > 0
  }

  /**
   * Asks whether a call would be refused now, without asking to make one.
   * @throws {CircuitOpen} when it would
   */
  check(): void {
    if (this.ready) return
    this.refused++
    throw this.#refusal(this.#clock.now())
  }

  /** Says how a call went that {@link enter} admitted. */
  settle(pass: number, verdict: Verdict): void {
    if (this.#state === 'closed') {
      if (pass === this.#epoch && verdict !== 'unknown' && this.#trip.count(verdict === 'failure')) this.#open()
      return
    }
    const since = this.#underWay.get(pass)
    if (since === undefined) return
    this.#underWay.delete(pass)
    if (this.#clock.now() - since >= this.#probeTimeoutMs) return
    if (verdict === 'failure') this.#open()
    else if (verdict === 'success' && ++this.#succeeded >= this.#probes) this.#change('closed')
  }

  /** As {@link settle}, for a call that failed. Throws what `failIf` throws, once the call counts as nothing. */
  failed(pass: number, error: unknown): void {
    let verdict: Verdict = 'unknown'
    try {
      verdict = this.verdict(error)
    } finally {
      this.settle(pass, verdict)
    }
  }

  /** What an error means to this breaker. */
  verdict(error: unknown): Verdict {
    if (!this.#failIf) return verdictOf(error)
    if (this.#failIf(error)) return 'failure'
    return verdictOf(error) === 'unknown' ? 'unknown' : 'success'
  }

  #freeProbes(now: number): number {
    while (this.#probing.size > 0) {
      const pass = this.#probing.at(0)
      const since = this.#underWay.get(pass)
      if (since !== undefined && now - since < this.#probeTimeoutMs) break
      this.#underWay.delete(pass)
      this.#probing.shift()
    }
    return this.#probes - this.#underWay.size
  }

  #open(): void {
    this.opened++
    this.#openedAt = this.#clock.now()
    this.#change('open')
  }

  #change(state: BreakerState): void {
    note('limit', 0, `${this.#name} is ${state}`, { from: this.#state, to: state })
    this.#state = state
    this.#epoch++
    this.#underWay.clear()
    this.#probing.clear()
    this.#succeeded = 0
    this.#trip.clear()
  }

  #refusal(now: number): CircuitOpen {
    const left = this.#resetMs - (now - this.#openedAt)
    const when = this.#state === 'open' ? `it lets a probe through in ${formatMs(left)}` : 'a probe is under way'
    return new CircuitOpen(`Refused without trying: ${this.#name} is ${this.#state}; ${when}`, {
      hint: 'The dependency failed too often. Fix it, or give the breaker other limits.',
    })
  }
}

/** Says when there were too many failures. */
class Trip {
  readonly #consecutive: number
  readonly #rate: number
  readonly #minimum: number
  /** The latest outcomes, 1 for a failure: a ring, written at `#counted` modulo its length. */
  readonly #ring: Uint8Array
  #counted = 0
  #failures = 0
  #inARow = 0

  constructor(options: BreakerOptions) {
    const over = options.over ?? 20
    this.#rate = options.failureRate ?? Number.POSITIVE_INFINITY
    this.#consecutive = options.consecutive ?? (options.failureRate === undefined ? 5 : Number.POSITIVE_INFINITY)
    this.#minimum = Math.min(over, options.minimum ?? Math.ceil(over / 2))
    this.#ring = new Uint8Array(options.failureRate === undefined ? 0 : over)
  }

  /** Counts one outcome; true when that was one failure too many. */
  count(failed: boolean): boolean {
    this.#inARow = failed ? this.#inARow + 1 : 0
    const { length } = this.#ring
    if (length > 0) {
      const at = this.#counted++ % length
      this.#failures += (failed ? 1 : 0) - (this.#ring[at] as number)
      this.#ring[at] = failed ? 1 : 0
    }
    if (!failed) return false
    if (this.#inARow >= this.#consecutive) return true
    return this.#counted >= this.#minimum && this.#failures > this.#rate * Math.min(this.#counted, length)
  }

  clear(): void {
    this.#ring.fill(0)
    this.#counted = 0
    this.#failures = 0
    this.#inARow = 0
  }
}

/**
 * Makes a circuit breaker to be shared by several guarded functions that depend on the same thing: pass it as `breaker`.
 *
 * @throws {InvalidOption} for a wrong option
 * @example
 * const breaker = circuitBreaker({ consecutive: 5, reset: '30s' })
 * const getUser = guard(fetchUser, { breaker })
 */
export function circuitBreaker(options: BreakerOptions = {}): CircuitBreaker {
  return new CircuitBreaker(options)
}
