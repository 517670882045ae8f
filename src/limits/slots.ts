/** How many calls are under way, against a bound that may change. Pure. */
export class Slots {
  limit: number
  used = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** A call heavier than the bound may start when it is alone, so that a bound that shrank can strand nobody. */
  admits(weight: number): boolean {
    return this.used + weight <= this.limit || this.used === 0
  }
}
