/**
 * Folds the items of each key on this thread, without a promise per item. The first time that the function gives one, the rest goes on as calls of which
 * several are under way: see `keyed-stage.ts`.
 */
import { type Entrance, type Frame, innerEntranceOf, type TaskContext } from '../base/frame.ts'
import { itemKey, keyOf } from '../base/idempotency.js'
import { adopt, isThenable } from '../base/look.js'
import { closeFrame, openFrame } from '../base/wait-graph.ts'
import { Sizes, within } from '../run/sizes.ts'
import { end } from '../run/source.ts'
import type { Segment } from './segment.ts'
import { Passing, pending, type Polled, Stage } from './stage.ts'

export interface FoldHereSpec {
  readonly key: (item: unknown) => unknown
  readonly fold: (accumulated: unknown, item: unknown, context: TaskContext) => unknown
  readonly start: (key: unknown) => unknown
  readonly values: Map<unknown, unknown>
  readonly name: string
  /** The stage that goes on, below the one that is given. */
  readonly rest: (up: Stage) => Stage
}

/** Items are collected so that entering the frame of the function costs little for each; chosen. */
const mostTogether = 256
const mostBytes = 2 ** 20

export class FoldHere extends Passing<never> {
  readonly #spec: FoldHereSpec
  readonly #sizes = new Sizes()
  readonly #context: FoldContext
  readonly #frame: Frame
  readonly #enter: Entrance
  #items: unknown[] = []
  #together = 1
  #exhausted = false
  /** Waits for the first promise that the function gave. */
  #waitsFor = false
  #rest: Stage | undefined

  constructor(segment: Segment, up: Stage, spec: FoldHereSpec) {
    super(segment, up)
    this.#spec = spec
    this.#context = new FoldContext(segment)
    const { group } = segment.run
    this.#frame = group.frame((context) => `${group.label()} stage "${spec.name}" item ${context.index}`)
    this.#frame.cancellation = segment.cancellation
    this.#frame.context = this.#context
    this.#enter = innerEntranceOf(this.#frame)
  }

  poll(): Polled<never> {
    if (this.#rest) {
      const item = this.#rest.poll()
      return item === pending ? this.wait() : (item as Polled<never>)
    }
    while (!this.#waitsFor && !this.segment.stopped) {
      const blocked = this.#collect()
      if (this.#items.length > 0) this.#fold()
      else if (this.#exhausted) return end
      if (blocked) break
    }
    return this.wait()
  }

  override wake(): void {
    this.notify()
  }

  /** True when nothing more is there. */
  #collect(): boolean {
    const most = Math.min(this.#together, within(mostBytes, this.#sizes))
    while (this.#items.length < most && !this.#exhausted) {
      const item = this.up.poll()
      if (item === pending) return true
      if (item === end) this.#exhausted = true
      else {
        this.#sizes.note(item)
        this.#items.push(item)
      }
    }
    this.#together = Math.min(mostTogether, 2 * this.#together)
    return false
  }

  #fold(): void {
    const items = this.#items
    this.#items = []
    openFrame(this.#frame)
    let failure: { readonly error: unknown } | undefined
    const context = this.#context
    try {
      this.#enter(this.#each, items)
    } catch (error) {
      failure = { error }
    }
    closeFrame(this.#frame)
    if (failure) this.segment.run.fail(failure.error, context.index)
  }

  readonly #each = (items: readonly unknown[]): void => {
    const { key: keyOf, fold, start, values } = this.#spec
    const context = this.#context
    for (let i = 0; i < items.length; i++) {
      const item = items[i]
      context.index++
      const key = keyOf(item)
      let before = values.get(key)
      if (before === undefined && !values.has(key)) before = start(key)
      const next = isThenable(before) ? adopt(before).then((value) => fold(value, item, context)) : fold(before, item, context)
      if (isThenable(next)) return this.#goOnWith(key, next, items.slice(i + 1))
      values.set(key, next)
    }
  }

  #goOnWith(key: unknown, next: PromiseLike<unknown>, left: readonly unknown[]): void {
    const { segment } = this
    this.#waitsFor = true
    segment.opened()
    adopt(next).then(
      (value) => {
        this.#spec.values.set(key, value)
        if (!segment.stopped) segment.run.enter(() => this.#hand(left))
        segment.settled()
      },
      (error: unknown) => {
        if (!segment.stopped) segment.run.fail(error, this.#context.index)
        segment.settled()
      },
    )
  }

  #hand(left: readonly unknown[]): void {
    const up = this.#exhausted ? new Left(this.segment, undefined, left) : new Left(this.segment, this.up, left)
    this.#rest = this.#spec.rest(up).feed(this)
    this.notify()
  }
}

/** What was collected and not folded, then what comes. */
class Left extends Stage {
  readonly #up: Stage | undefined
  readonly #left: readonly unknown[]
  #at = 0

  constructor(segment: Segment, up: Stage | undefined, left: readonly unknown[]) {
    super(segment)
    this.#up = up?.feed(this)
    this.#left = left
  }

  poll(): Polled<unknown> {
    if (this.#at < this.#left.length) return this.#left[this.#at++]
    if (!this.#up) return end
    const item = this.#up.poll()
    return item === pending ? this.wait() : item
  }

  wake(): void {
    this.notify()
  }
}

/** The item at hand, as the function sees it. */
class FoldContext implements TaskContext {
  readonly #segment: Segment
  index = -1
  readonly attempt = 1

  constructor(segment: Segment) {
    this.#segment = segment
  }

  get signal(): AbortSignal {
    return this.#segment.cancellation.signal
  }

  get deadline(): number {
    return this.#segment.run.group.deadline
  }

  get idempotencyKey(): string {
    return itemKey(keyOf(this), this.index)
  }
}
