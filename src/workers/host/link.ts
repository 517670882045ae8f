/** The wire to one worker: a thread or a child process behind the same few calls. */
import type { TransferListItem } from 'node:worker_threads'
import type { CancelMessage, HostMessage, WorkerMessage } from '../protocol.ts'

export interface LinkEvents {
  message(message: WorkerMessage): void
  /** Once; nothing comes after it. `error` is what ended the worker, where that is known. */
  exit(exit: LinkExit): void
  /** A message of the worker's cannot be read here, and is lost. Where nobody asks for it, the worker is ended. */
  unread?(error: Error): void
}

export interface LinkExit {
  readonly code: number | undefined
  /** Words for a message: `exit code 3`, `out of memory`, `signal SIGABRT`. */
  readonly reason: string
  readonly error: unknown
}

/** What a thread shows of itself while it is too busy for messages; see `progress.js`. */
export interface Progress {
  /** Number of the batch at work, or of the last one; 0 before the first. */
  readonly batch: number
  /** How many of its items have started. */
  readonly started: number
  /** True while the loop over the items is at work, false when only promises are pending. */
  readonly looping: boolean
  /** When the current item started, epoch milliseconds; only for batches with a timeout. */
  readonly startedAt: number
  /** The short number of the function whose module is being loaded; 0 when none is, -1 where that cannot be seen. */
  readonly loading: number
  /** It has loaded a native addon, and must not be ended before it has answered. */
  readonly native: boolean
}

export interface Link {
  /** @throws when something in the message cannot be cloned; nothing has been moved then */
  post(message: HostMessage, transfer?: readonly TransferListItem[]): void
  /** Can the worker get this value? */
  readonly clones: (value: unknown) => boolean
  /** Whether the host waits awake for what is posted next; see wait-mode.ts. */
  attend(awake: boolean): void
  /** Reaches the worker also while it is busy, if it can be reached at all. */
  control(message: CancelMessage): void
  /** Takes in at once what has arrived, without waiting for the event loop; false where that cannot be done. */
  poll(): boolean
  /** Undefined where it cannot be seen. */
  progress(): Progress | undefined
  /** Takes a batch back that has not been started; false when it has, or when that is unknown. */
  revoke(batch: number): boolean
  /** Where a thread and the pool settle who runs what the thread offers; see `../thread/claims.js`. */
  readonly offers?: Int32Array | undefined
  /** Its process, where it is one. */
  readonly process?: number | undefined
  /** Milliseconds for which its event loop has been busy; undefined where it cannot be seen. */
  busyMs(): number | undefined
  kill(): void
  /** Asks a thread to end by itself; false where that cannot be asked. */
  end(): boolean
  /** Has it seen that it is to end? */
  answered(): boolean
  /** Keeps the program alive while there is work. */
  ref(): void
  unref(): void
}

export interface LinkOptions {
  /** Bound on the heap of the worker in megabytes. */
  readonly memoryLimitMb: number | undefined
  /** How many workers the pool has at most. */
  readonly slots: number
  /** How many of them are idle, for what workers offer: shared with threads. */
  readonly idle: Int32Array<SharedArrayBuffer>
}

export type OpenLink = (options: LinkOptions, events: LinkEvents) => Link
