/** The common part of the shared primitives: a piece of shared memory that says what it is for, and leases. */
import { describe, InvalidOption } from '../../base/errors.ts'
import type { Cells } from './hold.ts'

const kinds = ['SharedMutex', 'SharedSemaphore', 'SharedBarrier'] as const
export type Kind = (typeof kinds)[number]

/** Chosen at random: marks memory of ours, the kind in the lowest bits. */
const mark = 0x5d_a1_e0_00
const cellCount = 4

/**
 * Cell 0 says the kind, cell 1 the `size` (capacity, parties); the state follows.
 * @param state the first cell of the state
 */
export function newMemory(kind: Kind, size: number, state: number): Cells {
  const cells = new Int32Array(new SharedArrayBuffer(cellCount * Int32Array.BYTES_PER_ELEMENT))
  cells[0] = mark + kinds.indexOf(kind)
  cells[1] = size
  cells[2] = state
  return cells
}

/** @throws {InvalidOption} when the memory is not what `kind` made */
export function knownMemory(kind: Kind, shared: unknown): Cells {
  if (shared instanceof SharedArrayBuffer && shared.byteLength === cellCount * Int32Array.BYTES_PER_ELEMENT) {
    const cells = new Int32Array(shared)
    if (cells[0] === mark + kinds.indexOf(kind)) return cells
  }
  throw new InvalidOption(`Expected ${kind}.from to get the \`shared\` of a ${kind}, got ${describe(shared)}`)
}

/** The right to go on, on whatever thread it was acquired. Give it back in a `finally` block or with `using`. */
export class SharedLease {
  #giveBack: (() => void) | undefined

  /** @internal */
  constructor(giveBack: () => void) {
    this.#giveBack = giveBack
  }

  /** Gives it back; a second time does nothing. */
  release(): void {
    const giveBack = this.#giveBack
    this.#giveBack = undefined
    giveBack?.()
  }

  [Symbol.dispose](): void {
    this.release()
  }
}
