/**
 * Where tasks run. An {@link Executor} runs *worker functions*: functions that a module registered by name, so that
 * they can be called on another thread, process or machine. Tasks carry data, never code.
 *
 * Every executor passes the conformance suite in `executor.conformance.ts`.
 */
import type { Cancellation } from '../base/abort.ts'
import type { Frame, TaskContext } from '../base/frame.ts'
import { peek } from '../base/look.js'
import type { Shape } from './shapes.ts'

/** Names one worker function. */
export interface FunctionRef {
  /** URL of the module, as `import()` takes it. */
  readonly module: string
  readonly name: string
  /** The function itself where this thread has it. */
  readonly local: ((...args: never[]) => unknown) | undefined
  /** The module consented that an executor may run it on the caller's thread. @default false */
  readonly inline?: boolean
  /** What it is made of, where it is several functions in a row: each gets what the one before gave. */
  readonly parts?: readonly FunctionRef[]
  /** What else is made of the parts; only for executors that keep values. */
  readonly shape?: Shape
  /** What runs once per worker before the first call into the module; its name in the module's registry. */
  readonly setup: ((...args: never[]) => unknown) | undefined
  readonly executor: Executor
  /** Names the same function on every machine that has its package; reads its files when it is first asked. */
  readonly identity?: () => FunctionIdentity
}

/** Names a worker function across machines, where the URL of a file says nothing. */
export interface FunctionIdentity {
  /** Name of the nearest `package.json` above the module; empty where there is none or it has none. */
  readonly package: string
  /** The module's path inside that package, with `/`, and without `.js` or `.ts`: the source and its build are one module. */
  readonly module: string
  readonly name: string
  /** SHA-256 of the module's own text, in hex; not of what it imports. Undefined where it cannot be read. */
  readonly hash: string | undefined
}

/** When and where a task of a worker ran; filled in only while somebody observes. Milliseconds on this thread's clock. */
export interface Timing {
  row: number
  startedAt: number
  settledAt: number
}

export interface CallOptions {
  /** Cancels the call; the promise then settles when the function has ended, or was ended. */
  readonly cancellation?: Cancellation | undefined
  /** From the start of the function on the worker, in milliseconds. */
  readonly timeoutMs?: number | undefined
  /** For the context that the function sees. */
  readonly index?: number
  readonly attempt?: number
  /** Milliseconds of `performance.now()` on this thread; `Infinity` when none. */
  readonly deadline?: number
  readonly timing?: Timing | undefined
  /** The caller would call again if the machine that has the call were lost: a remote executor may do so by itself. */
  readonly again?: boolean
  /** For the context: the same each time this call is sent. @default a fresh one */
  readonly idempotencyKey?: string | undefined
  /**
   * Called with false when a worker that has loaded the module has the call, at the latest when the function starts: `queueTimeout` ends there. With
   * true when the call has to wait again, because that worker is gone. Whoever gives it bounds the loading of the module with it; else `timeoutMs` does.
   */
  readonly onWaiting?: ((waiting: boolean) => void) | undefined
  /** The result is for other workers alone: give it as a `Sealed` where that is possible. Only where the executor keeps values. */
  readonly seal?: boolean
  /** Calls of the same place run on the same worker, which holds what they share. Only where the executor keeps values. */
  readonly place?: Place | undefined
  /** Which arguments, or parts of them, are `Sealed`. */
  readonly sealed?: readonly { readonly argument: number; readonly key: string | number | undefined }[]
}

/** Somewhere on one worker. When that worker ends, every call of the place rejects with `WorkerCrashed`. */
export interface Place {
  /** Nobody will call any more: what the worker has of other places counts for where new ones go. */
  closed: boolean
}

/** How values stay with the workers that need them; only where the executor keeps values. */
export interface Stays {
  /** Results are for workers alone: give them as `Sealed` where that is possible. */
  readonly seal: boolean
  /** Merges the results of neighbours, there where they are. */
  readonly merge?: FunctionRef
}

/** The merged results of the `2 ** level` items from `position * 2 ** level` on. */
export interface MergedBlock {
  readonly level: number
  readonly position: number
  readonly value: unknown
}

/** Items next to each other in the input of a {@link BulkWork}. */
export interface Batch {
  readonly first: number
  readonly items: ArrayLike<unknown>
}

/**
 * Many calls of one function. The executor pulls batches when it has a place for them, and reports each item back
 * exactly once, in any order.
 */
