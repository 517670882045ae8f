/**
 * Functions that a worker makes of several worker functions, beyond calling them in a row. Data only: it crosses with the names of the parts.
 *
 * Every shape begins with a chain: what each of its functions does with an item. What follows in the list of parts is named at each shape.
 */
import type { Chunk, Rows, WireError } from '../encoding/encoded.ts'

/** What becomes of what a function gives: it is the next item, it says whether the item stays, or it holds the next items. */
export type Op = 'map' | 'filter' | 'flatMap'

/** Says what the key of an item is: a field of it, what the next part says (undefined), or the same for all (null). */
export type KeyField = string | number | undefined | null

export type Shape = ChainShape | ResumeShape | ScatterShape | GatherShape | FoldShape

/** One item; gives the list of what comes of it, or where it {@link Halted}. */
export interface ChainShape {
  readonly kind: 'chain'
  readonly ops: readonly Op[]
  /** Which functions may be called again: what they get is kept until they have given something. @default none */
  readonly keeps?: readonly boolean[]
}

/** An item that a chain halted at; goes on there. */
export interface ResumeShape {
  readonly kind: 'resume'
  readonly ops: readonly Op[]
  readonly keeps: readonly boolean[]
}

/** An item on its way through a chain, of which a function that may be called again has failed. */
export interface Halted {
  /** Which function. */
  readonly halted: number
  /** Its calls for what came of the item before, in order. */
  readonly calls: readonly (Called | FailedCall)[]
}

/** The calls up to here have given this. */
export interface Called {
  readonly next: ArrayLike<unknown>
}

/** A call that failed, or that is still to be made. */
export interface FailedCall {
  /** What it gets: as bytes, or as it is. Of the first function that is the item itself, which its sender has. */
  readonly input: unknown
  readonly bytes: Uint8Array | undefined
  /** Which of the function's calls for this item it is. */
  readonly place: number
  readonly error: WireError | undefined
}

/** A block of items; gives what comes of them by partition of their keys. Then come the key where it is a function, and with `partial` fold and start. */
export interface ScatterShape {
  readonly kind: 'scatter'
  readonly ops: readonly Op[]
  readonly key: KeyField
  /** Items of a key are folded here first, so that one value per key and block travels. */
  readonly partial: boolean
  readonly start: Start
}

/** Folds what comes to one partition. Then come fold, start, and what combines partial values. */
export interface GatherShape {
  readonly kind: 'gather'
  readonly ops: readonly []
  readonly key: KeyField
  readonly partial: boolean
  readonly start: Start
}

/** A block of items folded into one value, which begins with the value that comes with the block. Then comes the fold. */
export interface FoldShape {
  readonly kind: 'fold'
  readonly ops: readonly Op[]
}

/** Where the first value of a fold comes from: a function, or a value that comes with the block. */
export type Start = 'function' | 'value'

/** A block of items on its way to a worker: those from `first` on. */
export interface Block {
  readonly block: number
  readonly first: number
  readonly count: number
  /** In columns where `packed`. */
  readonly items: ArrayLike<unknown> | Rows
  readonly packed: boolean
  /** The first value of folds, where that is a value. */
  readonly start: unknown
  /** Where its items go, if they are divided. */
  readonly shuffle: number
  readonly partitions: number
}

/** What comes of a block, by partition. */
export interface Scattered {
  /** Bytes, or the items as they are; a number says how many of them stayed on the worker where the partition lies; null: none. */
  readonly chunks: readonly (Uint8Array | Chunk | number | null)[]
  readonly count: number
  /** How long it took. */
  readonly ms: number
}
