/** Stages that only count what passes. */
import { end } from '../run/source.ts'
import type { Segment } from './segment.ts'
import { Passing, pending, type Polled, type Stage } from './stage.ts'

/** The first items; with the last of them everything above is stopped. */
export class Take extends Passing {
  readonly #above: Segment
  #left: number

  /** @param above the segment of `up`, which ends here */
  constructor(segment: Segment, up: Stage, above: Segment, count: number) {
    super(segment, up)
    this.#above = above
    this.#left = count
    if (count === 0) above.stop()
  }

  poll(): Polled<unknown> {
    if (this.#left === 0) return end
    const item = this.up.poll()
    if (item === pending) return this.wait()
    if (item === end) return end
    this.origin = this.up.origin
    if (--this.#left === 0) this.#above.stop()
    return item
  }
}

/** Everything after the first items. */
export class Drop extends Passing {
  #left: number

  constructor(segment: Segment, up: Stage, count: number) {
    super(segment, up)
    this.#left = count
  }

  poll(): Polled<unknown> {
    for (;;) {
      const item = this.up.poll()
      if (item === pending) return this.wait()
      if (item === end) return end
      if (this.#left > 0) this.#left--
      else {
        this.origin = this.up.origin
        return item
      }
    }
  }
}

/** The items of the lists that come from above, one after the other. */
export class Spread extends Passing {
  #list: ArrayLike<unknown> = []
  #at = 0

  poll(): Polled<unknown> {
    while (this.#at >= this.#list.length) {
      const list = this.up.poll()
      if (list === pending) return this.wait()
      if (list === end) return end
      this.#list = list as ArrayLike<unknown>
      this.#at = 0
      this.origin = this.up.origin
    }
    return this.#list[this.#at++]
  }
}
