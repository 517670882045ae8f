/**
 * The messages between the host (the pool, on the thread that owns it) and a worker (thread or child process). Data only.
 *
 * Times on the wire are milliseconds since the epoch with fractions (`performance.timeOrigin + performance.now()`), so that
 * each side can move them onto its own clock.
 */

import type { BroadcastPlace, PackedTexts, PackedValues, WireError } from '../encoding/encoded.ts'
import type { Shape } from '../run/shapes.ts'

export type HostMessage = LoadMessage | RunMessage | CancelMessage | ForkedMessage | IdleMessage | BroadcastMessage | DropMessage

/** On the way that reaches a busy thread too. `end`: take no more work, and end when nothing is left. `park`: the program ends; do nothing any more. */
export type ControlMessage = CancelMessage | { readonly type: 'end' } | { readonly type: 'park' }

/** Ahead of the first call that takes a broadcast value. */
export interface BroadcastMessage {
  readonly type: 'broadcast'
  readonly id: number
  readonly size: number
  /** The value as bytes, or itself where it cannot be written. */
  readonly bytes?: Uint8Array
  readonly value?: unknown
}

/** A broadcast value is not needed any more. */
export interface DropMessage {
  readonly type: 'drop'
  readonly id: number
}

/** Ahead of the first call of a function: where it is. */
export interface LoadMessage {
  readonly type: 'load'
  /** Short for module and name in later messages; chosen by the host. */
  readonly fn: number
  readonly module: string
  readonly name: string
  /** Short numbers of the functions that it is made of: each gets what the one before gave, unless `shape` says otherwise. */
  readonly parts?: readonly number[]
  readonly shape?: Shape
}

/** Run one function over items next to each other. */
export interface RunMessage {
  readonly type: 'run'
  /** Ascending for each worker. */
  readonly batch: number
  readonly fn: number
  /** Index of the first item. */
  readonly first: number
  readonly items: ArrayLike<unknown> | PackedTexts | PackedValues
  /** True when each item is a list of arguments, false when it is the one argument. */
  readonly spread: boolean
  /** True for direct calls: their index is 0, not the position. */
  readonly direct: boolean
  /** Index and attempt of each item in pairs, where they differ from the position and 1. */
  readonly meta: Int32Array | undefined
  /** Idempotency keys: what those of all items begin with (`itemKey`), or one for each. @default each makes its own */
  readonly key?: string | readonly string[] | undefined
  readonly timeoutMs: number | undefined
  /** How long an asynchronous function may go on after its signal has aborted. */
  readonly graceMs: number
  /** Epoch milliseconds, `Infinity` when none. */
  readonly deadline: number
  /** Report start and end of every item. */
  readonly observed: boolean
  /** Send each result at once instead of all together. */
  readonly flush: boolean
  /** Where broadcast values are to be put. */
  readonly broadcasts?: readonly BroadcastPlace[]
  /** Of what a worker has forked: where it stands in the tree of forks. */
  readonly depth?: number
  /** What most batches do without, so that they do not pay for it. */
  readonly stay?: StayOptions
}

/** How values stay with the workers that need them. */
export interface StayOptions {
  /** Results are for workers alone: send them as bytes (`encoding/sealed.js`) where that is possible. */
  readonly seal: boolean
  /** Arguments that are such bytes. */
  readonly sealed: readonly SealedPlace[]
  /** Short number of the function that merges the results of neighbours; 0: none. */
  readonly merge: number
}

/** Where in the arguments of a batch there are bytes to open. */
export interface SealedPlace {
  readonly at: number
  /** Which argument; -1 where the item is the argument. */
  readonly argument: number
  /** Which part of it: what a task needs is a record or a list. Undefined: all of it. */
  readonly key: string | number | undefined
}

/** Abort items of a batch: one, or all that are left. */
export interface CancelMessage {
  readonly type: 'cancel'
  readonly batch: number
  /** -1: every item of the batch. */
  readonly index: number
  readonly reason: WireError
}

export type WorkerMessage =
  | ReadyMessage
  | LoadedMessage
  | ResultMessage
  | PartMessage
  | LoadFailedMessage
  | UnreadMessage
  | ForkRequest

/** What a child process sends: it shares no memory to show its progress in, and may break in ways of its own. */
export type ChildMessage = WorkerMessage | StartedMessage | UnreadableMessage | CrashedMessage

/** The one call of the batch has begun. */
export interface StartedMessage {
  readonly type: 'started'
  readonly batch: number
}

/** The bytes of a batch's items cannot be read there. */
export interface UnreadableMessage {
  readonly type: 'unreadable'
  readonly batch: number
  readonly error: WireError
}

/** A message to a thread cannot be read there. It does not say which one: messages come in their order, and this batch had come. */
export interface UnreadMessage {
  readonly type: 'unread'
  readonly after: number
  readonly error: WireError
}

/** The last message: an error that nobody caught ends the process. */
export interface CrashedMessage {
  readonly type: 'crashed'
  readonly error: WireError
}

export interface ReadyMessage {
  readonly type: 'ready'
  /** The system's number of the thread, where that shows it (Linux). */
  readonly thread?: number | undefined
}

/** The module of a function has been loaded and set up; calls of it begin now. */
export interface LoadedMessage {
  readonly type: 'loaded'
  readonly fn: number
}

