/**
 * How much of one resource is free, over time: a step function that starts full and that reservations lower. Times are ascending; `free[i]` holds
 * from `times[i]` up to `times[i + 1]`, the last one for ever.
 */
export class Profile {
  readonly capacity: number
  #times: Float64Array
  #free: Float64Array
  #length = 1

  constructor(capacity: number, steps = 16) {
    this.capacity = capacity
    this.#times = new Float64Array(steps)
    this.#free = new Float64Array(steps)
    this.clear()
  }

  clear(): void {
    this.#length = 1
    this.#times[0] = -Infinity
    this.#free[0] = this.capacity
  }

  /** The first moment from `t` on from which `units` are free for `length`. O(steps). */
  fit(t: number, length: number, units: number): number {
    const [times, free, last] = [this.#times, this.#free, this.#length - 1]
    let at = this.#stepAt(t)
    let from = t
    for (;;) {
      if ((free[at] as number) < units) {
        // Nothing is reserved after the last step.
        at++
        from = times[at] as number
        continue
      }
      let end = at
      while (end < last && (times[end + 1] as number) < from + length) {
        end++
        if ((free[end] as number) < units) break
      }
      if ((free[end] as number) >= units) return from
      at = end
    }
  }

  /** Takes `units` from `from` up to `to`; they must be free. */
  reserve(from: number, to: number, units: number): void {
    if (to <= from) return
    const first = this.#split(from)
    const end = this.#split(to)
    const free = this.#free
    for (let at = first; at < end; at++) free[at] = (free[at] as number) - units
  }

  #stepAt(t: number): number {
    const times = this.#times
    let [low, high] = [0, this.#length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((times[middle] as number) <= t) low = middle
      else high = middle - 1
    }
    return low
  }

  /** Makes a step begin at `t`, and gives its place. */
  #split(t: number): number {
    const at = this.#stepAt(t)
    if (this.#times[at] === t) return at
    if (this.#length === this.#times.length) this.#grow()
    const [times, free] = [this.#times, this.#free]
    times.copyWithin(at + 2, at + 1, this.#length)
    free.copyWithin(at + 2, at + 1, this.#length)
    times[at + 1] = t
    free[at + 1] = free[at] as number
    this.#length++
    return at + 1
  }

  #grow(): void {
    for (const name of ['times', 'free'] as const) {
      const old = name === 'times' ? this.#times : this.#free
      const wider = new Float64Array(2 * old.length)
      wider.set(old)
      if (name === 'times') this.#times = wider
      else this.#free = wider
    }
  }
}
