/**
 * Learns how fast calls may start from refusals that no header explains: of providers that send no limits, send wrong ones, or have
 * limits besides those that they send. A state machine; times in milliseconds come in.
 *
 * A refusal says that the bucket is empty. Between two such moments the provider has let through what flowed in, no more and no
 * less: that is its rate, measured. From just below it the pace grows slowly until the next refusal.
 * After the very first refusal nothing is measured yet: the pace begins at what the refusal asked for, and doubles, as TCP's slow start.
 */

/** Of the measured rate, so that the next refusal does not follow at once. Chosen. */
const below = 0.97
/** Growth per second: until the second refusal, and after it. The latter costs about one refusal in ten seconds. Chosen. */
const startGrowth = 1
const growth = 0.01
/** Less time or fewer calls between two refusals measure nothing: then the pace only falls. */
const shortestMs = 1_000
const fewestCalls = 3
const fall = 0.7

export class Pace {
  /** Calls per millisecond; undefined: nothing was refused without a reason yet. */
  perMs: number | undefined
  #started = 0
  #emptyAt: number | undefined
  #grownAt = 0
  #starting = true

  /** A call is sent. */
  start(): void {
    this.#started++
  }

  /** A call was answered: the pace may grow. */
  answer(now: number): void {
    if (this.perMs === undefined) return
    const seconds = Math.min(1, (now - this.#grownAt) / 1_000)
    this.perMs *= 1 + (this.#starting ? startGrowth : growth) * seconds
    this.#grownAt = now
  }

  /** The first of some calls that were refused together. @param waitMs when the provider says that one more will fit */
  refuse(waitMs: number | undefined, now: number): void {
    const accepted = this.#started - 1
    const ms = now - (this.#emptyAt ?? now)
    if (this.perMs === undefined) this.perMs = 1 / Math.min(1_000, Math.max(1, waitMs ?? 1_000))
    else {
      this.perMs = ms >= shortestMs && accepted >= fewestCalls ? (below * accepted) / ms : this.perMs * fall
      this.#starting = false
    }
    this.#emptyAt = this.#grownAt = now
    this.#started = 0
  }
}
