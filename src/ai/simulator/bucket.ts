/**
 * A token bucket as the providers run it: it refills all the time, not once per minute.
 *
 * Logged refusals of OpenAI match `wait = (used + requested - limit) / limit × 60 s` to the millisecond, and its reset headers
 * `(limit - remaining) / limit × 60 s` (continuedev/continue#11472). Time is handed in, in milliseconds.
 */
export class ProviderBucket {
  /** What the header calls the limit: units per minute. */
  readonly perMinute: number
  readonly capacity: number
  /** Everything that was let through, for the report. */
  taken = 0
  #remaining: number
  #at: number

  /** @param burstMs how much of the refill can be saved up; a minute's worth where the provider says nothing else */
  constructor(perMinute: number, burstMs: number, now: number) {
    this.perMinute = perMinute
    this.capacity = (perMinute * burstMs) / 60_000
    this.#remaining = this.capacity
    this.#at = now
  }

  remaining(now: number): number {
    if (now > this.#at) {
      this.#remaining = Math.min(this.capacity, this.#remaining + ((now - this.#at) * this.perMinute) / 60_000)
      this.#at = now
    }
    return this.#remaining
  }

  /** Milliseconds until `amount` is there; 0 when it is, `Infinity` when it never will be. */
  wait(amount: number, now: number): number {
    if (amount > this.capacity) return Number.POSITIVE_INFINITY
    return (Math.max(0, amount - this.remaining(now)) / this.perMinute) * 60_000
  }

  take(amount: number, now: number): void {
    this.#remaining = this.remaining(now) - amount
    this.taken += amount
  }

  /** Takes what a refused request costs; never below zero, so that refusals alone cannot lock the account. */
  penalise(amount: number, now: number): void {
    this.#remaining = Math.max(Math.min(0, this.#remaining), this.remaining(now) - amount)
  }

  /** Gives back what was charged beforehand and not used. */
  refund(amount: number, now: number): void {
    this.#remaining = Math.min(this.capacity, this.remaining(now) + amount)
    this.taken -= amount
  }

  /** Milliseconds until the bucket is full. */
  reset(now: number): number {
    return ((this.capacity - this.remaining(now)) / this.perMinute) * 60_000
  }
}
