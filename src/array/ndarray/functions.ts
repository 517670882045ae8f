/** NumPy's functions on arrays and numbers, for what has no method and for those who prefer functions. */
import { describe, InvalidOption } from '../../base/errors.ts'
import {
  type ArgumentOptions,
  checkArray,
  elementwise,
  NDArray,
  type Operand,
  type Rank,
  type ReduceOptions,
  type SumOptions,
  type VarianceOptions,
} from './array.ts'
import * as build from '../expression/build.ts'
import { type ComputeOptions, computeNodes } from './compute.ts'
import type { Dense } from '../memory/dense.ts'
import type { DType } from '../expression/dtype.ts'
import type { OperationName } from '../expression/elementwise.ts'
import type { Node } from '../expression/node.ts'
import { normalizeAxis } from '../expression/axes.ts'
import { indexView } from '../expression/view.ts'
import { nonzero } from '../selection/positions.ts'

type FloatOf<T> = T extends NDArray<infer D, infer R> ? NDArray<D extends 'f32' | 'f16' ? D : 'f64', R> : NDArray<'f64', 'scalar'>
type SameAs<T> = T extends NDArray<infer D, infer R> ? NDArray<D, R> : NDArray<DType, 'scalar'>
type TestOf<T> = T extends NDArray<DType, infer R> ? NDArray<'bool', R> : NDArray<'bool', 'scalar'>
type RankOf<A, B> =
  A extends NDArray<DType, infer R>
    ? R extends 'scalar'
      ? RankOf<B, number>
      : R
    : B extends NDArray<DType, infer S>
      ? S
      : 'scalar'

const float1 =
  (name: OperationName) =>
  <T extends Operand>(x: T): FloatOf<T> =>
    elementwise(name, x) as unknown as FloatOf<T>
const same1 =
  (name: OperationName) =>
  <T extends Operand>(x: T): SameAs<T> =>
    elementwise(name, x) as unknown as SameAs<T>
const test1 =
  (name: OperationName) =>
  <T extends Operand>(x: T): TestOf<T> =>
    elementwise(name, x) as unknown as TestOf<T>
const two =
  (name: OperationName) =>
  <A extends Operand, B extends Operand>(a: A, b: B): NDArray<DType, RankOf<A, B>> =>
    elementwise(name, a, b)
const float2 =
  (name: OperationName) =>
  <A extends Operand, B extends Operand>(a: A, b: B): NDArray<'f64' | 'f32' | 'f16', RankOf<A, B>> =>
    elementwise(name, a, b)
const bool2 =
  (name: OperationName) =>
  <A extends Operand, B extends Operand>(a: A, b: B): NDArray<'bool', RankOf<A, B>> =>
    elementwise(name, a, b)

