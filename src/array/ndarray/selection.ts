/** NumPy's functions that select elements by index, by mask and by value. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import * as build from '../expression/build.ts'
import { type DType, dtypeOfValue, isFloat, promote } from '../expression/dtype.ts'
import { rawOf } from '../expression/elementwise.ts'
import type { Node } from '../expression/node.ts'
import { axisRule, normalizeAxis } from '../expression/axes.ts'
import { showShape } from '../expression/shape.ts'
import { alongAxis, gather, nonzero as positionsNotZero, take as takeNode } from '../selection/positions.ts'
import { checkArray, type Indexing, NDArray, type Operand, operandNode, type Rank } from './array.ts'

type Indices = NDArray<DType, Rank> | readonly number[]

const nodeOf = (indices: Indices, where: string): Node => operandNode(indices as Indexing, where)

/**
 * The elements at `indices` along an axis: the shape is that of `x` with the axes of `indices` in place of the axis. Negative indices count from the end.
 *
 * @param indices whole numbers of any dtype, of any shape; f64 as other functions give them
 * @param options.axis @default of one axis that one, else all elements in C order
 * @throws {InvalidOption} when `x` is not an array, or has no such axis; in `compute` when an index is out of range or not whole
 * @example
 * take(x, [2, 0], { axis: 1 })   // columns 2 and 0
 */
export function take<D extends DType>(
  x: NDArray<D, Rank>,
  indices: Indices,
  options: { readonly axis?: number } = {},
): NDArray<D, 'array'> {
  checkArray(x, 'take')
  checkOptions<{ readonly axis?: number }>(options, { axis: axisRule }, 'take')
  const flat = options.axis === undefined ? build.reshape(x.node, [-1]) : x.node
  return new NDArray(takeNode(flat, nodeOf(indices, 'take'), options.axis ?? 0))
}

/**
 * For each place of `indices` the element of `x` that it names along the axis, as `argsort` and `argmax` give them. The other axes are broadcast.
 *
 * @param indices whole numbers, with as many axes as `x`
 * @param options.axis @default -1
 * @throws {InvalidOption} when `x` is not an array, has no such axis, or the shapes do not go together; in `compute` when an index is out of range
 * @example
 * takeAlongAxis(x, argsort(x))   // the same as sort(x)
 */
export function takeAlongAxis<D extends DType>(
  x: NDArray<D, Rank>,
  indices: NDArray<DType, Rank>,
  options: { readonly axis?: number } = {},
): NDArray<D, 'array'> {
  checkArray(x, 'takeAlongAxis')
  checkArray(indices, 'takeAlongAxis')
  checkOptions<{ readonly axis?: number }>(options, { axis: axisRule }, 'takeAlongAxis')
  const axis = normalizeAxis(options.axis ?? -1, x.ndim)
  // Axes of `x` of length 1 stretch to those of the indices.
  const shape = x.shape.map((n, a) => (a !== axis && n === 1 ? (indices.shape[a] ?? 1) : n))
  const stretched =
    String(shape) === String(x.shape) ? x.node : build.map('add', [x.node, build.full(shape, x.dtype, zeroOf(x.dtype))])
  return new NDArray(gather(stretched, alongAxis(shape, indices.node, axis)))
}

const zeroOf = (dtype: DType): number | bigint => (dtype === 'i64' || dtype === 'u64' ? 0n : 0)

/**
 * Where the elements are not 0: for each axis the indices along it, f64 of one axis. Their number is known only after the computation.
 *
 * @throws {InvalidOption} when `x` is not an array, has no axis, or one of unknown length
 * @example
 * const [rows, columns] = nonzero(x.greater(0.9))
 */
export function nonzero(x: NDArray<DType, Rank>): NDArray<'f64', 'array'>[] {
  checkArray(x, 'nonzero')
  if (x.ndim === 0) throw new InvalidOption('Expected an array with axes for nonzero, got one of shape ()')
  return positionsNotZero(x.node).map((node) => new NDArray(node))
}

/** Where the elements are not 0, as positions in C order. @throws {InvalidOption} when `x` is not an array, or has an axis of unknown length */
export function flatnonzero(x: NDArray<DType, Rank>): NDArray<'f64', 'array'> {
  checkArray(x, 'flatnonzero')
  return nonzero(x.reshape(-1))[0] as NDArray<'f64', 'array'>
}

/** Where the elements are not 0, as rows of indices: shape (number, axes). @throws {InvalidOption} when `x` is not an array, has no axis, or one of unknown length */
export function argwhere(x: NDArray<DType, Rank>): NDArray<'f64', 'array'> {
  const columns = nonzero(x).map(({ node }) => build.reshape(node, [-1, 1]))
  return new NDArray(build.concat(columns, 1))
}

/**
 * The parts of `x` along an axis at which the condition is true; all elements in C order without an axis.
 *
 * @param condition booleans of one axis
 * @param options.axis @default all elements in C order
 * @throws {InvalidOption} when `x` is not an array, has no such axis, or the condition has another length
 */
export function compress<D extends DType>(
  condition: NDArray<'bool', 'array'> | readonly boolean[],
  x: NDArray<D, Rank>,
  options: { readonly axis?: number } = {},
): NDArray<D, 'array'> {
  checkArray(x, 'compress')
  checkOptions<{ readonly axis?: number }>(options, { axis: axisRule }, 'compress')
  if (!Array.isArray(condition) && !(condition instanceof NDArray))
    throw new InvalidOption(`Expected the condition of compress to be booleans of one axis, got ${describe(condition)}`)
  const array = options.axis === undefined ? x.reshape(-1) : x
  const axis = normalizeAxis(options.axis ?? 0, array.ndim)
  return array.get(...array.shape.slice(0, axis).map(() => ':'), condition as boolean[]) as NDArray<D, 'array'>
}

