/** The words that reductions over outer axes carry from element to element, as inputs of the kernel that it writes back. */
import type { DType } from '../expression/dtype.ts'
import type { KernelProgram, ValueId } from '../kernel/ir.ts'

/** A word, with the value that it starts from. */
export interface Carried {
  readonly dtype: DType
  readonly start: number | bigint
}

/** A parameter of the kernel that is set in each round: its number from 0, or its number from 1 within the segment. */
export interface RoundParameter {
  readonly index: number
  readonly what: 'round' | 'count'
}

export class Carrying {
  readonly carried: Carried[] = []
  readonly roundParameters: RoundParameter[] = []
  readonly program: KernelProgram
  readonly #parameters: (number | bigint)[]

  constructor({ program, parameters }: { readonly program: KernelProgram; readonly parameters: (number | bigint)[] }) {
    this.program = program
    this.#parameters = parameters
  }

  word(dtype: DType, start: number | bigint): { readonly value: ValueId; become(next: ValueId): void } {
    this.carried.push({ dtype, start })
    const value = this.program.input(dtype)
    const over = this.program.inputs.length - 1
    return { value, become: (next) => this.program.outputs.push({ value: next, over }) }
  }

  /** A word of its own, which follows from itself. */
  carry(dtype: DType, start: number | bigint, step: (held: ValueId) => ValueId): void {
    const word = this.word(dtype, start)
    word.become(step(word.value))
  }

  f(name: 'add' | 'subtract' | 'multiply' | 'divide' | 'minimum' | 'maximum', a: ValueId, b: ValueId): ValueId {
    return this.program.operation(name, 'f64', 'f64', [a, b])
  }

  constant(value: number): ValueId {
    this.#parameters.push(value)
    return this.program.parameter('f64')
  }

  round(what: 'round' | 'count'): ValueId {
    const value = this.constant(0)
    this.roundParameters.push({ index: this.#parameters.length - 1, what })
    return value
  }
}