/** Results of a batch: all of it, or a part with more to come. Every item is in exactly one of `values`, `errors` and `skipped`. */
export interface ResultMessage {
  readonly type: 'result'
  readonly batch: number
  /** What the functions gave, for the items at `positions`, or for those from position `from` on when it is undefined. */
  readonly values: ArrayLike<unknown>
  readonly from: number
  readonly positions: ArrayLike<number> | undefined
  /** Start and end of each value in epoch milliseconds, only when observed. */
  readonly startedAt: Float64Array | undefined
  readonly settledAt: Float64Array | undefined
  readonly errors: readonly WireFailure[] | undefined
  /** Position in the batch of items that never started, because they were cancelled first. */
  readonly skipped: readonly number[] | undefined
  /** True when a function went on beyond the grace after its cancellation: the worker should be replaced. */
  readonly stuck: boolean
  /** True with the last message of the batch. */
  readonly last: boolean
  /** Milliseconds that the thread was busy with the batch; with the last message. */
  readonly busyMs: number
  /** True when the function gave a promise. */
  readonly async: boolean
  /** Of a composed function, when observed: for each value when its parts ended but the last, in epoch milliseconds. */
  marks?: Float64Array
  /** The values as bytes instead, a few after the other, where they are so large that the host chooses when to read them. `values` is empty then. */
  readonly pieces?: readonly PackedValues[]
  /** Milliseconds that the thread took to read its arguments and to write its results, where these are bytes. */
  readonly copyMs?: number
  /** Where in `values` there are bytes of a value (`encoding/sealed.js`). */
  readonly sealed?: readonly number[]
  /** `values` are the results of whole blocks of neighbours, merged. */
  readonly blocks?: Blocks
}

/** Something that a function gives before its result. Pools take no notice; whoever opened the link itself may listen. */
export interface PartMessage {
  readonly type: 'part'
  readonly batch: number
  readonly value: unknown
}

/** The items from `from` on, `items` of them, as merged blocks: each of the `2 ** level` items from `position * 2 ** level` on. */
export interface Blocks {
  readonly items: number
  readonly levels: readonly number[]
  readonly positions: readonly number[]
}

export interface WireFailure {
  /** Position in the batch. */
  readonly at: number
  readonly error: WireError
  /** Epoch milliseconds; 0 unless observed. */
  readonly startedAt: number
  readonly settledAt: number
  /** When the parts ended that did. */
  readonly marks?: readonly number[]
}

/** The module could not be imported, or has no such function. */
export interface LoadFailedMessage {
  readonly type: 'load-failed'
  readonly batch: number
  readonly fn: number
  readonly error: WireError
}

/** What a worker says of the calls that it offers to others; see `host/forks.ts` and `home/home.ts`. */
export type ForkRequest = ForkMessage | ForkRecallMessage | ForkCancelMessage | WaitsMessage | ForksMessage

/** Calls of one function that another worker may run. */
export interface ForkMessage {
  readonly type: 'fork'
  /** Ascending for each worker. */
  readonly fork: number
  /** Where threads settle who runs what; see `thread/claims.js`. */
  readonly cell: number
  /** The batch whose task offers it; 0 when nobody knows. */
  readonly batch: number
  /** Where its calls stand in the tree of forks, from 1 on. */
  readonly depth: number
  readonly module: string
  readonly name: string
  readonly items: ArrayLike<unknown>
  readonly broadcasts?: readonly BroadcastPlace[]
  /** Index of the first item. */
  readonly first: number
  /** True when each item is a list of arguments. */
  readonly spread: boolean
  /** Index and attempt for the context of each item, where they differ from the position and 1. */
  readonly meta: Int32Array | undefined
  /** As in {@link RunMessage}. */
  readonly key: string | readonly string[] | undefined
  readonly timeoutMs: number | undefined
  /** Epoch milliseconds, `Infinity` when none. */
  readonly deadline: number
}

/** Asks for everything of an offer that nobody has begun. */
export interface ForkRecallMessage {
  readonly type: 'fork-recall'
  readonly fork: number
}

export interface ForkCancelMessage {
  readonly type: 'fork-cancel'
  readonly fork: number
  readonly reason: WireError
}

/** The worker has nothing to do before one of its forks has come back. */
export interface WaitsMessage {
  readonly type: 'waits'
  /** The last batch that it had got when it said so. */
  readonly batch: number
}

/** A process asks for messages that say how many workers are idle; threads see it in shared memory. */
export interface ForksMessage {
  readonly type: 'forks'
}

/** What became of an offer: a part of it, or the rest. */
export interface ForkedMessage {
  readonly type: 'forked'
  readonly fork: number
  /** Index of the first of `values`. */
  readonly first: number
  readonly values: ArrayLike<unknown>
  readonly errors: readonly { readonly index: number; readonly error: WireError }[] | undefined
  /** Indexes of items that were cancelled before they started. */
  readonly skipped: readonly number[] | undefined
  /** Indexes of items that nobody has begun: the worker that offered them runs them. */
  readonly returned: readonly number[] | undefined
  /** Nothing more will come of this offer. */
  readonly over: boolean
}

/** To processes that have asked. */
export interface IdleMessage {
  readonly type: 'idle'
  readonly count: number
}
