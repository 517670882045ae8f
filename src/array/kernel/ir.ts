/**
 * What a kernel computes: typed expressions over blocks of elements, with constants, seeds and bounds as parameters,
 * so that expressions of one form share one compiled kernel.
 */
import type { DType } from '../expression/dtype.ts'
import type { OperationName } from '../expression/elementwise.ts'

/** Elements per call of a kernel. 32 KiB per f64 operand stay in the first two levels of cache; a multiple of 128. */
export const blockLength = 4096

/** A value of the program: one element of every lane. */
export type ValueId = number

export type KernelNode =
  /** A dense block of elements in slot `slot`. */
  | { readonly kind: 'input'; readonly slot: number; readonly dtype: DType }
  /** The same for all elements. */
  | { readonly kind: 'parameter'; readonly index: number; readonly dtype: DType }
  /** The element's position in C order, as a double. */
  | { readonly kind: 'position'; readonly dtype: 'f64' }
  /** Uniform in [0, 1), or standard normal; the stream's key is an i64 parameter. */
  | { readonly kind: 'random'; readonly distribution: 'uniform' | 'normal'; readonly key: number; readonly dtype: 'f64' }
  | { readonly kind: 'cast'; readonly dtype: DType; readonly args: readonly [ValueId] }
  | {
      readonly kind: 'operation'
      readonly name: OperationName
      readonly operand: DType
      readonly dtype: DType
      readonly args: readonly ValueId[]
    }

/**
 * - `sum`: f64, compensated; whole numbers exactly.
 * - `wrap`: the sum of i64 modulo 2^64.
 * - `prod`: of f64, or of i64 modulo 2^64.
 * - `min`, `max`: NaN if there is one.
 * - `any`, `all`: of bool.
 */
export type ReductionKind = 'sum' | 'wrap' | 'prod' | 'min' | 'max' | 'any' | 'all'

export interface Output {
  readonly value: ValueId
  /** The slot of an input that the result is written over: for values that are carried from call to call. */
  readonly over?: number
}

export interface Reduction {
  readonly kind: ReductionKind
  readonly value: ValueId
}

/** A kernel under construction. Equal nodes are made once. */
export class KernelProgram {
  readonly nodes: KernelNode[] = []
  readonly inputs: DType[] = []
  readonly parameters: DType[] = []
  readonly outputs: Output[] = []
  readonly reductions: Reduction[] = []
  readonly #known = new Map<string, ValueId>()

  add(node: KernelNode): ValueId {
    const key = JSON.stringify(node)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const id = this.nodes.push(node) - 1
    this.#known.set(key, id)
    return id
  }

  input(dtype: DType): ValueId {
    return this.add({ kind: 'input', slot: this.inputs.push(dtype) - 1, dtype })
  }

  parameter(dtype: DType): ValueId {
    return this.add({ kind: 'parameter', index: this.parameters.push(dtype) - 1, dtype })
  }

  random(distribution: 'uniform' | 'normal'): ValueId {
    return this.add({ kind: 'random', distribution, key: this.parameters.push('i64') - 1, dtype: 'f64' })
  }

  cast(value: ValueId, dtype: DType): ValueId {
    return this.dtype(value) === dtype ? value : this.add({ kind: 'cast', dtype, args: [value] })
  }

  operation(name: OperationName, operand: DType, dtype: DType, args: readonly ValueId[]): ValueId {
    return this.add({ kind: 'operation', name, operand, dtype, args })
  }

  dtype(value: ValueId): DType {
    return (this.nodes[value] as KernelNode).dtype
  }

  /** Equal for programs that compile to the same module. */
  key(): string {
    return JSON.stringify([this.nodes, this.outputs, this.reductions])
  }
}
