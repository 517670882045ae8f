/** Windows over a stream: by count, and by time of arrival for live sources. Unlike batches they may overlap. */
import type { TimerHandle } from '../base/clock.ts'
import { heldBytes, Sizes, within } from '../run/sizes.ts'
import { end } from '../run/source.ts'
import type { Segment } from './segment.ts'
import { Passing, pending, type Polled, Stage } from './stage.ts'

/** Arrays of `size` items, each beginning `step` items after the one before; a shorter one at the end for items not yet given. */
export class CountWindow extends Passing {
  readonly #size: number
  readonly #step: number
  #items: unknown[] = []
  /** How many of the items no window has had. */
  #fresh = 0
  #exhausted = false

  constructor(segment: Segment, up: Stage, size: number, step: number) {
    super(segment, up)
    this.#size = size
    this.#step = step
  }

  poll(): Polled<unknown[]> {
    while (this.#items.length < this.#size) {
      const item = this.#exhausted ? end : this.up.poll()
      if (item === pending) return this.wait()
      if (item === end) {
        this.#exhausted = true
        if (this.#fresh === 0) return end
        break
      }
      this.#items.push(item)
      this.#fresh++
    }
    const window = this.#items
    this.#items = window.slice(this.#step)
    this.#fresh = 0
    return window
  }
}

/**
 * The arithmetic of windows of time, without any clock: every `everyMs` one closes that holds what arrived during the last
 * `lengthMs`. They are counted from the first item; while nothing is held none closes, so there are no empty ones.
 */
export class TimeWindows {
  readonly #everyMs: number
  readonly #lengthMs: number
  readonly #items: { readonly at: number; readonly item: unknown }[] = []
  /** When the next window closes. */
  #closesAt = 0
  #fresh = 0

  constructor(everyMs: number, lengthMs: number) {
    this.#everyMs = everyMs
    this.#lengthMs = lengthMs
  }

  get size(): number {
    return this.#items.length
  }

  /** How many of the items no window has had. */
  get fresh(): number {
    return this.#fresh
  }

  /** When the next window closes; undefined while nothing is held. */
  get closesAt(): number | undefined {
    return this.#items.length > 0 ? this.#closesAt : undefined
  }

  add(item: unknown, now: number): void {
    if (this.#items.length === 0) this.#closesAt = now + this.#everyMs
    this.#items.push({ at: now, item })
    this.#fresh++
  }

  /** Closes the next window, and forgets what no later one can hold. */
  close(): unknown[] {
    const from = this.#closesAt - this.#lengthMs
    const window = this.#items.filter(({ at }) => at >= from && at < this.#closesAt).map(({ item }) => item)
    this.#fresh = this.#items.filter(({ at }) => at >= this.#closesAt).length
    this.#closesAt += this.#everyMs
    const keepFrom = this.#closesAt - this.#lengthMs
    const first = this.#items.findIndex(({ at }) => at >= keepFrom)
    this.#items.splice(0, first === -1 ? this.#items.length : first)
    return window
  }

  /** The source has ended: what no window has had, with what it would have been given together with. */
  rest(): unknown[] {
    const window = this.#items.splice(0).map(({ item }) => item)
    this.#fresh = 0
    return window
  }
}

/** Windows of time. While a closed one waits to be taken, and while `limit` items or as many bytes as may be are held, nothing is read. */
export class TimeWindow extends Stage {
  readonly #up: Stage
  readonly #windows: TimeWindows
  readonly #limit: number
  readonly #sizes = new Sizes()
  #timer: TimerHandle | undefined
  #exhausted = false

  constructor(segment: Segment, up: Stage, windows: TimeWindows, limit: number) {
    super(segment)
    this.#up = up.feed(this)
    this.#windows = windows
    this.#limit = limit
    segment.onStop(() => this.#stopTimer())
  }

  poll(): Polled<unknown[]> {
    for (;;) {
      this.#collect()
      if (this.#exhausted) return this.#windows.fresh > 0 ? this.#windows.rest() : end
      if (!this.#due()) return this.wait()
      this.#stopTimer()
      const window = this.#windows.close()
      if (window.length > 0) {
        this.#collect()
        return window
      }
    }
  }

  wake(): void {
    this.#collect()
    if (this.#exhausted || this.#due()) this.notify()
  }

  #due(): boolean {
    const { closesAt } = this.#windows
    return closesAt !== undefined && closesAt <= this.segment.run.clock.now()
  }

  get #full(): boolean {
    const { size } = this.#windows
    return size > 0 && size >= Math.min(this.#limit, within(heldBytes, this.#sizes))
  }

  #collect(): void {
    const { clock } = this.segment.run
    while (!this.#exhausted && !this.#due() && !this.#full && !this.segment.stopped) {
      const item = this.#up.poll()
      if (item === pending) break
      if (item === end) {
        this.#exhausted = true
        this.#stopTimer()
      } else {
        this.#sizes.note(item)
        this.#windows.add(item, clock.now())
      }
    }
    this.#watch()
  }

  /** Sets the timer for the next window to close; a closed one that waits to be taken needs none. */
  #watch(): void {
    const { clock } = this.segment.run
    const { closesAt } = this.#windows
    if (this.#timer !== undefined || closesAt === undefined || this.#exhausted || this.segment.stopped || this.#due()) return
    this.#timer = clock.schedule(closesAt - clock.now(), () => {
      this.#timer = undefined
      this.wake()
    })
  }

  #stopTimer(): void {
    if (this.#timer !== undefined) this.segment.run.clock.cancel(this.#timer)
    this.#timer = undefined
  }
}
