/**
 * The exact amount spent in the sliding window that ends now. Spendings less than a thousandth of the window apart are
 * kept as one, at the time of the last of them: so memory is bounded, and what is rounded only ever leaves the window
 * later than it could.
 */
const resolution = 1_000

export class WindowLog {
  #windowMs: number
  /** Parallel arrays, oldest first from `#first` on. */
  #at: number[] = []
  #cost: number[] = []
  #first = 0
  /** Number of the entry at index 0, counted from the beginning of time. */
  #offset = 0
  #spent = 0

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** What was spent in the half-open window that ends at `now`. */
  spent(now: number): number {
    this.#expire(now)
    return this.#spent
  }

  /** Notes a spending; gives the number of its entry, for {@link remove}. `now` may not go back. */
  add(cost: number, now: number): number {
    const last = this.#at.length - 1
    const cell = this.#windowMs / resolution
    this.#spent += cost
    if (last >= this.#first && Math.floor((this.#at[last] as number) / cell) === Math.floor(now / cell)) {
      this.#at[last] = now
      this.#cost[last] = (this.#cost[last] as number) + cost
    } else {
      this.#at.push(now)
      this.#cost.push(cost)
    }
    return this.#offset + this.#at.length - 1
  }

  /** Takes (part of) a spending back; nothing happens when it has left the window. Negative adds to it. */
  remove(entry: number, cost: number): void {
    const index = entry - this.#offset
    if (index < this.#first) return
    this.#cost[index] = (this.#cost[index] as number) - cost
    this.#spent -= cost
  }

  /** Milliseconds until at most `limit` is left in the window. 0 when that is so now; `limit` is at least 0. */
  waitMs(limit: number, now: number): number {
    let left = this.spent(now)
    for (let index = this.#first; left > limit && index < this.#at.length; index++) {
      left -= this.#cost[index] as number
      if (left <= limit) return (this.#at[index] as number) + this.#windowMs - now
    }
    return 0
  }

  setWindow(windowMs: number): void {
    this.#windowMs = windowMs
  }

  #expire(now: number): void {
    while (this.#first < this.#at.length && (this.#at[this.#first] as number) + this.#windowMs <= now) {
      this.#spent -= this.#cost[this.#first++] as number
    }
    if (this.#first === this.#at.length) this.#spent = 0
    if (this.#first > 2 * resolution) {
      this.#at = this.#at.slice(this.#first)
      this.#cost = this.#cost.slice(this.#first)
      this.#offset += this.#first
      this.#first = 0
    }
  }
}
