import type { TimerHandle } from '../base/clock.ts'
import { describe, InvalidOption } from '../base/errors.ts'
import { heldBytes, Sizes, within } from '../run/sizes.ts'
import { end } from '../run/source.ts'
import type { Segment } from './segment.ts'
import { type Origin, pending, type Polled, Stage } from './stage.ts'

export interface BatchSpec {
  /** Most that the costs of the items of a batch may add up to. A single item may cost more, and goes alone. */
  readonly size: number
  /** Milliseconds from the first item of a batch until it is given on, full or not. */
  readonly withinMs: number | undefined
  readonly cost: ((item: unknown) => number) | undefined
}

/**
 * Collects items into arrays.
 *
 * While whoever is below is busy the next batch is collected already, so that it is full when it is wanted; at most one.
 */
export class Batch extends Stage {
  readonly #up: Stage
  readonly #spec: BatchSpec
  #items: unknown[] = []
  #origins: number[] = []
  #cost = 0
  readonly #sizes = new Sizes()
  /** An item that no longer fitted, and opens the next batch. */
  #over: { readonly item: unknown; readonly cost: number; readonly origin: Origin } | undefined
  #timer: TimerHandle | undefined
  /** The time of the batch is up. */
  #due = false
  #exhausted = false
  /** The stage above has kept us waiting, so collecting ahead is worth it. */
  #ahead = false

  constructor(segment: Segment, up: Stage, spec: BatchSpec) {
    super(segment)
    this.#up = up.feed(this)
    this.#spec = spec
    segment.onStop(() => this.#stopTimer())
  }

  poll(): Polled<unknown[]> {
    this.#collect()
    if (!this.#deliverable()) return this.#finished() ? end : this.wait()
    const items = this.#items
    if (this.#origins.length > 0) this.origin = this.#origins
    this.#open()
    if (this.#ahead) this.#collect(true)
    return items
  }

  wake(): void {
    this.#collect(!this.waiting)
    if (this.#deliverable() || this.#finished()) this.notify()
  }

  #deliverable(): boolean {
    return this.#items.length > 0 && (this.#full() || this.#due || this.#exhausted)
  }

  #full(): boolean {
    return this.#cost >= this.#spec.size || this.#over !== undefined
  }

  #finished(): boolean {
    return this.#exhausted && this.#items.length === 0
  }

  /** @param ahead nobody waits for the batch: then no more bytes are collected than one buffer may hold */
  #collect(ahead = false): void {
    while (!this.#exhausted && !this.#full() && !this.segment.stopped) {
      if (ahead && this.#items.length >= within(heldBytes, this.#sizes)) return
      const item = this.#up.poll()
      if (item === pending) {
        this.#ahead = true
        return
      }
      if (item === end) this.#exhausted = true
      else this.#add(item, this.#up.origin)
    }
  }

  #add(item: unknown, origin: Origin): void {
    let cost = 1
    try {
      if (this.#spec.cost) cost = costOf(item, this.#spec.cost)
    } catch (error) {
      this.segment.run.fail(error, 'batch')
      return
    }
    if (this.#items.length > 0 && this.#cost + cost > this.#spec.size) this.#over = { item, cost, origin }
    else this.#put(item, cost, origin)
  }

  #put(item: unknown, cost: number, origin: Origin): void {
    this.#sizes.note(item)
    this.#items.push(item)
    this.#cost += cost
    // Not spread: a batch of batches has more than a call takes arguments.
    if (origin) for (const id of origin) this.#origins.push(id)
    const { withinMs } = this.#spec
    if (this.#items.length > 1 || withinMs === undefined) return
    this.#timer = this.segment.run.clock.schedule(withinMs, () => {
      this.#due = true
      this.notify()
    })
  }

  /** Begins the next batch. */
  #open(): void {
    this.#stopTimer()
    this.#items = []
    this.#origins = []
    this.#cost = 0
    this.#due = false
    const over = this.#over
    this.#over = undefined
    if (over) this.#put(over.item, over.cost, over.origin)
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) this.segment.run.clock.cancel(this.#timer)
    this.#timer = undefined
  }
}

/** The cost of an item. A cost of nothing, or that is not a number, would let a batch grow without end. @throws {InvalidOption} */
export function costOf<T>(item: T, cost: (item: T) => number): number {
  const value = cost(item)
  if (value > 0) return value
  throw new InvalidOption(`Expected \`cost\` to give a number above 0, got ${describe(value)}`)
}
