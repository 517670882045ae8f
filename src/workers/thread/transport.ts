/** The types that the files of the thread share. Only types: the thread runs where no TypeScript does. */
import type { Cloneable } from '../../encoding/cloning.js'
import type { Shape } from '../../run/shapes.ts'
import type { CancelMessage, WorkerMessage } from '../protocol.ts'

/** How a runner speaks to its host, whether it is a thread or a child process. */
export interface Transport {
  post(message: WorkerMessage, transfer?: unknown[]): void
  /** The next cancellation that came while the thread was busy. */
  poll(): CancelMessage | undefined
  /** A batch is to begin; false where the host has taken it back. */
  begin(batch: number): boolean
  /** Whether the host still wants a batch that has not begun. */
  wanted(batch: number): boolean
  /** The module of this function is being loaded; 0: none is. */
  loading(fn: number): void
  readonly clones: Cloneable
  readonly progress: Int32Array | undefined
  readonly startedAt: Float64Array | undefined
}

export type Callable = (...args: unknown[]) => unknown

/** What one `workers(…)` of a module registered. */
export interface Registration {
  readonly setup?: () => unknown
  /** What must be loaded before its first call. */
  readonly ready?: Promise<unknown>
  readonly definitions?: Record<string, Callable>
  readonly ambient?: Ambient
}

/** A function that is not loaded yet. */
export interface Named {
  readonly module: string
  readonly name: string
  /** Short numbers of the functions that it is made of: each gets what the one before gave. */
  readonly parts?: readonly number[]
  readonly shape?: Shape
}

export interface Ambient {
  enter(context: unknown, body: () => unknown): unknown
  set(context: unknown): void
}

export interface Loaded {
  readonly call: Callable
  readonly ambient: Ambient | undefined
  promises: 'unknown' | 'never' | 'yes'
  /** How many functions it is made of, where it is several in a row. */
  readonly parts?: number
}