/** The square root; NaN below 0. @throws {InvalidOption} when `x` is neither an array nor a number */
export const sqrt = float1('sqrt')
/** The cube root. @throws {InvalidOption} when `x` is neither an array nor a number */
export const cbrt = float1('cbrt')
/** e to the power of `x`. @throws {InvalidOption} when `x` is neither an array nor a number */
export const exp = float1('exp')
/** `exp(x) - 1`, exact also near 0. @throws {InvalidOption} when `x` is neither an array nor a number */
export const expm1 = float1('expm1')
/** The natural logarithm; NaN below 0. @throws {InvalidOption} when `x` is neither an array nor a number */
export const log = float1('log')
/** `log(1 + x)`, exact also near 0. @throws {InvalidOption} when `x` is neither an array nor a number */
export const log1p = float1('log1p')
/** The logarithm to base 2. @throws {InvalidOption} when `x` is neither an array nor a number */
export const log2 = float1('log2')
/** The logarithm to base 10. @throws {InvalidOption} when `x` is neither an array nor a number */
export const log10 = float1('log10')
/** The sine of `x` in radians. @throws {InvalidOption} when `x` is neither an array nor a number */
export const sin = float1('sin')
/** The cosine of `x` in radians. @throws {InvalidOption} when `x` is neither an array nor a number */
export const cos = float1('cos')
/** The tangent of `x` in radians. @throws {InvalidOption} when `x` is neither an array nor a number */
export const tan = float1('tan')
/** The inverse sine, in radians from -π/2 to π/2; NaN outside -1 to 1. @throws {InvalidOption} when `x` is neither an array nor a number */
export const arcsin = float1('arcsin')
/** The inverse cosine, in radians from 0 to π; NaN outside -1 to 1. @throws {InvalidOption} when `x` is neither an array nor a number */
export const arccos = float1('arccos')
/** The inverse tangent, in radians from -π/2 to π/2. @throws {InvalidOption} when `x` is neither an array nor a number */
export const arctan = float1('arctan')
/** The hyperbolic sine. @throws {InvalidOption} when `x` is neither an array nor a number */
export const sinh = float1('sinh')
/** The hyperbolic cosine. @throws {InvalidOption} when `x` is neither an array nor a number */
export const cosh = float1('cosh')
/** The hyperbolic tangent. @throws {InvalidOption} when `x` is neither an array nor a number */
export const tanh = float1('tanh')
/** The inverse hyperbolic sine. @throws {InvalidOption} when `x` is neither an array nor a number */
export const arcsinh = float1('arcsinh')
/** The inverse hyperbolic cosine; NaN below 1. @throws {InvalidOption} when `x` is neither an array nor a number */
export const arccosh = float1('arccosh')
/** The inverse hyperbolic tangent; NaN outside -1 to 1. @throws {InvalidOption} when `x` is neither an array nor a number */
export const arctanh = float1('arctanh')
/** `1 / x`. @throws {InvalidOption} when `x` is neither an array nor a number */
export const reciprocal = float1('reciprocal')
/** The absolute value; the dtype stays. @throws {InvalidOption} when `x` is neither an array nor a number */
export const abs = same1('abs')
/** -1, 0 or 1 by the sign of `x`; NaN stays NaN. @throws {InvalidOption} when `x` is neither an array nor a number */
export const sign = same1('sign')
/** `x * x`. @throws {InvalidOption} when `x` is neither an array nor a number */
export const square = same1('square')
/** `-x`. @throws {InvalidOption} when `x` is neither an array nor a number */
export const negative = same1('negative')
/** The largest whole number that is not above `x`. @throws {InvalidOption} when `x` is neither an array nor a number */
export const floor = same1('floor')
/** The smallest whole number that is not below `x`. @throws {InvalidOption} when `x` is neither an array nor a number */
export const ceil = same1('ceil')
/** `x` without its fraction. @throws {InvalidOption} when `x` is neither an array nor a number */
export const trunc = same1('trunc')
/** The nearest whole number, ties to even. @throws {InvalidOption} when `x` is neither an array nor a number */
export const rint = same1('rint')
/** Every bit flipped; of `bool`, not. @throws {InvalidOption} when `x` is neither an array nor a number */
export const invert = same1('invert')
/** Whether `x` has a minus sign, also -0; false for NaN. @throws {InvalidOption} when `x` is neither an array nor a number */
export const signbit = test1('signbit')
/** Whether `x` is NaN. @throws {InvalidOption} when `x` is neither an array nor a number */
export const isnan = test1('isnan')
/** Whether `x` is infinite. @throws {InvalidOption} when `x` is neither an array nor a number */
export const isinf = test1('isinf')
/** Whether `x` is neither NaN nor infinite. @throws {InvalidOption} when `x` is neither an array nor a number */
export const isfinite = test1('isfinite')
/** Whether `x` is 0 or false. @throws {InvalidOption} when `x` is neither an array nor a number */
export const logicalNot = test1('logicalNot')

/** `a + b`. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const add = two('add')
/** `a - b`. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const subtract = two('subtract')
/** `a * b`. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const multiply = two('multiply')
/** `a / b`, rounded down. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const floorDivide = two('floorDivide')
/** The remainder of `a / b`, with the sign of `b`. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const remainder = two('remainder')
/** The smaller of `a` and `b`; NaN if there is one. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const minimum = two('minimum')
/** The larger of `a` and `b`; NaN if there is one. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const maximum = two('maximum')
/** Bits that are set in `a` and in `b`; whole numbers and `bool`. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const bitwiseAnd = two('bitwiseAnd')
/** Bits that are set in `a` or in `b`; whole numbers and `bool`. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const bitwiseOr = two('bitwiseOr')
/** Bits that are set in one of `a` and `b`; whole numbers and `bool`. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const bitwiseXor = two('bitwiseXor')
/** `a / b` in floating point. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const divide = float2('divide')
/** `a` to the power of `b`; whole numbers stay whole, and wrap around. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const power = two('power')
/** `log(exp(a) + exp(b))`, without overflow. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const logaddexp = float2('logaddexp')
/** The size of `a` with the sign of `b`; the sign of a NaN counts as plus. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const copysign = float2('copysign')
/** The next number after `a` on the way to `b`. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const nextafter = float2('nextafter')
/** `a` with its bits moved up by `b`; by as many as it has, or more, 0. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const leftShift = two('leftShift')
/** `a` with its bits moved down by `b`; the sign stays. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const rightShift = two('rightShift')
/** The angle of the point (`b`, `a`), in radians from -π to π. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const arctan2 = float2('arctan2')
/** `sqrt(a² + b²)`, without overflow. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const hypot = float2('hypot')
/** Whether `a` equals `b`; NaN equals nothing. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const equal = bool2('equal')
/** Whether `a` differs from `b`. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const notEqual = bool2('notEqual')
/** Whether `a < b`. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const less = bool2('less')
/** Whether `a <= b`. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const lessEqual = bool2('lessEqual')
/** Whether `a > b`. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const greater = bool2('greater')
/** Whether `a >= b`. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const greaterEqual = bool2('greaterEqual')
/** Whether neither `a` nor `b` is 0. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const logicalAnd = bool2('logicalAnd')
/** Whether `a` or `b` is not 0. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const logicalOr = bool2('logicalOr')
/** Whether exactly one of `a` and `b` is not 0. @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes cannot be broadcast */
export const logicalXor = bool2('logicalXor')

