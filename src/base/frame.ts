/**
 * The ambient task: the one that the running code belongs to. A {@link Frame} is entered once per lane of a run, not
 * once per item, because an `AsyncLocalStorage` scope costs as much as everything else that `map` does; a lane works
 * on one item at a time, so its frame always shows the item at hand.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { Cancellation } from './abort.ts'
import { keyOf } from './idempotency.js'
import { type Restored, snapshot, snapshotsAreCheap } from './snapshot.ts'
import type { TaskContext } from './task-context.ts'

export { type Explicit, isTaskContext, type TaskContext } from './task-context.ts'

export interface Frame {
  /** The frame inside which this one was entered; undefined only for the root. */
  readonly parent: Frame | undefined
  /** The task at hand; changes from item to item. */
  context: TaskContext
  /** What runs that start inside are cancelled with; the task's own where it has one (a timeout), else its run's. */
  cancellation: Cancellation
  /** Id of the run that the frame belongs to; 0 for the root. */
  readonly run: number
  /** Id of the observed task at hand; 0 while nobody observes. */
  task: number
  /** The name in messages, such as `task "ship"` or `map "fetchPage" item 12`. */
  label(): string
  /** Open frames right below, and open waits of code in this one: kept by wait-graph.ts. */
  children: number
  waits: number
  /** Name of the async function that awaits the code of this frame, where one does: shows wait-graph.ts what that code awaits. */
  body?: string | undefined
  /** For the frame of a whole run: what its parent awaits. */
  joint?: Awaited | undefined
  /** True when code of the parent started this, but need not await it, as long as the parent has a body. */
  loose?: boolean | undefined
}

/** Something that is awaited, as far as the engine shows by whom; see suspension.ts. */
export interface Awaited {
  readonly open: boolean
  /** The first frame on the way up whose body does not await it; undefined when all do, or nobody asked. */
  readonly notBy: Frame | undefined
  /** Frames that await it together with other promises. */
  readonly amongOthersBy: readonly Frame[]
  askWhoAwaits(): void
}

const storage = new AsyncLocalStorage<Frame>()
const rootCancellation = new Cancellation()

/** The frame of code that no run of heddle called. Its signal aborts only when the whole program is cancelled. */
export const rootFrame: Frame = {
  parent: undefined,
  context: {
    get signal() {
      return rootCancellation.signal
    },
    index: 0,
    attempt: 1,
    deadline: Number.POSITIVE_INFINITY,
    get idempotencyKey() {
      return keyOf(rootCancellation)
    },
  },
  cancellation: rootCancellation,
  run: 0,
  task: 0,
  label: () => 'the main program',
  children: 0,
  waits: 0,
}

/** Cancels everything that runs, as Ctrl-C does under `heddle run`. */
export function cancelProgram(reason: unknown): void {
  rootCancellation.abort(reason)
}

export function currentFrame(): Frame {
  return storage.getStore() ?? rootFrame
}

/** Runs `body` with the frame as the current one, also across its awaits. */
export function enterFrame<T, A extends unknown[]>(frame: Frame, body: (...args: A) => T, ...args: A): T {
  return storage.run(frame, body, ...args)
}

/** Calls `body` inside the frame that it was made for. */
export type Entrance = Restored

/**
 * A way into a frame from anywhere: from the message of a worker, the event of a stream, the timer of another run. It also restores the stores of
 * every AsyncLocalStorage of the program as they are now, so that a request never sees those of the request that happened to wake it.
 */
export function entranceOf(frame: Frame): Entrance {
  return storage.run(frame, snapshot)
}

/**
 * As {@link entranceOf}, for a frame that is entered often, by code that came through an entrance of the same run and only changes the frame.
 * From Node 24 on `run` copies a map, twice, and a snapshot only swaps a pointer: 300 against 100 ns. Before, `run` takes about 50 ns and a
 * snapshot 150.
 */
export function innerEntranceOf(frame: Frame): Entrance {
  return snapshotsAreCheap ? entranceOf(frame) : (body, ...args) => storage.run(frame, body, ...args)
}

/**
 * The context of the task that the caller runs in; outside every task, that of the program. Never throws.
 *
 * @example
 * await map(urls, async (url) => fetch(url, { signal: context().signal }))
 */
export function context(): TaskContext {
  return currentFrame().context
}
