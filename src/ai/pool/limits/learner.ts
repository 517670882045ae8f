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
 * One reading may be off by as much as is under way: requests that leave together arrive in any order. The first to arrive reads
 * too much, by as many as it overtook, the last too little, by as many as overtook it. A few readings do not help, because the first
 * to arrive is answered first. But over all calls of a crowd this cancels out: whatever their order, the ranks of
 * charging and the ranks of arriving have the same sum. So calls are gathered in epochs, and the mean over an epoch is believed
 * when (nearly) all of its calls have been answered. An epoch ends when the one before is complete, as in epoch-based reclamation
 * (Fraser, "Practical lock-freedom", 2004).
 */
import type { Meter } from './headers.ts'

/** When a call was charged, and how much had been charged by then, itself included. */
export interface Mark {
  readonly at: number
  readonly charged: number
  readonly amount: number
  readonly epoch: Epoch
  /** Its reading is still to come. */
  open: boolean
}

/** Calls that were charged one after the other, and what their answers said. */
interface Epoch {
  calls: number
  open: number
  sum: number
  readings: number
}

/** A call that hangs must not hold up an epoch: it is complete when no more than this share is missing. */
const missing = 0.1
/**
 * While a request is on its way the bucket goes on filling, so a reading promises too much by what flows in meanwhile. Nobody knows
 * how long that was: it is assumed to be at most this long before a level is raised. Chosen.
 */
const transitMs = 250
/** Differences below this share of the limit are rounding; near the bottom of the bucket, where every call counts, those below one. */
const tolerance = 0.005

export class LimitLearner {
  /** Units per {@link perMs}; undefined until a reading came. */
  limit: number | undefined
  perMs = 60_000
  #step = 1
  /** The most that a reading has shown: the bucket can hold that much at least. */
  most = 0
  #charged = 0
  #before = newEpoch()
  #now = newEpoch()
  /** The result of the last complete epoch, until it is asked for. */
  #offset: number | undefined
  #latest: number | undefined

  /** A call starts, and takes this much. @param total what was charged by then, where others use the account as well */
  charge(amount: number, now: number, total?: number): Mark {
    this.#charged += amount
    this.#now.calls++
    this.#now.open++
    return { at: now, charged: total ?? this.#charged, amount, epoch: this.#now, open: true }
  }

  /** The call is over; `actual` is what it took, where the provider gives back the rest. */
  settle(mark: Mark, actual: number): void {
    this.#charged += actual - mark.amount
    this.#close(mark)
  }

  /**
   * An answer says what was left when the call was charged.
   * @param refused the call was not charged after all
   * @returns true when the limit itself is new
   */
  read(meter: Meter, mark: Mark, refused: boolean): boolean {
    const { limit, remaining, perMs = this.perMs, step } = meter
    const isNew = this.limit !== limit || Math.abs(this.perMs - perMs) > this.perMs * 0.2
    if (isNew) {
      this.limit = limit
      this.perMs = perMs
      this.#step = step
      this.most = 0
      this.#latest = undefined
      this.#offset = undefined
      for (const epoch of [this.#before, this.#now]) epoch.sum = epoch.readings = 0
    }
    if (remaining !== undefined) this.#reading(remaining, mark, refused)
    this.#close(mark)
    return isNew
  }

  /** The level that the bucket must have now; undefined when `level` agrees with the readings, or no epoch was completed since the last time. */
  correction(level: number, now: number): number | undefined {
    const likely = this.#level(this.#offset, now)
    this.#offset = undefined
    if (likely === undefined || this.limit === undefined) return undefined
    const rounding = this.#step / 2
    const slack = Math.max(1, Math.min(this.limit * tolerance, level / 2))
    if (likely + rounding < level - slack) return likely
    const certain = likely - rounding - (this.limit / this.perMs) * transitMs
    return certain > level + slack ? certain : undefined
  }

  /** The level right after a limit was learned, by the latest reading alone. */
  latest(now: number): number | undefined {
    return this.#level(this.#latest, now)
  }

  /** The latest reading, as an offset, for a level that is kept elsewhere; each is given once. */
  takeReading(): number | undefined {
    const reading = this.#latest
    this.#latest = undefined
    return reading
  }

  /** Others charge from now on, or no longer: what was read does not go with what will be. */
  forget(): void {
    this.#before = newEpoch()
    this.#now = newEpoch()
    this.#offset = this.#latest = undefined
  }

  #reading(remaining: number, mark: Mark, refused: boolean): void {
    this.most = Math.max(this.most, remaining)
    const rate = (this.limit as number) / this.perMs
    this.#latest = remaining - rate * mark.at + mark.charged - (refused ? mark.amount : 0)
    if (!mark.open) return
    mark.epoch.sum += this.#latest
    mark.epoch.readings++
  }

  #level(offset: number | undefined, now: number): number | undefined {
    if (this.limit === undefined || offset === undefined) return undefined
    return Math.min(this.limit, offset + (this.limit / this.perMs) * now - this.#charged)
  }

  #close(mark: Mark): void {
    if (!mark.open) return
    mark.open = false
    mark.epoch.open--
    // At most two at a time can be complete: the one before, and this one if all of its calls are over as well.
    for (let i = 0; i < 2 && isComplete(this.#before); i++) {
      if (this.#before.readings > 0) this.#offset = this.#before.sum / this.#before.readings
      this.#before = this.#now
      this.#now = newEpoch()
    }
  }
}

function newEpoch(): Epoch {
  return { calls: 0, open: 0, sum: 0, readings: 0 }
}

function isComplete(epoch: Epoch): boolean {
  return epoch.open <= epoch.calls * missing
}
