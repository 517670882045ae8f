/** The two lines of a channel: those who wait for an item, and those who wait for room. */
import type { Frame } from '../base/frame.ts'
import type { Hold, Waitable } from '../base/wait-graph.ts'
import { OpenLine, Waiter } from './wait-queue.ts'

/** The common state of the cases of one `select`: as soon as one is served, the others leave their lines. */
export interface Choice {
  /** One of its waits has ended. */
  ended(): void
}

class ChannelWaiter<R> extends Waiter<R> {
  readonly choice: Choice | undefined

  constructor(on: Waitable, choice: Choice | undefined) {
    super(on)
    this.choice = choice
  }

  protected override ended(): void {
    super.ended()
    this.choice?.ended()
  }
}

export class ReceiveWaiter<T> extends ChannelWaiter<IteratorResult<T, undefined>> {}

export class SendWaiter<T> extends ChannelWaiter<void> {
  readonly item: T

  constructor(on: Waitable, choice: Choice | undefined, item: T) {
    super(on, choice)
    this.item = item
  }
}

/** More than these, and whoever else may come is anybody's guess. */
const counterpartsKept = 16

/**
 * The tasks that may serve the waiters are guessed: those that did so before. When all of those can never go on, the waiters are
 * taken as stuck; but a circle is reported only where a lock or a limiter is part of it.
 */
export class ChannelLine<R, W extends ChannelWaiter<R>> extends OpenLine<R, W> {
  readonly #holding: () => string
  readonly #counterparts = new Set<Frame>()
  #last: Frame | undefined
  #anybody = false

  constructor(label: () => string, holding: () => string) {
    super(label)
    this.#holding = holding
  }

  /** The first who is not of the same `select`. */
  first(choice: Choice | undefined): W | undefined {
    let waiter = this.head
    for (; waiter?.choice !== undefined && waiter.choice === choice; waiter = waiter.next as W | undefined);
    return waiter
  }

  /** Notes that code of the frame has done what this line waits for. */
  servedBy(frame: Frame): void {
    if (frame === this.#last || this.#anybody) return
    this.#last = frame
    this.#counterparts.add(frame)
    if (frame.parent && this.#counterparts.size <= counterpartsKept) return
    this.#anybody = true
    this.#counterparts.clear()
    this.#last = undefined
  }

  override holding(): string {
    return this.#holding()
  }

  override *holds(): Generator<Hold> {
    for (const frame of this.#counterparts) yield { frame, inside: false }
  }

  override passable(live: (hold: Hold) => boolean): boolean {
    if (this.#counterparts.size === 0) return true
    for (const hold of this.holds()) if (live(hold)) return true
    return false
  }
}
