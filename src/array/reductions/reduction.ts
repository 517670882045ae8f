/**
 * The parts of a reduction. An {@link Accumulator} says how a state takes in blocks and how two states become one, on whichever thread;
 * a {@link Reduction} says which elements go into which accumulator, and what its words mean in the end. A reduction over rows runs block by
 * block; one over outer axes carries the words of all elements side by side through the kernel.
 */
import type { DType } from '../expression/dtype.ts'
import type { Node, ReduceRule } from '../expression/node.ts'
import type { KernelInstance } from '../kernel/instance.ts'
import type { KernelProgram, ValueId } from '../kernel/ir.ts'
import type { Carrying } from './carrying.ts'
import type { States } from './states.ts'

/** What one reduction keeps between blocks; plain data that crosses to workers. */
export interface Measure {
  /** Which {@link Accumulator}. */
  readonly kind: string
  readonly dtype: DType
  /** Its first reduction in the kernel. */
  readonly reduction: number
  /** A parameter or an output that the accumulator needs, such as the one with the values of argmin; -1: none. */
  readonly extra: number
}

export interface Accumulator {
  /** Words of 8 bytes that a state takes. */
  readonly words: number
  /** Writes the state of no elements. */
  start(dtype: DType, states: States, at: number): void
  /**
   * Adds the block that the kernel has just run over.
   * @param position of the block's first element
   */
  absorb(measure: Measure, instance: KernelInstance, states: States, at: number, position: number, count: number): void
  /** Merges the state at `from`, whose elements come later, into the one at `at`. */
  merge(dtype: DType, states: States, at: number, other: States, from: number): void
  /** What is to be subtracted from the elements of the next block, as the parameter `extra`: it follows from those so far. */
  shift?(states: States, at: number): number
}

/** What a reduction adds to a kernel over rows. */
export interface RowKernel {
  readonly program: KernelProgram
  readonly parameters: (number | bigint)[]
}

export interface Reduction extends ReduceRule {
  /** Side by side, whole numbers of 64 bits are carried as such; else as f64. */
  readonly carriesInt64?: true
  /** The same as an expression over other reductions, where it is better made of them. */
  madeOf?(input: Node, axes: readonly number[]): Node | undefined
  /** Adds to the kernel what feeds the accumulator. */
  overRows(kernel: RowKernel, value: ValueId): Measure
  /** Adds the words that are carried, and how each follows from the next element. @returns the accumulator that merges them */
  sideBySide(carrying: Carrying, value: ValueId, dtype: DType): string
  /** The result as an expression over the words of the merged state. */
  finish(words: readonly Node[], count: number, ddof: number): Node
}

/** A reduction of the kernel, as an accumulator that needs nothing else takes it in. */
export function plainMeasure({ program }: RowKernel, kind: 'prod' | 'min' | 'max' | 'any' | 'all', value: ValueId): Measure {
  const reduction = program.reductions.push({ kind, value }) - 1
  return { kind, dtype: program.dtype(value), reduction, extra: -1 }
}

export const firstWord = ([word]: readonly Node[]): Node => word as Node

/** The lanes of a reduction's accumulators in the kernel; masks of bool as 0 and 1. */
export function lanesOf({ reduction, dtype }: Measure, { view, kernel }: KernelInstance): number[] {
  const { address, vectors } = kernel.reductions[reduction] as { address: number; vectors: number }
  const lanes: number[] = []
  const width = dtype === 'f64' ? 8 : 4
  for (let at = address; at < address + 16 * vectors; at += width) {
    if (dtype === 'f64') lanes.push(view.getFloat64(at, true))
    else if (dtype === 'f32') lanes.push(view.getFloat32(at, true))
    else if (dtype === 'u32') lanes.push(view.getUint32(at, true))
    else lanes.push(dtype === 'bool' ? -view.getInt32(at, true) : view.getInt32(at, true))
  }
  return lanes
}

/** The same of 64-bit integers. */
export function bigLanesOf({ reduction }: Measure, { view, kernel }: KernelInstance): bigint[] {
  const { address } = kernel.reductions[reduction] as { address: number }
  return [0, 8, 16, 24].map((lane) => view.getBigInt64(address + lane, true))
}