export interface BulkWork {
  readonly cancellation: Cancellation
  readonly timeoutMs: number | undefined
  readonly deadline: number
  readonly observed: boolean
  /** Id of the run, for notes. */
  readonly run: number
  /** Keys of its items are `itemKey` of this and the index. @default fresh ones */
  readonly idempotencyKey?: string | undefined
  /** The name of a run with a journal, the same each time that its program starts: by it an executor elsewhere finds what it still has of an earlier start. */
  readonly resume?: string | undefined
  /** Resolves when everything that has succeeded until now has been handed on: where there is a journal, when it has it. Never rejects. */
  handedOn?(): Promise<unknown>
  /** A frame below that of the run, for code on this thread; see `Group.frame`. */
  frame?(label: (context: TaskContext) => string, body: string): Frame
  /** How many more items will come at most; `Infinity` when unknown. */
  remaining(): number
  /** The next items, at most `max`; undefined when there is none right now. */
  take(max: number): Batch | undefined
  /** True when `take` will never give anything again. */
  exhausted(): boolean
  /** The executor hands over what to call when new items may have come, or the work was cancelled. */
  onMore(wake: () => void): void
  /**
   * Results of items that lie next to each other. `startedAt` and `settledAt` come only when `observed`, and `marks` only for functions in a row: for
   * each value when those ended but the last.
   */
  succeed(
    first: number,
    values: ArrayLike<unknown>,
    row: number,
    startedAt?: ArrayLike<number>,
    settledAt?: ArrayLike<number>,
    marks?: ArrayLike<number>,
  ): void
  /** Where this thread may put values itself, by index, instead of handing them to `succeed`; it then says so with `stored`. */
  readonly into?: unknown[] | undefined
  stored?(first: number, count: number): void
  readonly stays?: Stays | undefined
  /** How long a batch should take, in milliseconds. @default what the executor thinks best */
  readonly batchMs?: number | undefined
  /** With `stays.merge`: the results of `items` items from `first` on have become these blocks. */
  merged?(
    first: number,
    items: number,
    blocks: readonly MergedBlock[],
    row: number,
    startedAt?: ArrayLike<number>,
    settledAt?: ArrayLike<number>,
  ): void
  fail(index: number, error: unknown, row: number, startedAt?: number, settledAt?: number, marks?: readonly number[]): void
  /** The item never started: the work was cancelled first. */
  skip(index: number): void
  /** No item is left under way: every one that was taken has been reported. Called once, after cancellation or exhaustion. */
  finished(): void
}

/** How an executor lies to its caller: what callers would else guess from its name. */
export interface Reach {
  /** A `SharedArrayBuffer` that crosses is the same memory there. */
  readonly sharesMemory: boolean
  /** On another machine: a call may be lost on its way, or run twice. */
  readonly remote: boolean
  /** Milliseconds that a call which does nothing takes there and back, about: less work than that is not worth sending. */
  readonly roundTripMs: number
}

/** Of an executor that says nothing: what holds wherever it runs. */
const unknownReach: Reach = { sharesMemory: false, remote: true, roundTripMs: 1 }

export const reachOf = (executor: Executor): Reach => executor.reach ?? unknownReach

/** Where worker functions run: threads, processes, or a machine of your own. `executor.conformance.ts` is its specification. */
export interface Executor {
  /** As it shows in messages: `threads`, `processes`, `this thread`. */
  readonly name: string
  /** How many calls can truly run at once. */
  readonly slots: number
  /** Values can stay with its workers: sealed results and arguments, results merged where they were made, places, and functions with a shape. @default false */
  readonly keepsValues?: boolean
  /** @default what holds of any: no shared memory, on another machine */
  readonly reach?: Reach
  /** Runs one call. @throws whatever the function throws, and the errors of base for everything around it */
  call(ref: FunctionRef, args: readonly unknown[], options?: CallOptions): Promise<unknown>
  /** Runs many calls; everything is reported through `work`. */
  bulk(ref: FunctionRef, work: BulkWork): void
  /** Inside a worker: a call that another worker may run while the caller goes on; see `workers/forking`. */
  fork?(ref: FunctionRef, args: readonly unknown[]): Promise<unknown>
  /** Starts workers and loads the module ahead of the first call; when it is cancelled, it rejects with the reason and ends those that are still loading. */
  warmUp?(ref: FunctionRef, cancellation?: Cancellation): Promise<void>
  /** Waits for calls under way for up to `graceMs`, then ends the workers. Calls that remain reject with `Closed`. */
  close(options?: { readonly graceMs?: number }): Promise<void>
}

/** Under this symbol a worker function carries its {@link FunctionRef}. */
export const functionRef = Symbol.for('heddle.function')

/** The reference of a worker function; undefined for any other function. */
export function refOf(fn: unknown): FunctionRef | undefined {
  return peek(fn, functionRef) as FunctionRef | undefined
}
