/**
 * Direct calls of one worker function, as work that the pool pulls: the calls of one turn of the event loop travel together.
 *
 * A hundred thousand calls may wait at once, so that each costs one small object beside its promise, and calls that share a
 * cancellation share one subscription to it.
 */
import { rejection } from '../../base/call-site.ts'
import { Cancellation, cancelled } from '../../base/abort.ts'
import { observed } from '../../base/observer.ts'
import type { Batch, BulkWork, CallOptions } from '../../run/executor.ts'
import { type CallSizes, callsWithin, messageBytesMost, Sizes } from '../../run/sizes.ts'
import { freshKey } from '../../base/idempotency.js'
import type { SealedPlace } from '../protocol.ts'
import type { JobWork } from './job.ts'

interface Call {
  readonly index: number
  readonly args: readonly unknown[]
  readonly options: CallOptions
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
  // The open calls of one cancellation are a list: each may be one of a hundred thousand, or the only one of its own.
  previous: Call | undefined
  next: Call | undefined
}

/** One subscription to a cancellation, for as long as a call with it is open. */
interface Subscription {
  first: Call | undefined
  last: Call | undefined
  readonly unsubscribe: () => void
}

/** Calls that are taken between two looks at how large they are. */
const looksEvery = 8

/** Settled calls at the front are dropped from the list in pieces of this size. */
const trimmed = 4_096

/** What calls of one job have in common besides their function and timeout. */
export interface CallKind {
  /** Their callers bound the waiting, until the module has been loaded. */
  readonly bounded?: boolean
  /** Arguments may be sealed. */
  readonly stays?: boolean
  /** Results are sealed. */
  readonly seal?: boolean
}

export class DirectCalls implements JobWork {
  readonly spread = true
  readonly endless = true
  readonly run = 0
  readonly timeoutMs: number | undefined
  /** Its callers bound the waiting, until the module has been loaded. */
  readonly bounded: boolean
  readonly cancellation = new Cancellation()
  readonly stays: BulkWork['stays']
  /** Open calls by `index - #base`; holes where they have settled. */
  #calls: (Call | undefined)[] = []
  #base = 0
  /** Index of the next call to hand out; what lies before it is at a worker. */
  #head = 0
  #waiting = 0
  #open = 0
  #settledInFront = 0
  /** True when some call has an index or an attempt of its own. */
  #special = false
  /** True when some call was given its idempotency key. */
  #keyed = false
  readonly #subscriptions = new Map<Cancellation, Subscription>()
  /** Gives up a call that a worker has: the pool's part of a cancellation. */
  readonly #giveUp: (index: number, error: Error) => void
  /** Called each time that no call is open any more. */
  readonly #idle: () => void

  readonly #sizes: CallSizes

  constructor(
    timeoutMs: number | undefined,
    giveUp: (index: number, error: Error) => void,
    idle: () => void = () => {},
    sizes: CallSizes = { items: new Sizes(), results: new Sizes() },
    { bounded = false, stays = false, seal = false }: CallKind = {},
  ) {
    this.bounded = bounded
    this.#sizes = sizes
    this.timeoutMs = timeoutMs
    if (stays) this.stays = { seal }
    this.#giveUp = giveUp
    this.#idle = idle
  }

  get observed(): boolean {
    return observed()
  }

  /** Contexts of one batch share one deadline; the cancellation at a deadline comes from the caller's side anyway. */
  get deadline(): number {
    return Number.POSITIVE_INFINITY
  }

  add(args: readonly unknown[], options: CallOptions): Promise<unknown> {
    const { cancellation } = options
    if (cancellation?.aborted) return Promise.reject(cancelled(cancellation.reason))
    if (options.index !== undefined || options.attempt !== undefined) this.#special = true
    if (options.idempotencyKey !== undefined) this.#keyed = true
    this.#waiting++
    this.#open++
    return new Promise((resolve, reject) => {
      const index = this.#base + this.#calls.length
      const call: Call = { index, args, options, resolve, reject, previous: undefined, next: undefined }
      this.#calls.push(call)
      if (cancellation) this.#subscribe(cancellation, call)
    })
  }

  #subscribe(cancellation: Cancellation, call: Call): void {
    const known = this.#subscriptions.get(cancellation)
    if (known) {
      call.previous = known.last
      if (known.last) known.last.next = call
      known.last = call
    } else {
      const unsubscribe = cancellation.subscribe((reason) => this.#cancel(cancellation, reason))
      this.#subscriptions.set(cancellation, { first: call, last: call, unsubscribe })
    }
  }

