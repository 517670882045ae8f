/** The tops of pipelines: where items come from. Each gives an item only when it is asked for one, and never reads ahead. */
import type { ReadableStream } from 'node:stream/web'
import { Cancellation } from '../base/abort.ts'
import { type Entrance, innerEntranceOf, type TaskContext } from '../base/frame.ts'
import { keyOf } from '../base/idempotency.js'
import { peek, settled } from '../base/look.js'
import { end, type Input, itemOf, type Source, sourceOf } from '../run/source.ts'
import { isReadable, NodeFeed } from './node-feed.ts'
import type { Segment } from './segment.ts'
import { pending, type Polled, Stage } from './stage.ts'

/** @throws {InvalidOption} when there is nothing to iterate. */
export function feedOf<T>(input: Input<T>, segment: Segment, where: string): Stage {
  if (isReadable(input)) return new NodeFeed(segment, input)
  if (isReadableStream(input)) return new AsyncFeed(segment, () => readerOf(input, segment))
  if (isAsyncIterable(input)) return new AsyncFeed(segment, () => input[Symbol.asyncIterator]())
  return new SyncFeed(segment, sourceOf(input, where))
}

/** Reads a stream of the web's itself: its async iterator cannot be closed while a read waits, a reader can. */
function readerOf(input: ReadableStream<unknown>, segment: Segment): AsyncIterator<unknown> {
  const reader = input.getReader()
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    return: async () => {
      await reader.cancel(segment.cancellation.reason)
      return { done: true, value: undefined }
    },
  }
}

function isReadableStream(input: unknown): input is ReadableStream<unknown> {
  return typeof peek(input, 'getReader') === 'function' && typeof peek(input, 'cancel') === 'function'
}

/** @throws {InvalidOption} when there is nothing to iterate; opens nothing. */
export function checkInput(input: unknown, where: string): void {
  if (isReadable(input) || isReadableStream(input)) return
  const iterable = typeof input === 'object' && input !== null && (Symbol.asyncIterator in input || Symbol.iterator in input)
  // Arrays and the like are opened without a trace; whatever is nothing of all this is refused there.
  if (!iterable) sourceOf(input as Input<unknown>, where)
}

/** How many items there are, where that is known without reading them; else -1. */
export function sizeOf(input: Input<unknown>): number {
  if (input instanceof Set || input instanceof Map) return input.size
  const { length } = input as { readonly length?: unknown }
  return Number.isInteger(length) ? (length as number) : -1
}

function isAsyncIterable<T>(input: Input<T>): input is AsyncIterable<T> {
  return typeof input === 'object' && input !== null && Symbol.asyncIterator in input
}

/** What a source sees: it is to stop when its segment does. Its signal is its own, because `flatMap` opens thousands of sources. */
class SourceContext implements TaskContext {
  readonly index = 0
  readonly attempt = 1
  readonly #segment: Segment
  #own: Cancellation | undefined

  constructor(segment: Segment) {
    this.#segment = segment
  }

  /** A way into the frame that the source's own code runs in: what it starts is cancelled with the segment. */
  entrance(): Entrance {
    const { group } = this.#segment.run
    const frame = group.frame(() => `the source of ${group.label()}`)
    frame.cancellation = this.#segment.cancellation
    frame.context = this
    return innerEntranceOf(frame)
  }

  get signal(): AbortSignal {
    return (this.#own ??= new Cancellation(this.#segment.cancellation)).signal
  }

  /** The source has ended. */
  close(): void {
    this.#own?.close()
  }

  get deadline(): number {
    return this.#segment.run.group.deadline
  }

  get idempotencyKey(): string {
    return keyOf(this)
  }
}

/** Arrays and iterables. */
class SyncFeed extends Stage {
  readonly #source: Source<unknown>
  /** Undefined for arrays, which have no code of their own. */
  readonly #context: SourceContext | undefined
  readonly #enter: Entrance | undefined
  readonly #forget: (() => void) | undefined
  readonly #pull = (): unknown => this.#source.pull()
  readonly #resume = (): void => this.notify()

  constructor(segment: Segment, source: Source<unknown>) {
    super(segment)
    this.#source = source
    if (source.slice) return
    this.#context = new SourceContext(segment)
    this.#enter = this.#context.entrance()
    this.#forget = segment.onStop(() => source.close())
  }

  poll(): Polled<unknown> {
    const { segment } = this
    if (segment.stopped || segment.run.outOfBreath(this.#resume)) return this.wait()
    try {
      // Elements of arrays may be getters, which may throw.
      const item = this.#enter ? this.#enter(this.#pull) : this.#source.pull()
      if (item === end) this.#end()
      return item
    } catch (error) {
      this.#end()
      segment.run.fail(error, 'source')
      return this.wait()
    }
  }

  #end(): void {
    this.#forget?.()
    this.#context?.close()
  }

  wake(): void {}
}

/** Async iterators: one item is asked for at a time, and only when somebody wants it. */
class AsyncFeed extends Stage {
  readonly #iterator: AsyncIterator<unknown>
  readonly #context: SourceContext
  readonly #enter: Entrance
  readonly #resume = (): void => this.notify()
  readonly #forget: () => void
  #item: unknown = pending
  #asking = false
  #done = false

  constructor(segment: Segment, open: () => AsyncIterator<unknown>) {
    super(segment)
    this.#context = new SourceContext(segment)
    this.#enter = this.#context.entrance()
    this.#iterator = this.#enter(open)
    this.#forget = segment.onStop(() => this.#close())
  }

  poll(): Polled<unknown> {
    const item = this.#item
    if (item !== pending) {
      this.#item = pending
      return item
    }
    if (this.#done) return end
    const { segment } = this
    if (!this.#asking && !segment.stopped && !segment.run.outOfBreath(this.#resume)) this.#ask()
    return this.wait()
  }

  #ask(): void {
    this.#asking = true
    try {
      settled(this.#enter(this.#next), this.#answered, this.#failed)
    } catch (error) {
      this.#failed(error)
    }
  }

  readonly #next = (): unknown => this.#iterator.next()

  readonly #answered = (next: unknown): void => {
    this.#asking = false
    try {
      const item = itemOf(next)
      if (item === end) this.#end()
      else this.#item = item
    } catch (error) {
      return this.#failed(error)
    }
    this.notify()
  }

  readonly #failed = (error: unknown): void => {
    this.#asking = false
    this.#end()
    if (!this.segment.stopped) this.segment.run.fail(error, 'source')
  }

  #end(): void {
    this.#done = true
    this.#forget()
    this.#context.close()
  }

  #close(): unknown {
    if (this.#done) return undefined
    this.#done = true
    return this.#enter(() => this.#iterator.return?.())
  }

  wake(): void {}
}