/** Rounds to a number of decimals, ties to even. @throws {InvalidOption} when `x` is not an array, or `decimals` not a whole number */
export const round = <D extends DType, R extends Rank>(x: NDArray<D, R>, decimals = 0): NDArray<D, R> =>
  (checkArray(x, 'round') as typeof x).round(decimals)
/** Bounds the elements of `x` by `low` and `high`; `undefined` leaves a bound out. @throws {InvalidOption} when `x` is not an array, or a bound neither an array nor a number */
export const clip = <D extends DType, R extends Rank>(x: NDArray<D, R>, low?: Operand, high?: Operand): NDArray<D, R> =>
  (checkArray(x, 'clip') as typeof x).clip(low, high)

/** The sum, compensated; of whole numbers exact, of i64 modulo 2^64. Over all axes, or those of `axis`. @throws {InvalidOption} when `x` is not an array, or has no such axis */
export const sum = <D extends DType, const O extends SumOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'sum') as typeof x).sum(options)
/** The product; of i64 modulo 2^64. Over all axes, or those of `axis`. @throws {InvalidOption} when `x` is not an array, or has no such axis */
export const prod = <D extends DType, const O extends SumOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'prod') as typeof x).prod(options)
/** The mean; NaN of no elements. Over all axes, or those of `axis`. @throws {InvalidOption} when `x` is not an array, or has no such axis */
export const mean = <D extends DType, const O extends ReduceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'mean') as typeof x).mean(options)
/** The variance. Over all axes, or those of `axis`. @throws {InvalidOption} when `x` is not an array, or has no such axis */
export const var_ = <D extends DType, const O extends VarianceOptions | undefined = undefined>(
  x: NDArray<D, Rank>,
  options?: O,
) => (checkArray(x, 'var') as typeof x).var(options)
/** The standard deviation. Over all axes, or those of `axis`. @throws {InvalidOption} when `x` is not an array, or has no such axis */
export const std = <D extends DType, const O extends VarianceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'std') as typeof x).std(options)
/** The smallest element; NaN if there is one. Over all axes, or those of `axis`. @throws {InvalidOption} when `x` is not an array, or has no such axis, or no element */
export const min = <D extends DType, const O extends ReduceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'min') as typeof x).min(options)
/** The largest element; NaN if there is one. Over all axes, or those of `axis`. @throws {InvalidOption} when `x` is not an array, or has no such axis, or no element */
export const max = <D extends DType, const O extends ReduceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'max') as typeof x).max(options)
/** The index of the first smallest element, in C order. Over all axes, or those of `axis`. @throws {InvalidOption} when `x` is not an array, or has no such axis, or no element */
export const argmin = <D extends DType, const O extends ArgumentOptions | undefined = undefined>(
  x: NDArray<D, Rank>,
  options?: O,
) => (checkArray(x, 'argmin') as typeof x).argmin(options)
/** The index of the first largest element, in C order. Over all axes, or those of `axis`. @throws {InvalidOption} when `x` is not an array, or has no such axis, or no element */
export const argmax = <D extends DType, const O extends ArgumentOptions | undefined = undefined>(
  x: NDArray<D, Rank>,
  options?: O,
) => (checkArray(x, 'argmax') as typeof x).argmax(options)
/** Whether any element is not 0. Over all axes, or those of `axis`. @throws {InvalidOption} when `x` is not an array, or has no such axis */
export const any = <D extends DType, const O extends ReduceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'any') as typeof x).any(options)
/** Whether no element is 0. Over all axes, or those of `axis`. @throws {InvalidOption} when `x` is not an array, or has no such axis */
export const all = <D extends DType, const O extends ReduceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'all') as typeof x).all(options)
/** How many elements are not 0. Over all axes, or those of `axis`. @throws {InvalidOption} when `x` is not an array, or has no such axis */
export const count = <D extends DType, const O extends ReduceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'count') as typeof x).count(options)