  #cancel(cancellation: Cancellation, reason: unknown): void {
    const error = cancelled(reason)
    // What settles leaves the list, and knows its next one all the same.
    for (let call = this.#subscriptions.get(cancellation)?.first; call; call = call.next) {
      if (call.index < this.#head) this.#giveUp(call.index, error)
      else if (this.#settle(call.index, 0)) {
        this.#waiting--
        call.reject(error)
      }
    }
  }

  remaining(): number {
    return this.#waiting
  }

  exhausted(): boolean {
    return this.#waiting === 0
  }

  onMore(): void {}

  finished(): void {}

  take(max: number): Batch | undefined {
    // Calls that were cancelled while they waited have left holes.
    const end = this.#base + this.#calls.length
    while (this.#head < end && this.#calls[this.#head - this.#base] === undefined) this.#head++
    const first = this.#head
    const items: unknown[] = []
    let most = 1
    while (this.#head < end) {
      const call = this.#calls[this.#head - this.#base]
      if (!call) break
      this.#sizes.items.note(call.args)
      // What is known of the sizes changes with the first large one, and costs more to ask than a small one.
      if (items.length % looksEvery === 0) most = Math.min(max, callsWithin(messageBytesMost, this.#sizes))
      if (items.length >= most) break
      items.push(call.args)
      this.#head++
    }
    this.#waiting -= items.length
    return items.length > 0 ? { first, items } : undefined
  }

  waits(batch: Batch, waiting: boolean): void {
    if (!this.bounded) return
    for (let i = 0; i < batch.items.length; i++) this.#calls[batch.first + i - this.#base]?.options.onWaiting?.(waiting)
  }

  meta(batch: Batch): Int32Array | undefined {
    if (!this.#special) return undefined
    return Int32Array.from({ length: batch.items.length * 2 }, (_, i) => {
      const options = this.#calls[batch.first + (i >> 1) - this.#base]?.options
      return i % 2 === 0 ? (options?.index ?? 0) : (options?.attempt ?? 1)
    })
  }

  keys(batch: Batch): string[] | undefined {
    if (!this.#keyed) return undefined
    return Array.from(batch.items, (_, i) => this.#calls[batch.first + i - this.#base]?.options.idempotencyKey ?? freshKey())
  }

  sealedPlaces(batch: Batch): SealedPlace[] {
    const places: SealedPlace[] = []
    for (let at = 0; at < batch.items.length; at++) {
      const options = this.#calls[batch.first + at - this.#base]?.options
      for (const place of options?.sealed ?? []) places.push({ at, ...place })
    }
    return places
  }

  succeed(
    first: number,
    values: ArrayLike<unknown>,
    row: number,
    startedAt?: ArrayLike<number>,
    settledAt?: ArrayLike<number>,
  ): void {
    this.#sizes.results.noteSome(values)
    for (let i = 0; i < values.length; i++) this.#settle(first + i, row, startedAt?.[i], settledAt?.[i])?.resolve(values[i])
  }

  fail(index: number, error: unknown, row: number, startedAt?: number, settledAt?: number): void {
    this.#settle(index, row, startedAt, settledAt)?.resolve(rejection(error))
  }

  skip(index: number): void {
    const call = this.#settle(index, 0)
    call?.reject(cancelled(call.options.cancellation?.reason))
  }

  #settle(index: number, row: number, startedAt?: number, settledAt?: number): Call | undefined {
    const at = index - this.#base
    const call = this.#calls[at]
    if (!call) return undefined
    this.#calls[at] = undefined
    this.#open--
    const { timing, cancellation } = call.options
    if (cancellation) this.#unsubscribe(cancellation, call)
    if (timing) {
      timing.row = row
      if (startedAt !== undefined) timing.startedAt = startedAt
      if (settledAt !== undefined) timing.settledAt = settledAt
    }
    if (this.#open === 0) {
      this.#drop(this.#calls.length)
      this.#idle()
    } else if (at < trimmed && ++this.#settledInFront === trimmed) this.#drop(trimmed)
    return call
  }

  #unsubscribe(cancellation: Cancellation, { previous, next }: Call): void {
    const subscription = this.#subscriptions.get(cancellation)
    if (!subscription) return
    if (previous) previous.next = next
    else subscription.first = next
    if (next) next.previous = previous
    else subscription.last = previous
    if (subscription.first) return
    subscription.unsubscribe()
    this.#subscriptions.delete(cancellation)
  }

  #drop(count: number): void {
    if (count === this.#calls.length) this.#calls = []
    else this.#calls.splice(0, count)
    this.#base += count
    this.#head = Math.max(this.#head, this.#base)
    this.#settledInFront = 0
    for (let at = 0; at < Math.min(trimmed, this.#calls.length); at++) if (!this.#calls[at]) this.#settledInFront++
  }
}
