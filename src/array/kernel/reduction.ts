/**
 * Accumulators of reductions inside a kernel. Sums of doubles add 128 elements plainly in four lanes, then add that to a sum
 * that keeps its rounding error (Knuth's TwoSum; Neumaier 1974): their error does not grow with the length.
 * Sums of whole numbers are exact.
 */
import type { DType } from '../expression/dtype.ts'
import type { SimdOp } from '../wasm/opcodes.ts'
import type { Vector, VectorGraph } from '../wasm/vectors.ts'
import { convertLanes, type Lanes, widenMask } from './convert.ts'
import type { ReductionKind } from './ir.ts'
import { integerExtreme } from './operations.ts'
import { twoSum } from './two-sum.ts'

type Assignment = readonly [local: number, value: Vector]

export interface Accumulator {
  readonly starts: readonly Assignment[]
  readonly updates: readonly Assignment[]
  /** Locals to store when the block is done, in the order in which `../partial.ts` reads them. */
  readonly results: readonly number[]
  /** For a compensated sum: the plain sums, the sum and the compensation of each vector. */
  readonly compensated: readonly Compensated[]
  /** After the last element, before the results are stored. */
  readonly finish: readonly Assignment[]
}

interface Compensated {
  readonly plain: readonly number[]
  readonly sum: number
  readonly compensation: number
}

/**
 * Two accumulators that take turns: an addition waits for the one before the last, so that two of them are under way at once. One alone
 * where there is too much else in the loop for the registers to hold another.
 */
function turns(g: VectorGraph, locals: readonly number[], next: (held: Vector) => Vector): Assignment[] {
  const [first, second] = locals as [number, number | undefined]
  if (second === undefined) return [[first, next(g.variable(first))]]
  return [
    [first, g.variable(second)],
    [second, next(g.variable(first))],
  ]
}

/**
 * @param mask 32-bit masks of the elements that count; all do when undefined.
 * @param inTurns how many accumulators there are for each vector, 1 or 2
 */
export function accumulate(
  g: VectorGraph,
  kind: ReductionKind,
  dtype: DType,
  value: Lanes,
  mask: Vector | undefined,
  newLocal: () => number,
  inTurns: number,
): Accumulator {
  if (kind === 'sum' && dtype === 'f64') return compensatedSum(g, value, mask, newLocal, inTurns)
  const wide = kind === 'sum' && (dtype === 'i32' || dtype === 'u32')
  const lanes = wide ? convertLanes(g, dtype, 'i64', value) : kind === 'sum' ? convertLanes(g, dtype, 'u8', value) : value
  const held = wide ? 'i64' : dtype
  const neutral = neutralVector(g, kind, held)
  const locals = lanes.map(() => Array.from({ length: inTurns }, newLocal))
  const counted = masked(g, held, lanes, neutral, mask)
  const combined = (a: Vector, b: Vector): Vector => combine(g, kind, held, a, b)
  return {
    starts: locals.flat().map((local) => [local, neutral]),
    updates: locals.flatMap((own, i) => turns(g, own, (sum) => combined(sum, counted[i] as Vector))),
    results: locals.map(([first]) => first as number),
    compensated: [],
    finish: inTurns === 1 ? [] : locals.map((own) => [own[0] as number, own.map((local) => g.variable(local)).reduce(combined)]),
  }
}

/**
 * The sum of uniform numbers, given as mantissas of 52 bits: in whole numbers it is exact, and takes half the instructions. A block has 1,024
 * per lane, so nothing overflows.
 */
export function mantissaSum(g: VectorGraph, mantissas: Lanes, mask: Vector | undefined, newLocal: () => number): Accumulator {
  const zero = g.f64(0)
  const counted = masked(g, 'f64', mantissas, zero, mask)
  const locals = mantissas.map(newLocal)
  const halves = mantissas.map(() => [newLocal(), newLocal()] as const)
  const two52 = g.f64(2 ** 52)
  // A whole number below 2^52 becomes a double by its place in the mantissa of 2^52.
  const scaled = (x: Vector, unit: number): Vector =>
    g.op('f64x2.mul', g.op('f64x2.sub', g.op('v128.or', x, two52), two52), g.f64(unit))
  return {
    starts: locals.map((local) => [local, zero]),
    updates: locals.map((local, i) => [local, g.op('i64x2.add', g.variable(local), counted[i] as Vector)]),
    results: halves.flat(),
    compensated: [],
    finish: locals.flatMap((local, i): Assignment[] => {
      const [high, low] = halves[i] as readonly [number, number]
      const sum = g.variable(local)
      return [
        [high, scaled(g.shift('i64x2.shr_u', sum, 32), 2 ** -20)],
        [low, scaled(g.op('v128.and', sum, g.i64(0xffff_ffffn)), 2 ** -52)],
      ]
    }),
  }
}

