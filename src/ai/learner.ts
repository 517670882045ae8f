/**
 * Learns one limit of a provider from the answers of calls under way. A state machine: charges and readings come in, the level
 * that the provider's bucket must have now goes out.
 *
 * A reading is old when it arrives: it was made when the request came in, before the model began to answer. What the bucket
 * holds now is what it held then, plus refill, minus everything charged since. So each reading gives one number that stays
 * true while time passes,
 *
 *     offset = remaining − rate × time of the charge + charged until then,      level(now) = offset + rate × now − charged
 *
 * A reading may be off: requests that leave together arrive in any order, and one that was late to arrive found a bucket that had
 * refilled meanwhile. So as many readings are compared as calls were under way, and the lower quartile of them is believed:
 * one call too few waits a moment, one too many is refused.
 */
import type { Meter } from './headers.ts'

/** When a call was charged, and how much had been charged by then, itself included. */
export interface Mark {
  readonly at: number
  readonly charged: number
  readonly amount: number
}

/** Readings that are compared at most; more calls than this under way are compared by the latest ones. */
const mostReadings = 48
/** Differences below this share of the limit are rounding; near the bottom of the bucket, where every call counts, those below one. */
const tolerance = 0.005

export class LimitLearner {
  /** Units per {@link perMs}; undefined until a reading came. */
  limit: number | undefined
  perMs = 60_000
  #charged = 0
  #underWay = 0
  #offsets: number[] = []

  /** A call starts, and takes this much. */
  charge(amount: number, now: number): Mark {
    this.#charged += amount
    this.#underWay++
    return { at: now, charged: this.#charged, amount }
  }

  /** The call is over; `actual` is what it took, where the provider gives back the rest. */
  settle(mark: Mark, actual: number): void {
    this.#underWay--
    this.#charged += actual - mark.amount
  }

  /**
   * An answer says what was left when the call was charged.
   * @param refused the call was not charged after all
   * @returns true when the limit itself is new
   */
  read(meter: Meter, mark: Mark, refused: boolean): boolean {
    const isNew = this.limit !== meter.limit || Math.abs(this.perMs - meter.perMs) > this.perMs * 0.2
    if (isNew) {
      this.limit = meter.limit
      this.perMs = meter.perMs
      this.#offsets = []
    }
    const charged = refused ? mark.charged - mark.amount : mark.charged
    this.#offsets.push(meter.remaining - (meter.limit / this.perMs) * mark.at + charged)
    if (this.#offsets.length > mostReadings) this.#offsets.shift()
    return isNew
  }

  /** What the bucket must hold now; undefined when `level` agrees with the readings, or too few have come. */
  correction(level: number, now: number): number | undefined {
    const { limit } = this
    if (limit === undefined || this.#offsets.length < Math.min(mostReadings, Math.max(1, this.#underWay))) return undefined
    const base = (limit / this.perMs) * now - this.#charged
    const levels = this.#offsets.map((offset) => Math.min(limit, offset + base)).sort((a, b) => a - b)
    const likely = levels[levels.length >> 2] as number
    const slack = Math.max(1, Math.min(limit * tolerance, level / 2))
    const corrected = Math.abs(level - likely) > slack ? likely : undefined
    // The readings have been used: the next correction needs new ones.
    if (corrected !== undefined) this.#offsets = this.#offsets.slice(-1)
    return corrected
  }

  /** The level right after a limit was learned, by the latest reading alone. */
  latest(now: number): number | undefined {
    const offset = this.#offsets.at(-1)
    if (this.limit === undefined || offset === undefined) return undefined
    return Math.min(this.limit, offset + (this.limit / this.perMs) * now - this.#charged)
  }
}
