/**
 * Keeps results from piling up in front of a collector that takes its time, such as one that merges them: lanes wait here before they call for more.
 */
import { Ring } from '../base/ring.ts'
import { Pace } from './pace.ts'
import { type CallSizes, callsWithin, heldBytes, Sizes } from './sizes.ts'

/** Calls that run on workers: what is queued there is worked off however slow the collector is, so they are bounded from the beginning. */
export interface RemoteCalls {
  readonly slots: number
  readonly sizes: CallSizes
}

export class Storing {
  readonly #remote: RemoteCalls | undefined
  readonly #results: Sizes
  readonly #pace: Pace
  /** Lanes between their call and the end of its storing. */
  #held = 0
  #storing = 0
  readonly #waiting = new Ring<() => void>()

  constructor(remote?: RemoteCalls) {
    this.#remote = remote
    this.#results = remote?.sizes.results ?? new Sizes()
    this.#pace = new Pace(this.#results, () => this.#storing)
  }

  /** A lane wants to call; a promise asks it to wait. Each time it must say {@link left} afterwards. */
  enter(): void | Promise<void> {
    if (!this.#full) {
      this.#held++
      return
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Whether lanes wait here already. */
  get crowded(): boolean {
    return this.#waiting.size > 0
  }

  /** What the lane called for has been stored, or has failed. */
  left(): void {
    this.#held--
    this.#admit()
  }

  /** The collector takes its time with a result. */
  async stored(value: unknown, storing: Promise<void>): Promise<void> {
    this.#results.note(value)
    this.#storing++
    try {
      await storing
    } finally {
      if (--this.#storing === 0) this.#pace.starved()
      this.#admit()
    }
  }

  get #full(): boolean {
    if (this.#held > 0 && this.#remote && this.#held >= Math.max(this.#remote.slots, callsWithin(heldBytes, this.#remote.sizes)))
      return true
    return this.#pace.full(this.#held)
  }

  #admit(): void {
    while (this.#waiting.size > 0 && !this.#full) {
      this.#held++
      this.#waiting.shift()()
    }
  }
}
