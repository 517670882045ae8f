/** What a model sees of one open replica, whether it is a thread, a process, or made of a few lines by a test. */
import type { BatchLimits } from '../queue/chunks.ts'

export interface ReplicaHandle {
  /** Undefined for a thread. */
  readonly pid: number | undefined
  readonly memoryBytes: number
  /** Computes a batch, within bounds that the replica holds exactly. `done` rejects when all of it is lost. */
  run(items: readonly unknown[], limits: BatchLimits): Flight<BatchOutcome>
  /** Writes one answer part by part. */
  stream(item: unknown, onPart: (part: unknown) => void): StreamFlight
  /** Closes the model and ends the replica; after `graceMs` it is ended all the same. Never rejects. */
  end(graceMs: number): Promise<void>
  /** Ends it at once. */
  kill(): void
}

export interface Flight<T> {
  readonly done: Promise<T>
  /** Aborts the signal of the function. `done` settles when that has ended. */
  cancel(reason: unknown): void
}

export interface StreamFlight extends Flight<StreamOutcome> {
  /** The reader has taken so many parts: as many more may come. */
  more(parts: number): void
}

export interface BatchOutcome {
  /** At the position of each item. Undefined where it failed. */
  readonly values: readonly unknown[]
  readonly errors: readonly { readonly at: number; readonly error: unknown }[]
  /** What each counted for. */
  readonly tokens: ArrayLike<number>
  /** How many were computed together with each. */
  readonly batch: ArrayLike<number>
}

export interface StreamOutcome {
  readonly value: unknown
  readonly tokens: number
}

/** Why a replica is gone. */
export interface ReplicaExit {
  /** Words for a message: `exit code 3`, `signal SIGKILL`. */
  readonly reason: string
  readonly code: number | undefined
  readonly error: unknown
}

export interface ReplicaSettings {
  readonly replica: number
  readonly threads: number
}

/** Opens a replica: resolves when its model is open. Rejects with what `open` threw, or with `WorkerCrashed`. `gone` is called once after it was open. */
export type OpenReplica = (settings: ReplicaSettings, gone: (exit: ReplicaExit) => void) => Opening

export interface Opening {
  readonly handle: Promise<ReplicaHandle>
  /** Ends it before it is open; `handle` rejects. */
  kill(): void
}
