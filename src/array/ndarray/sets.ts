/** Arrays as sets of elements, of one axis. Lengths are known only after the computation. */
import { checkOptions, rules } from '../../base/options.ts'
import * as build from '../expression/build.ts'
import { type DType, isFloat, promote } from '../expression/dtype.ts'
import { makeNode, type Node } from '../expression/node.ts'
import { sizeOf } from '../expression/shape.ts'
import { indexView } from '../expression/view.ts'
import { checkKnown, gather } from '../selection/positions.ts'
import { checkArray, NDArray, type Rank } from './array.ts'
import { isin } from './selection.ts'

/** Options of {@link unique} and {@link uniqueAll}. */
export interface UniqueOptions {
  /** Whether all NaN count as one; otherwise each is an element of its own. @default true */
  readonly equalNaN?: boolean
}
const uniqueRules = { equalNaN: rules.boolean }

/**
 * The distinct elements in ascending order. The length is known only after the computation.
 * @throws {InvalidOption} when `x` is not an array
 * @example
 * unique(from([3, 1, 3]))   // 1 3
 */
export function unique<D extends DType>(x: NDArray<D, Rank>, options: UniqueOptions = {}): NDArray<D, 'array'> {
  checkArray(x, 'unique')
  checkOptions<UniqueOptions>(options, uniqueRules, 'unique')
  if (options.equalNaN === false && isFloat(x.dtype)) return uniqueAll(x, options).values
  const dtype = x.dtype === 'f16' ? 'f32' : x.dtype
  return new NDArray(build.cast(build.algorithm('unique', [build.cast(x.node, dtype)], dtype, [Number.NaN]), x.dtype))
}

/** What {@link uniqueAll} finds. */
export interface Unique<D extends DType> {
  /** The distinct elements in ascending order. */
  readonly values: NDArray<D, 'array'>
  /** Where each is first, as a position in C order. */
  readonly indices: NDArray<'f64', 'array'>
  /** In the shape of the array, which of the distinct elements each one is: `take(values, inverse)` is the array. */
  readonly inverse: NDArray<'f64', 'array'>
  /** How often each is there. */
  readonly counts: NDArray<'f64', 'array'>
}

/**
 * The distinct elements, where they are, and how often. What is not asked for is not computed.
 *
 * @throws {InvalidOption} when `x` is not an array, or has an axis of unknown length
 * @example
 * const { values, counts } = uniqueAll(words)
 */
export function uniqueAll<D extends DType>(x: NDArray<D, Rank>, options: UniqueOptions = {}): Unique<D> {
  checkArray(x, 'uniqueAll')
  checkOptions<UniqueOptions>(options, uniqueRules, 'uniqueAll')
  checkKnown(x.shape, 'searched for distinct elements')
  const size = sizeOf(x.shape)
  const flat = build.reshape(x.node, [size])
  const key = x.dtype === 'f16' ? build.cast(flat, 'f32') : flat
  const order = build.algorithm('argsort', [key], 'f64', [size])
  const sorted = gather(key, order)
  const differ = changes(sorted, size, options.equalNaN !== false)
  const bool = (value: 0 | 1): Node => build.full([Math.min(1, size)], 'bool', value)
  const first = build.concat([bool(1), differ], 0)
  const last = build.concat([differ, bool(1)], 0)
  const places = range(size)
  const starts = build.compress(places, first)
  const ends = build.compress(places, last)
  const one = build.full([], 'f64', 1)
  const number = build.map('subtract', [build.algorithm('cumsum', [build.cast(first, 'f64')], 'f64', [size]), one])
  const none = build.full([size], 'f64', 0)
  return {
    values: new NDArray(build.cast(build.compress(sorted, first), x.dtype)),
    indices: new NDArray(build.compress(order, first)),
    inverse: new NDArray(build.reshape(build.algorithm('scatter', [none, order, number], 'f64', [size]), x.shape)),
    counts: new NDArray(build.map('add', [build.map('subtract', [ends, starts]), one])),
  }
}

/** Whether each sorted element differs from the one before it; of one less than there are. */
function changes(sorted: Node, size: number, equalNaN: boolean): Node {
  if (size < 2) return build.full([0], 'bool', 0)
  const [left, right] = [{ stop: size - 1 }, { start: 1 }].map((slice) => build.view(sorted, indexView([size], [slice]))) as [
    Node,
    Node,
  ]
  const differ = build.map('notEqual', [left, right])
  if (!equalNaN || !isFloat(sorted.dtype)) return differ
  const bothNaN = build.map('logicalAnd', [build.map('isnan', [left]), build.map('isnan', [right])])
  return build.map('logicalAnd', [differ, build.map('logicalNot', [bothNaN])])
}

const range = (length: number): Node =>
  makeNode({ kind: 'range', start: 0, step: 1, dtype: 'f64', shape: [length], chunk: undefined })

const joined = (a: NDArray<DType, Rank>, b: NDArray<DType, Rank>, where: string): NDArray<DType, 'array'> => {
  const dtype = promote(checkArray(a, where).dtype, checkArray(b, where).dtype)
  const parts = [a, b].map(({ node }) => build.reshape(build.cast(node, dtype), [-1]))
  return new NDArray(build.concat(parts, 0))
}

/** The distinct elements that are in either, ascending. @throws {InvalidOption} when an operand is not an array */
export function union1d(a: NDArray<DType, Rank>, b: NDArray<DType, Rank>): NDArray<DType, 'array'> {
  return unique(joined(a, b, 'union1d'))
}

/** The distinct elements that are in both, ascending. @throws {InvalidOption} when an operand is not an array */
export function intersect1d(a: NDArray<DType, Rank>, b: NDArray<DType, Rank>): NDArray<DType, 'array'> {
  checkArray(b, 'intersect1d')
  const distinct = unique(checkArray(a, 'intersect1d'))
  return distinct.get(isin(distinct, b))
}

/** The distinct elements of `a` that are not in `b`, ascending. @throws {InvalidOption} when an operand is not an array */
export function setdiff1d<D extends DType>(a: NDArray<D, Rank>, b: NDArray<DType, Rank>): NDArray<D, 'array'> {
  checkArray(b, 'setdiff1d')
  const distinct = unique(checkArray(a, 'setdiff1d') as NDArray<D, Rank>)
  return distinct.get(isin(distinct, b, { invert: true }))
}
