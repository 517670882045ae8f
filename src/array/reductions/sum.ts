/**
 * Sums and means. Of floating point they keep their rounding error (double-double), so that it does not grow with the length; of whole numbers
 * below 64 bits they are exact; of i64 they wrap around.
 */
import { full, map } from '../expression/build.ts'
import type { DType } from '../expression/dtype.ts'
import type { Node } from '../expression/node.ts'
import type { ValueId } from '../kernel/ir.ts'
import { twoSum } from '../kernel/two-sum.ts'
import type { Carrying } from './carrying.ts'
import { type Accumulator, bigLanesOf, firstWord, type Measure, type Reduction, type RowKernel } from './reduction.ts'
import { addTo } from './states.ts'

/** Words: the sum, its rounding error. */
export const sumAccumulator: Accumulator = {
  words: 2,
  start: (_, { f }, at) => void f.fill(0, at, at + 2),
  absorb({ dtype, reduction }, { doubles, kernel, view }, { f }, at) {
    const { address, vectors } = kernel.reductions[reduction] as { address: number; vectors: number }
    if (dtype === 'f64') absorbDoubles(doubles, address / 8, f, at)
    else absorbWhole(view, address, vectors, f, at)
  },
  merge: (_, { f }, at, other, from) => addTo(f, at, other.f[from] as number, other.f[from + 1] as number),
}

/** Words: the sum modulo 2^64. */
export const wrapAccumulator: Accumulator = {
  words: 1,
  start: (_, { i }, at) => void (i[at] = 0n),
  absorb(measure, instance, { i }, at) {
    i[at] = bigLanesOf(measure, instance).reduce((a, b) => BigInt.asIntN(64, a + b), i[at] as bigint)
  },
  merge: (_, { i }, at, other, from) => void (i[at] = BigInt.asIntN(64, (i[at] as bigint) + (other.i[from] as bigint))),
}

export const sum: Reduction = {
  name: 'sum',
  resultType: (dtype) => (dtype === 'i64' || dtype === 'f32' ? dtype : 'f64'),
  carriesInt64: true,
  overRows(kernel, value) {
    if (kernel.program.dtype(value) !== 'i64') return sumOfRows(kernel, value)
    const reduction = kernel.program.reductions.push({ kind: 'wrap', value }) - 1
    return { kind: 'wrap', dtype: 'i64', reduction, extra: -1 }
  },
  sideBySide(carrying, value, dtype) {
    if (dtype !== 'i64') return carrySum(carrying, value)
    carrying.carry('i64', 0n, (held) => carrying.program.operation('add', 'i64', 'i64', [held, value]))
    return 'wrap'
  },
  finish: (words) => (words.length === 1 ? firstWord(words) : total(words)),
}

export const mean: Reduction = {
  name: 'mean',
  resultType: floating,
  overRows: sumOfRows,
  sideBySide: carrySum,
  finish: (words, count) => map('divide', [total(words), full([], 'f64', count)]),
}

export function floating(dtype: DType): DType {
  return dtype === 'f32' ? 'f32' : 'f64'
}

/** The sum of values of any dtype; those of 32 bits and less are added as whole numbers. */
export function sumOfRows({ program }: RowKernel, value: ValueId): Measure {
  const dtype = program.dtype(value)
  const float = dtype === 'f32' || dtype === 'i64'
  const reduction = program.reductions.push({ kind: 'sum', value: float ? program.cast(value, 'f64') : value }) - 1
  return { kind: 'sum', dtype: float ? 'f64' : dtype, reduction, extra: -1 }
}

export function carrySum(carrying: Carrying, value: ValueId): string {
  const held = carrying.word('f64', 0)
  const error = carrying.word('f64', 0)
  const algebra = {
    add: (a: ValueId, b: ValueId) => carrying.f('add', a, b),
    subtract: (a: ValueId, b: ValueId) => carrying.f('subtract', a, b),
  }
  const { sum, lost } = twoSum(algebra, held.value, value)
  held.become(sum)
  error.become(carrying.f('add', error.value, lost))
  return 'sum'
}

/** The sum and its error as one double; after an overflow or an infinity the error says nothing. */
export function total(words: readonly Node[]): Node {
  const [a, b] = words as [Node, Node]
  return map('where', [map('isfinite', [a]), map('add', [a, b]), a])
}

/** Four sums with their compensations, each pair of vectors after the other. */
export function absorbDoubles(memory: Float64Array, from: number, f: Float64Array, at: number): void {
  for (let pair = from; pair < from + 8; pair += 4) {
    addTo(f, at, memory[pair] as number, memory[pair + 2] as number)
    addTo(f, at, memory[pair + 1] as number, memory[pair + 3] as number)
  }
}

function absorbWhole(view: DataView, address: number, vectors: number, f: Float64Array, at: number): void {
  // A block's sum of 32-bit integers is far below 2^53.
  let sum = 0
  for (let lane = address; lane < address + 16 * vectors; lane += vectors === 2 ? 8 : 4) {
    sum += vectors === 2 ? Number(view.getBigInt64(lane, true)) : view.getInt32(lane, true)
  }
  addTo(f, at, sum, 0)
}
