/** NumPy's functions on arrays and numbers, for what has no method and for those who prefer functions. */
import { describe, InvalidOption } from '../base/errors.ts'
import {
  type ArgumentOptions,
  checkArray,
  elementwise,
  NDArray,
  type Operand,
  type Rank,
  type ReduceOptions,
  type VarianceOptions,
} from './array.ts'
import * as build from './expression/build.ts'
import { type ComputeOptions, computeNodes } from './compute.ts'
import type { Dense } from './memory/dense.ts'
import type { DType } from './expression/dtype.ts'
import type { OperationName } from './expression/elementwise.ts'
import type { Node } from './expression/node.ts'
import { normalizeAxis } from './expression/shape.ts'
import { indexView } from './expression/view.ts'

type FloatOf<T> = T extends NDArray<infer D, infer R> ? NDArray<D extends 'f32' ? 'f32' : 'f64', R> : NDArray<'f64', 'scalar'>
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
  <A extends Operand, B extends Operand>(a: A, b: B): NDArray<'f64' | 'f32', RankOf<A, B>> =>
    elementwise(name, a, b)
const bool2 =
  (name: OperationName) =>
  <A extends Operand, B extends Operand>(a: A, b: B): NDArray<'bool', RankOf<A, B>> =>
    elementwise(name, a, b)

export const sqrt = float1('sqrt')
export const cbrt = float1('cbrt')
export const exp = float1('exp')
export const expm1 = float1('expm1')
export const log = float1('log')
export const log1p = float1('log1p')
export const log2 = float1('log2')
export const log10 = float1('log10')
export const sin = float1('sin')
export const cos = float1('cos')
export const tan = float1('tan')
export const arcsin = float1('arcsin')
export const arccos = float1('arccos')
export const arctan = float1('arctan')
export const sinh = float1('sinh')
export const cosh = float1('cosh')
export const tanh = float1('tanh')
export const reciprocal = float1('reciprocal')
export const abs = same1('abs')
export const sign = same1('sign')
export const square = same1('square')
export const negative = same1('negative')
export const floor = same1('floor')
export const ceil = same1('ceil')
export const trunc = same1('trunc')
export const rint = same1('rint')
export const invert = same1('invert')
export const isnan = test1('isnan')
export const isinf = test1('isinf')
export const isfinite = test1('isfinite')
export const logicalNot = test1('logicalNot')

export const add = two('add')
export const subtract = two('subtract')
export const multiply = two('multiply')
export const floorDivide = two('floorDivide')
export const remainder = two('remainder')
export const minimum = two('minimum')
export const maximum = two('maximum')
export const bitwiseAnd = two('bitwiseAnd')
export const bitwiseOr = two('bitwiseOr')
export const bitwiseXor = two('bitwiseXor')
export const divide = float2('divide')
export const power = float2('power')
export const arctan2 = float2('arctan2')
export const hypot = float2('hypot')
export const equal = bool2('equal')
export const notEqual = bool2('notEqual')
export const less = bool2('less')
export const lessEqual = bool2('lessEqual')
export const greater = bool2('greater')
export const greaterEqual = bool2('greaterEqual')
export const logicalAnd = bool2('logicalAnd')
export const logicalOr = bool2('logicalOr')
export const logicalXor = bool2('logicalXor')

/** Rounds to so many decimals, ties to even. */
export const round = <D extends DType, R extends Rank>(x: NDArray<D, R>, decimals = 0): NDArray<D, R> =>
  (checkArray(x, 'round') as typeof x).round(decimals)
/** Bounds the elements; leave out a bound with `undefined`. */
export const clip = <D extends DType, R extends Rank>(x: NDArray<D, R>, low?: Operand, high?: Operand): NDArray<D, R> =>
  (checkArray(x, 'clip') as typeof x).clip(low, high)

export const sum = <D extends DType, const O extends ReduceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'sum') as typeof x).sum(options)
export const prod = <D extends DType, const O extends ReduceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'prod') as typeof x).prod(options)
export const mean = <D extends DType, const O extends ReduceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'mean') as typeof x).mean(options)
export const var_ = <D extends DType, const O extends VarianceOptions | undefined = undefined>(
  x: NDArray<D, Rank>,
  options?: O,
) => (checkArray(x, 'var') as typeof x).var(options)
export const std = <D extends DType, const O extends VarianceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'std') as typeof x).std(options)
export const min = <D extends DType, const O extends ReduceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'min') as typeof x).min(options)
export const max = <D extends DType, const O extends ReduceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'max') as typeof x).max(options)
export const argmin = <D extends DType, const O extends ArgumentOptions | undefined = undefined>(
  x: NDArray<D, Rank>,
  options?: O,
) => (checkArray(x, 'argmin') as typeof x).argmin(options)
export const argmax = <D extends DType, const O extends ArgumentOptions | undefined = undefined>(
  x: NDArray<D, Rank>,
  options?: O,
) => (checkArray(x, 'argmax') as typeof x).argmax(options)
export const any = <D extends DType, const O extends ReduceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'any') as typeof x).any(options)
export const all = <D extends DType, const O extends ReduceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'all') as typeof x).all(options)
export const count = <D extends DType, const O extends ReduceOptions | undefined = undefined>(x: NDArray<D, Rank>, options?: O) =>
  (checkArray(x, 'count') as typeof x).count(options)

/** `condition ? a : b`, element by element. */
export function where<R extends Rank>(condition: NDArray<'bool', R>, a: Operand, b: Operand): NDArray<DType, R> {
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

/** Joins arrays along an axis that they have. */
export function concat<D extends DType>(arrays: readonly NDArray<D, 'array'>[], axis = 0): NDArray<D, 'array'> {
  const [first] = checkArrays(arrays, 'concat', 1) as readonly [NDArray<D, 'array'>]
  return new NDArray(
    build.concat(
      arrays.map(({ node }) => node),
      normalizeAxis(axis, first.ndim),
    ),
  )
}

/** Joins arrays of one shape along a new axis. */
export function stack<D extends DType>(arrays: readonly NDArray<D, Rank>[], axis = 0): NDArray<D, 'array'> {
  const [first] = checkArrays(arrays, 'stack', 1) as readonly [NDArray<D, Rank>]
  const at = normalizeAxis(axis, first.ndim + 1)
  const index = Array.from({ length: first.ndim + 1 }, (_, i) => (i === at ? null : {}))
  const expanded = arrays.map(({ node }) => build.view(node, indexView(node.shape, index)))
  return new NDArray(build.concat(expanded, at))
}

/** Computes several arrays at once: what they share is computed once, and reductions of one input share one pass over it. */
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
