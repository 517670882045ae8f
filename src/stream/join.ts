/** Several streams as one: `merge` of those that are given, and `flatMap` of those that items turn into. */
import { Ring } from '../base/ring.ts'
import { heldBytes, Sizes, within } from '../run/sizes.ts'
import { end, type Input } from '../run/source.ts'
import { feedOf } from './feed.ts'
import type { Segment } from './segment.ts'
import { type Downstream, pending, type Polled, Stage } from './stage.ts'

/** One of the joined streams, and whether it may have something. */
class Inlet implements Downstream {
  readonly stage: Stage
  readonly #join: Join
  ready = true

  constructor(join: Join, stage: Stage) {
    this.#join = join
    this.stage = stage.feed(this)
  }

  wake(): void {
    if (!this.ready) this.#join.woken(this)
  }
}

/**
 * Gives what its inlets have, in turn; asks no inlet that has said it has nothing yet. An inlet that is asked and woken holds an item: while the
 * inlets together hold as many bytes as may be, no more are asked.
 */
abstract class Join extends Stage {
  /** Inlets that have been asked and woken, next first. */
  readonly #woken = new Ring<Inlet>()
  /** Inlets to ask, next first. */
  readonly #toAsk = new Ring<Inlet>()
  readonly #sizes = new Sizes()
  /** Whose turn it is: else sources that always have something would keep all others waiting. */
  #asksNext = true
  protected live = 0
  readonly #resume = (): void => this.notify()

  protected add(stage: Stage): void {
    this.#toAsk.push(new Inlet(this, stage))
    this.live++
  }

  /** The next item of any inlet; `pending` when none has one. While the event loop has to turn first, none is asked: there may be thousands. */
  protected next(): unknown {
    for (let inlet = this.#nextInlet(); inlet; inlet = this.#nextInlet()) {
      const item = inlet.stage.poll()
      if (item === pending) inlet.ready = false
      else if (item === end) this.live--
      else {
        this.#toAsk.push(inlet)
        this.#sizes.note(item)
        this.origin = inlet.stage.origin
        return item
      }
    }
    return pending
  }

  #nextInlet(): Inlet | undefined {
    const { run } = this.segment
    if (run.breathless && run.outOfBreath(this.#resume)) return undefined
    const [woken, toAsk] = [this.#woken, this.#toAsk]
    const asks = toAsk.size > 0 && (woken.size === 0 || (this.#asksNext && woken.size < within(heldBytes, this.#sizes)))
    this.#asksNext = !asks
    if (asks) return toAsk.shift()
    return woken.size > 0 ? woken.shift() : undefined
  }

  woken(inlet: Inlet): void {
    inlet.ready = true
    this.#woken.push(inlet)
    this.notify()
  }

  wake(): void {
    this.notify()
  }
}

/** Items of several streams as they come. */
export class Merge extends Join {
  constructor(segment: Segment, ups: readonly Stage[]) {
    super(segment)
    for (const up of ups) this.add(up)
  }

  poll(): Polled<unknown> {
    const item = this.next()
    if (item !== pending) return item
    return this.live === 0 ? end : this.wait()
  }
}

/** The items of the iterables that come from above: one iterable after the other, or up to `width` of them at once. */
export class Flatten extends Join {
  readonly #up: Stage
  readonly #width: number
  readonly #inners = new Sizes()
  #exhausted = false

  constructor(segment: Segment, up: Stage, width: number) {
    super(segment)
    this.#up = up.feed(this)
    this.#width = width
  }

  poll(): Polled<unknown> {
    for (;;) {
      this.#open()
      const open = this.live
      const item = this.next()
      if (item !== pending) return item
      if (this.live === 0 && this.#exhausted) return end
      // An inlet that has just ended makes room for the next iterable.
      if (this.live === open) return this.wait()
    }
  }

  /** Opens iterables while there is room, also in bytes: they may be lists. */
  #open(): void {
    while (!this.#exhausted && this.#hasRoom && !this.segment.stopped) {
      const inner = this.#up.poll()
      if (inner === pending) return
      if (inner === end) this.#exhausted = true
      else this.#add(inner)
    }
  }

  get #hasRoom(): boolean {
    return this.live < Math.min(this.#width, within(heldBytes, this.#inners))
  }

  #add(inner: unknown): void {
    try {
      if (Array.isArray(inner) || ArrayBuffer.isView(inner)) this.#inners.note(inner)
      const feed = feedOf(inner as Input<unknown>, this.segment, 'the items of flatMap')
      feed.origin = this.#up.origin
      this.add(feed)
    } catch (error) {
      this.segment.run.fail(error, 'flatMap')
    }
  }
}