/**
 * `condition ? a : b`, element by element. `condition`, `a` and `b` are broadcast to one shape. With the condition alone: where it is not 0, as
 * `nonzero` says it.
 * @throws {InvalidOption} when an operand is neither an array nor a number, or the shapes do not go together
 */
export function where<R extends Rank>(condition: NDArray<'bool', R>, a: Operand, b: Operand): NDArray<DType, R>
export function where(condition: NDArray<DType, Rank>): NDArray<'f64', 'array'>[]
export function where(
  condition: NDArray<DType, Rank>,
  a?: Operand,
  b?: Operand,
): NDArray<DType, Rank> | NDArray<'f64', 'array'>[] {
  if (a === undefined && b === undefined) return nonzero(checkArray(condition, 'where').node).map((node) => new NDArray(node))
  const [yes, no] = build.operandNodes(
    'where',
    [a, b].map((x) => (x instanceof NDArray ? x.node : build.checkValue(x, 'where'))),
  ) as [Node, Node]
  const test =
    (condition as unknown) instanceof NDArray
      ? condition.node
      : build.full([], 'bool', build.checkValue(condition, 'where') ? 1 : 0)
  return new NDArray(build.map('where', [test, yes, no]))
}

/** @throws {InvalidOption} when it is not a list of arrays, or an empty one where there must be one */
function checkArrays<A extends readonly NDArray[]>(arrays: A, where: string, atLeast: number): A {
  if (!Array.isArray(arrays)) {
    throw new InvalidOption(`Expected ${where} to get a list of arrays, got ${describe(arrays)}`, {
      hint: `Put it into a list: \`${where}([x])\`.`,
    })
  }
  if (arrays.length < atLeast) throw new InvalidOption(`Expected \`${where}\` to get at least one array, got none`)
  for (const array of arrays) checkArray(array, where)
  return arrays
}

/**
 * Joins `arrays` along an `axis` that they have; all other lengths must be equal.
 * @throws {InvalidOption} when it is not a list of at least one array, or shapes or axis do not go together
 */
export function concat<D extends DType>(arrays: readonly NDArray<D, 'array'>[], axis = 0): NDArray<D, 'array'> {
  const [first] = checkArrays(arrays, 'concat', 1) as readonly [NDArray<D, 'array'>]
  return new NDArray(
    build.concat(
      arrays.map(({ node }) => node),
      normalizeAxis(axis, first.ndim),
    ),
  )
}

/**
 * Joins `arrays` of one shape along a new `axis`.
 * @throws {InvalidOption} when it is not a list of at least one array, or the shapes differ
 */
export function stack<D extends DType>(arrays: readonly NDArray<D, Rank>[], axis = 0): NDArray<D, 'array'> {
  const [first] = checkArrays(arrays, 'stack', 1) as readonly [NDArray<D, Rank>]
  const at = normalizeAxis(axis, first.ndim + 1)
  const index = Array.from({ length: first.ndim + 1 }, (_, i) => (i === at ? null : {}))
  const expanded = arrays.map(({ node }) => build.view(node, indexView(node.shape, index)))
  return new NDArray(build.concat(expanded, at))
}

/**
 * Computes several `arrays` at once: what they share is computed once, and reductions of one input share one pass over it.
 *
 * @throws {InvalidOption} when it is not a list of arrays, or for a wrong option
 * @throws {BudgetExceeded} when a result does not fit into `memoryLimit`
 * @throws {Cancelled} when `signal` aborts
 * @example
 * const [mean, std] = await compute([x.mean(), x.std()])   // one pass over x
 */
export async function compute<const A extends readonly NDArray[]>(
  arrays: A,
  options: ComputeOptions = {},
): Promise<{
  -readonly [K in keyof A]: A[K] extends NDArray<infer D, infer R> ? Awaited<ReturnType<NDArray<D, R>['compute']>> : never
}> {
  const results = await computeNodes(
    checkArrays(arrays, 'compute', 0).map(({ node }) => node),
    options,
  )
  return results.map((dense: Dense, i) => ((arrays[i] as NDArray).ndim === 0 ? dense.item() : dense)) as never
}