/** Options of {@link searchsorted}. */
export interface SearchOptions {
  /** Whether the place is before or behind equal elements. @default 'left' */
  readonly side?: 'left' | 'right'
  /** Indices that sort `sorted`, as `argsort` gives them, when it is not sorted. @default it is sorted */
  readonly sorter?: NDArray<DType, 'array'>
}

/**
 * Where values would have to be put into a sorted array to keep it sorted: numbers from 0 to its length. NaN stands behind everything.
 *
 * @param sorted ascending, of one axis; of other elements the result means nothing
 * @throws {InvalidOption} when an operand is neither an array nor a number, or for a wrong option
 * @example
 * searchsorted(from([1, 3, 5]), [0, 3, 4])   // 0 1 2
 */
export function searchsorted<R extends Rank = 'array'>(
  sorted: NDArray<DType, 'array'>,
  values: NDArray<DType, R> | readonly number[] | number | bigint,
  options: SearchOptions = {},
): NDArray<'f64', R> {
  checkArray(sorted, 'searchsorted')
  checkOptions<SearchOptions>(options, { side: rules.oneOf('left', 'right'), sorter: rules.any }, 'searchsorted')
  if (sorted.ndim !== 1)
    throw new InvalidOption(`Expected \`sorted\` of searchsorted to have one axis, got shape ${showShape(sorted.shape)}`)
  const single = typeof values === 'number' || typeof values === 'bigint'
  const wanted = single ? build.full([], dtypeOfValue(values), values) : nodeOf(values as Indices, 'searchsorted')
  const row = options.sorter === undefined ? sorted : take(sorted, checkArray(options.sorter, 'searchsorted'))
  return new NDArray(placeAmong(row.node, wanted, options.side === 'right'))
}

/** Places among sorted elements. Whole numbers of 64 bits with and without a sign have no dtype in common, and are compared as they are. */
export function placeAmong(sorted: Node, values: Node, behind: boolean): Node {
  const ordered = sorted.kind === 'dense' ? build.inOrder(sorted) : sorted
  const search = (row: Node, wanted: Node): Node =>
    build.algorithm('search', [row, wanted], 'f64', wanted.shape, { behind: behind ? 1 : 0 })
  const common = promote(sorted.dtype, values.dtype)
  if (!isFloat(common) || isFloat(sorted.dtype) || isFloat(values.dtype)) {
    const dtype = common === 'f16' ? 'f32' : common
    return search(build.cast(ordered, dtype), build.cast(values, dtype))
  }
  const number = (value: number): Node => build.full([], 'f64', value)
  if (sorted.dtype === 'u64') {
    const below = build.map('less', [values, build.full([], values.dtype, rawOf(values.dtype, 0))])
    return build.map('where', [below, number(0), search(ordered, build.cast(values, 'u64'))])
  }
  const beyond = build.map('greater', [values, build.full([], 'u64', 2n ** 63n - 1n)])
  return build.map('where', [
    beyond,
    number(sorted.shape[0] as number),
    search(build.cast(ordered, 'i64'), build.cast(values, 'i64')),
  ])
}

/**
 * Whether each element of `x` is among others. NaN is among none.
 *
 * @param others of any shape
 * @param options.invert whether to say which are not. @default false
 * @throws {InvalidOption} when an operand is not an array
 * @example
 * isin(from([1, 2, 5]), [5, 1])   // true false true
 */
export function isin<R extends Rank>(
  x: NDArray<DType, R>,
  others: NDArray<DType, Rank> | readonly number[],
  options: { readonly invert?: boolean } = {},
): NDArray<'bool', R> {
  checkArray(x, 'isin')
  checkOptions<{ readonly invert?: boolean }>(options, { invert: rules.boolean }, 'isin')
  const given = nodeOf(others, 'isin')
  const flat = build.reshape(given, [-1])
  const dtype = given.dtype === 'f16' ? 'f32' : given.dtype
  const row = build.algorithm('sort', [build.cast(flat, dtype)], dtype, flat.shape)
  const [from, to] = [placeAmong(row, x.node, false), placeAmong(row, x.node, true)]
  const among = build.map('notEqual', [from, to])
  // NaN stands among NaN here, and equals none.
  const equal = build.map('logicalAnd', [among, build.map('equal', [x.node, x.node])])
  return new NDArray(options.invert === true ? build.map('logicalNot', [equal]) : equal)
}

/**
 * Elements of several arrays, by whole numbers that say which one: `choices[index]` for each place.
 *
 * @throws {InvalidOption} when an operand is not an array or a number, or the shapes do not go together
 */
export function choose(index: NDArray<DType, Rank>, choices: readonly Operand[]): NDArray<DType, Rank> {
  checkArray(index, 'choose')
  if (!Array.isArray(choices) || choices.length === 0)
    throw new InvalidOption(`Expected \`choices\` of choose to be a list of arrays or numbers, got ${describe(choices)}`)
  const nodes = build.operandNodes(
    'where',
    choices.map((choice) => (choice instanceof NDArray ? choice.node : build.checkValue(choice, 'choose'))),
  )
  const last = nodes.at(-1) as Node
  const at = (i: number): Node => build.map('lessEqual', [index.node, build.full([], 'f64', i)])
  return new NDArray(nodes.slice(0, -1).reduceRight((other, choice, i) => build.map('where', [at(i), choice, other]), last))
}
