/**
 * How large the values of one place are, so that what is held of them can be bounded in bytes and not only in number: a thousand results are
 * nothing when they are numbers, and five gigabytes when they are pictures.
 *
 * Measured are all of the first, then every eighth while they are small, and all again as soon as they are large.
 */
import type { FunctionRef } from './executor.ts'
import { messageBytes } from '../encoding/message-size.js'

/** What one buffer may hold: between two stages, read ahead of a source, given back and not taken. Chosen: several stages, the copies at both ends of a message, and what is not collected yet come on top. */
export const heldBytes = 16 * 2 ** 20
/** What one message may weigh: the sender has it twice while it is copied, and so has the receiver. Chosen. */
export const messageBytesMost = 8 * 2 ** 20

const measuredAtFirst = 16
const sampling = 8
const largeBytes = 4_096
/** Larger values count at once, so that few come through before they are noticed; smaller ones are believed slowly. */
const [upwards, downwards] = [0.5, 0.1]

export class Sizes {
  /** Bytes of a value. */
  average = 0
  #count = 0

  /** Whether anything is known. */
  get known(): boolean {
    return this.#count > 0
  }

  note(value: unknown): void {
    const count = this.#count++
    if (count < measuredAtFirst || this.average >= largeBytes || count % sampling === 0) this.#measure(value)
  }

  /** Of values that come together, a few are measured. */
  noteSome(values: ArrayLike<unknown>): void {
    const step = this.average < largeBytes ? Math.ceil(values.length / sampling) : 1
    for (let i = 0; i < values.length; i += step) this.#measure(values[i])
    this.#count += values.length
  }

  #measure(value: unknown): void {
    const bytes = messageBytes(value)
    if (this.#count <= 1) this.average = bytes
    else this.average += (bytes > this.average ? upwards : downwards) * (bytes - this.average)
  }
}

/** How many values of those sizes together stay within a number of bytes; 1 at least, and `Infinity` for what weighs nothing. */
export function within(bytes: number, ...sizes: readonly Sizes[]): number {
  let each = 0
  for (const { average } of sizes) each += average
  return Math.max(1, Math.floor(bytes / each))
}

/** As long as nobody knows how large results are; chosen. */
const firstResults = 8

/** How many calls may be out whose results come to a number of bytes; few until the first result has come. */
export function callsWithin(bytes: number, { items, results }: CallSizes): number {
  return results.known ? within(bytes, items, results) : Math.min(firstResults, within(bytes, items))
}

export interface CallSizes {
  readonly items: Sizes
  readonly results: Sizes
}

/** What a function gives is remembered: its first batch in the next run is as large as it may be, and no larger. */
export function sizesOf(ref: FunctionRef): CallSizes {
  let sizes = known.get(ref)
  if (!sizes) known.set(ref, (sizes = { items: new Sizes(), results: new Sizes() }))
  return sizes
}

const known = new WeakMap<FunctionRef, CallSizes>()
