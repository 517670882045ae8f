/** One limit of a model: keeps a bucket of our limiter in step with the provider's. */
import { performance } from '../../../base/globals.js'
import type { Limiter } from '../../../limits/index.ts'
import type { Told } from '../../account/exchange.ts'
import type { Gate, MeterKey } from './gate.ts'
import type { Meter } from './headers.ts'
import { LimitLearner, type Mark } from './learner.ts'

/** Stands for "no bound is known": more than any provider allows. */
export const unlimited = 1e12

/**
 * Our bucket holds less than the provider's by what flows in during this time. Requests that leave evenly arrive unevenly, and one that
 * comes early finds the bucket a little short; this much early it may be. It delays a run once, by as much. Chosen.
 */
const headroomMs = 500

export class Allowance {
  readonly #limiter: Limiter
  readonly #key: MeterKey
  readonly #gate: Gate | undefined
  readonly #given: number | undefined
  readonly #learner = new LimitLearner()
  /** The capacity of the provider's bucket, where that is less than the limit. */
  #capacity = unlimited
  #pacePerMs = Number.POSITIVE_INFINITY

  /** @param given per minute; undefined: to be learned @param gate where other programs use the account as well */
  constructor(limiter: Limiter, key: MeterKey, given: number | undefined, gate?: Gate) {
    this.#limiter = limiter
    this.#key = key
    this.#gate = gate
    this.#given = given
    this.#learner.limit = given
    if (given !== undefined) this.#tell()
  }

  /** What may be used in the time that the limit is for; {@link unlimited} where it is not known. */
  get limit(): number {
    return this.#learner.limit ?? unlimited
  }

  /** 0 where the limit is not known. */
  get perMinute(): number {
    return this.known ? (this.limit * 60_000) / this.#learner.perMs : 0
  }

  get known(): boolean {
    return this.#learner.limit !== undefined
  }

  /** A call starts, and takes this much. */
  charge(amount: number, now: number): Mark {
    const gate = this.#gate
    if (gate && !gate.alone) return this.#learner.charge(amount, gate.time(now), gate.charge(this.#key, amount))
    gate?.usedAlone(this.#key, amount)
    return this.#learner.charge(amount, now)
  }

  /** The call is over, and took `actual`. */
  settle(mark: Mark, actual: number): void {
    this.#learner.settle(mark, actual)
  }

  /**
   * An answer, or a refusal, says what was left when that call arrived: takes over the limit where it is new, the level where it differs.
   * @returns true when it was less than the call would have taken
   */
  read(meter: Meter | undefined, mark: Mark, refused: boolean): boolean {
    if (!meter) return false
    // A lower limit was given on purpose: to use less than the account allows.
    if (this.#given !== undefined && (meter.limit / (meter.perMs ?? 60_000)) * 60_000 > this.#given * 1.01) return false
    const learner = this.#learner
    const isNew = learner.read(meter, mark, refused)
    const now = performance.now()
    const shared = this.#gate?.alone === false ? this.#gate : undefined
    const level = (shared?.level(this.#key) ?? this.#limiter.levels()[this.#key]) + this.#headroom
    // A refusal is answered at once, so it says what is there now: less than this call would have taken.
    const { remaining } = meter
    const empty = refused && remaining !== undefined && remaining - meter.step / 2 < mark.amount
    this.#learnCapacity(isNew, empty && level > Math.max(meter.limit / 10, 4 * mark.amount))
    if (shared) {
      this.#report(shared, meter, empty)
      return empty
    }
    const correct = empty ? Math.min(level, remaining) : isNew ? learner.latest(now) : learner.correction(level, now)
    if (correct !== undefined) this.#limiter.setLevels({ [this.#key]: correct - this.#headroom })
    return empty
  }

  /** Calls start one by one and no faster than this, whatever the limit is. @param perMs calls per millisecond */
  setPace(perMs: number): void {
    this.#pacePerMs = perMs
    this.#tell()
  }

  /**
   * Refused out of plenty: somebody else uses the account, or its bucket never holds a minute's worth, as where 60 per minute are
   * enforced as 1 per second. It can hold what was seen in it.
   */
  #learnCapacity(isNew: boolean, overestimated: boolean): void {
    const { most } = this.#learner
    const capacity = isNew ? unlimited : overestimated || most > this.#capacity ? most : this.#capacity
    if (!isNew && capacity === this.#capacity) return
    this.#capacity = capacity
    this.#tell()
  }

  /** The keeper of the account is there again, or away. */
  moved(): void {
    const gate = this.#gate as Gate
    this.#learner.forget()
    this.#tell()
    // What is left is not known: it begins with nothing, and learns from the headers that there is more.
    if (gate.alone) this.#limiter.setLevels({ [this.#key]: this.known ? 0 : unlimited })
  }

  /** To the keeper of the account. */
  #report(gate: Gate, { remaining, step }: Meter, empty: boolean): void {
    const limit = this.#toldLimit(step)
    const reading = this.#learner.takeReading()
    if (remaining === undefined || reading === undefined) return
    if (empty) gate.tell(this.#key, { ...limit, atMost: remaining - this.#headroom })
    else gate.tell(this.#key, { ...limit, count: 1, sum: reading - this.#headroom })
  }

  get #headroom(): number {
    return this.known ? (this.limit * headroomMs) / this.#learner.perMs : 0
  }

  #toldLimit(step = 1): Told {
    const { perMs } = this.#learner
    if (this.#pacePerMs < this.limit / perMs) return { limit: this.#pacePerMs * 60_000, perMs: 60_000, burst: 1, step }
    return { limit: this.limit, perMs, burst: Math.max(1, Math.min(this.limit, this.#capacity) - this.#headroom), step }
  }

  /** Sets the limit of the limiter, and how much may gather. */
  #tell(): void {
    const gate = this.#gate
    if (gate && !gate.alone) {
      if (this.known || this.#pacePerMs !== Number.POSITIVE_INFINITY) gate.tell(this.#key, this.#toldLimit())
      return
    }
    const part = gate?.part ?? 1
    const limit = this.known ? this.limit * part : unlimited
    const { perMs } = this.#learner
    if (this.#pacePerMs < limit / perMs) return this.#limiter.update({ rate: this.#pacePerMs * perMs, burst: 1, ratePer: perMs })
    const burst = Math.max(1, Math.min(limit, this.#capacity) - this.#headroom * part)
    if (this.#key === 'rate') this.#limiter.update({ rate: limit, burst, ratePer: perMs })
    else if (this.#key === 'tokens') this.#limiter.update({ tokens: limit, tokensBurst: burst, tokensPer: perMs })
    else this.#limiter.update({ outputTokens: limit, outputTokensBurst: burst, outputTokensPer: perMs })
  }
}
