/** NumPy's histogram, as an expression that gives the bin of each element. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { checkArray, NDArray, type Rank } from './array.ts'
import * as build from '../expression/build.ts'
import { arange } from './create.ts'
import type { DType } from '../expression/dtype.ts'
import { where } from './functions.ts'
import { checkEdges } from '../expression/edges.ts'

/** Options of {@link histogram}. */
export interface HistogramOptions {
  /** How many, of equal width; at most 2^27. @default 10 */
  readonly bins?: number
  /** From and to, both included; what lies outside is not counted. @default the least and the largest element */
  readonly range?: readonly [number, number]
}

/** Each takes 8 bytes, and 16 more on each thread. */
const mostBins = 2 ** 27
const bins = {
  expected: `a whole number from 1 to ${mostBins}`,
  accepts: (value: unknown) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= mostBins,
}

/**
 * How many elements fall into each bin; with NumPy's edges: a bin holds its left one, the last one both. NaN falls into none where a range is
 * given.
 * @throws {InvalidOption} when the range is not finite, when it is given or (in `compute`) when it follows from elements that are NaN or infinite;
 *   when there are more bins than numbers in the range
 * @example
 * const { counts, edges } = histogram(ages, { bins: 20, range: [0, 100] })
 */
export function histogram(
  x: NDArray<DType, Rank>,
  options: HistogramOptions = {},
): { readonly counts: NDArray<'f64', 'array'>; readonly edges: NDArray<'f64', 'array'> } {
  checkArray(x, 'histogram')
  checkOptions<HistogramOptions>(options, { bins, range: rules.any }, 'histogram')
  const { bins: count = 10, range } = options
  const { index, edges } = binned(x, count, range)
  return { counts: new NDArray(build.algorithm('histogram', [index.astype('i32').node], 'f64', [count], { bins: count })), edges }
}

/** The bin of each element, −1 for none, and where the bins begin and end. */
function binned(
  x: NDArray<DType, Rank>,
  count: number,
  range: unknown,
): { readonly index: NDArray<DType, Rank>; readonly edges: NDArray<'f64', 'array'> } {
  const values = x.astype('f64') as NDArray<'f64', Rank>
  const [from, to] = range === undefined ? foundRange(values, count) : givenRange(range, count)
  const width = to.subtract(from).divide(count)
  const edge = (index: NDArray<DType, Rank>): NDArray<'f64', Rank> => index.multiply(width).add(from) as NDArray<'f64', Rank>
  const guess = values
    .subtract(from)
    .divide(to.subtract(from))
    .multiply(count)
    .floor()
    .minimum(count - 1) as NDArray<'f64', Rank>
  // Rounding may have put an element into the neighbouring bin.
  const down = guess.subtract(values.less(edge(guess)).astype('f64'))
  const up = values.greaterEqual(edge(down.add(1))).multiply(down.notEqual(count - 1))
  const inside = values.greaterEqual(from).multiply(values.lessEqual(to))
  const index = where(inside as NDArray<'bool', Rank>, down.add(up.astype('f64')), -1)
  const last = arange(count + 1).equal(count)
  return {
    index,
    edges: where(last, to, edge(arange(count + 1))) as NDArray<'f64', 'array'>,
  }
}

type Bounds = readonly [NDArray<'f64', Rank>, NDArray<'f64', Rank>]

function givenRange(range: unknown, count: number): Bounds {
  const [low, high] = (Array.isArray(range) ? range : []) as [number, number]
  if (!Array.isArray(range) || range.length !== 2 || !Number.isFinite(low) || !Number.isFinite(high) || low > high) {
    throw new InvalidOption(`Expected \`range\` of histogram to be two finite numbers in order, got ${describe(range)}`)
  }
  const constant = (value: number): NDArray<'f64', 'scalar'> => new NDArray(build.full([], 'f64', value))
  const [from, to] = checkEdges(low, high, count)
  return [constant(from), constant(to)]
}

/** The range is found, and checked, when the elements are computed. */
function foundRange(values: NDArray<'f64', Rank>, count: number): Bounds {
  const bounds = new NDArray<'f64', 'array'>(build.algorithm('bounds', [values.node], 'f64', [2], { bins: count }))
  return [bounds.get(0), bounds.get(1)]
}

/** Options of {@link histogram2d}. */
export interface Histogram2dOptions {
  /** How many along each axis: one number for both, or one for each. @default 10 */
  readonly bins?: number | readonly [number, number]
  /** From and to along each axis; what lies outside is not counted. @default the least and the largest elements */
  readonly range?: readonly [readonly [number, number], readonly [number, number]]
}

/**
 * How many pairs of elements fall into each bin of a grid: rows of bins of `x`, columns of bins of `y`.
 *
 * @param y as many elements as `x`
 * @throws {InvalidOption} when an operand is not an array, the lengths differ, or as {@link histogram} does
 * @example
 * const { counts } = histogram2d(longitudes, latitudes, { bins: [36, 18], range: [[-180, 180], [-90, 90]] })
 */
export function histogram2d(
  x: NDArray<DType, Rank>,
  y: NDArray<DType, Rank>,
  options: Histogram2dOptions = {},
): {
  readonly counts: NDArray<'f64', 'array'>
  readonly xEdges: NDArray<'f64', 'array'>
  readonly yEdges: NDArray<'f64', 'array'>
} {
  checkArray(x, 'histogram2d')
  checkArray(y, 'histogram2d')
  checkOptions<Histogram2dOptions>(options, { bins: rules.any, range: rules.any }, 'histogram2d')
  const { bins: given = 10, range = [undefined, undefined] } = options
  const [rows, columns] = (Array.isArray(given) ? given : [given, given]) as [number, number]
  for (const count of [rows, columns]) {
    if (!bins.accepts(count) || rows * columns > mostBins)
      throw new InvalidOption(`Expected \`bins\` of histogram2d to be ${bins.expected} in all, got ${describe(given)}`)
  }
  if (x.size !== y.size && !Number.isNaN(x.size) && !Number.isNaN(y.size))
    throw new InvalidOption(`Expected as many elements in both arrays of histogram2d, got ${x.size} and ${y.size}`)
  if (!Array.isArray(range) || range.length !== 2)
    throw new InvalidOption(`Expected \`range\` of histogram2d to be two ranges, got ${describe(range)}`)
  const down = binned(x.reshape(-1), rows, range[0])
  const right = binned(y.reshape(-1), columns, range[1])
  const index = where(
    down.index.less(0).add(right.index.less(0)) as NDArray<'bool', Rank>,
    -1,
    down.index.multiply(columns).add(right.index),
  ).astype('i32')
  const counts = build.algorithm('histogram', [index.node], 'f64', [rows * columns], { bins: rows * columns })
  return { counts: new NDArray(build.reshape(counts, [rows, columns])), xEdges: down.edges, yEdges: right.edges }
}