function masked(g: VectorGraph, dtype: DType, lanes: Lanes, neutral: Vector, mask: Vector | undefined): Lanes {
  if (mask === undefined) return lanes
  const masks = dtype === 'f64' || dtype === 'i64' ? widenMask(g, [mask]) : [mask]
  return lanes.map((value, i) => g.select(masks[i] as Vector, value, neutral))
}

function compensatedSum(
  g: VectorGraph,
  value: Lanes,
  mask: Vector | undefined,
  newLocal: () => number,
  inTurns: number,
): Accumulator {
  const zero = g.f64(0)
  const sums = value.map((): Compensated => ({
    plain: Array.from({ length: inTurns }, newLocal),
    sum: newLocal(),
    compensation: newLocal(),
  }))
  const counted = masked(g, 'f64', value, zero, mask)
  return {
    starts: sums.flatMap(({ plain, sum, compensation }) => [...plain, sum, compensation].map((local) => [local, zero] as const)),
    updates: sums.flatMap(({ plain }, i) => turns(g, plain, (held) => g.op('f64x2.add', held, counted[i] as Vector))),
    results: sums.flatMap(({ sum, compensation }) => [sum, compensation]),
    compensated: sums,
    finish: [],
  }
}

/** What happens between sub-blocks: the plain sum goes into the compensated one. */
export function combineSubBlock(g: VectorGraph, { compensated }: Accumulator): Assignment[] {
  return compensated.flatMap((locals): Assignment[] => {
    const plain = locals.plain.map((local) => g.variable(local)).reduce((a, b) => g.op('f64x2.add', a, b))
    const { sum, lost } = twoSum(
      { add: (a, b) => g.op('f64x2.add', a, b), subtract: (a, b) => g.op('f64x2.sub', a, b) },
      g.variable(locals.sum),
      plain,
    )
    return [
      [locals.sum, sum],
      [locals.compensation, g.op('f64x2.add', g.variable(locals.compensation), lost)],
      ...locals.plain.map((local) => [local, g.f64(0)] as const),
    ]
  })
}

function neutralVector(g: VectorGraph, kind: ReductionKind, dtype: DType): Vector {
  switch (kind) {
    case 'sum':
    case 'wrap':
    case 'any':
      return g.i32(0)
    case 'all':
      return g.i32(-1)
    case 'prod':
      return dtype === 'i64' ? g.i64(1n) : g.f64(1)
    default:
      return extremeStart(g, kind, dtype)
  }
}

function extremeStart(g: VectorGraph, kind: 'min' | 'max', dtype: DType): Vector {
  const low = kind === 'max'
  if (dtype === 'f64') return g.f64(low ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY)
  if (dtype === 'f32') return g.f32(low ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY)
  if (dtype === 'i64') return g.i64(low ? -(2n ** 63n) : 2n ** 63n - 1n)
  if (dtype === 'i32') return g.i32(low ? -(2 ** 31) : 2 ** 31 - 1)
  // Unsigned 0, or all bits; for a mask of bool, false or true.
  return g.i32(low ? 0 : dtype === 'u8' ? 255 : -1)
}

function combine(g: VectorGraph, kind: ReductionKind, dtype: DType, a: Vector, b: Vector): Vector {
  const float = dtype === 'f64' ? 'f64x2' : dtype === 'f32' ? 'f32x4' : undefined
  switch (kind) {
    case 'sum':
    case 'wrap':
      return g.op(dtype === 'i64' ? 'i64x2.add' : 'i32x4.add', a, b)
    case 'prod':
      return g.op(dtype === 'i64' ? 'i64x2.mul' : 'f64x2.mul', a, b)
    case 'any':
      return g.op('v128.or', a, b)
    case 'all':
      return g.op('v128.and', a, b)
    default:
      if (float) return g.op(`${float}.${kind}` as SimdOp, a, b)
      if (dtype === 'bool') return g.op(kind === 'min' ? 'v128.and' : 'v128.or', a, b)
      return integerExtreme(g, kind === 'min' ? 'minimum' : 'maximum', dtype, a, b)
  }
}
