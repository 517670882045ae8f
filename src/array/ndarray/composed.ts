/** Functions of NumPy and Dask that are expressions of others: each is one fused pass. */
import { InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { DType } from '../expression/dtype.ts'
import { checkArray, type NDArray, type Rank } from './array.ts'
import { concat, power, stack, where } from './functions.ts'

type AnyArray = NDArray<DType, Rank>

/** Degrees as radians. @throws {InvalidOption} when `x` is not an array */
export const deg2rad = (x: AnyArray): AnyArray => checkArray(x, 'deg2rad').multiply(Math.PI / 180)
/** Radians as degrees. @throws {InvalidOption} when `x` is not an array */
export const rad2deg = (x: AnyArray): AnyArray => checkArray(x, 'rad2deg').multiply(180 / Math.PI)
/** 2 to the power of `x`, in floating point. @throws {InvalidOption} when `x` is not an array */
export const exp2 = (x: AnyArray): AnyArray => power(2, checkArray(x, 'exp2').dtype.startsWith('f') ? x : x.astype('f64'))
/** The larger of `a` and `b`, and the other one where one is NaN. @throws {InvalidOption} when an operand is not an array */
export const fmax = (a: AnyArray, b: AnyArray): AnyArray => withoutNaN('fmax', a, b, (x, y) => x.maximum(y))
/** The smaller of `a` and `b`, and the other one where one is NaN. @throws {InvalidOption} when an operand is not an array */
export const fmin = (a: AnyArray, b: AnyArray): AnyArray => withoutNaN('fmin', a, b, (x, y) => x.minimum(y))

function withoutNaN(name: string, a: AnyArray, b: AnyArray, pick: (x: AnyArray, y: AnyArray) => AnyArray): AnyArray {
  const [x, y] = [checkArray(a, name), checkArray(b, name)]
  return where(x.notEqual(x), y, where(y.notEqual(y), x, pick(x, y)))
}

/** Whether `x` is infinity. @throws {InvalidOption} when `x` is not an array */
export const isposinf = (x: AnyArray): NDArray<'bool', Rank> => checkArray(x, 'isposinf').equal(Number.POSITIVE_INFINITY)
/** Whether `x` is minus infinity. @throws {InvalidOption} when `x` is not an array */
export const isneginf = (x: AnyArray): NDArray<'bool', Rank> => checkArray(x, 'isneginf').equal(Number.NEGATIVE_INFINITY)

/** Options of {@link isclose} and {@link allclose}. */
export interface CloseOptions {
  /** Part of `b` that they may be apart. @default 1e-5 */
  readonly rtol?: number
  /** What they may be apart besides. @default 1e-8 */
  readonly atol?: number
  /** Whether NaN is close to NaN. @default false */
  readonly equalNan?: boolean
}

/**
 * Where `a` and `b` are apart by at most `atol + rtol × |b|`; infinities only where they are equal.
 * @throws {InvalidOption} when an operand is not an array, shapes cannot be broadcast, or for a wrong option
 * @example
 * const same = isclose(measured, expected, { rtol: 1e-6 })
 */
export function isclose(a: AnyArray, b: AnyArray, options: CloseOptions = {}): NDArray<'bool', Rank> {
  checkOptions<CloseOptions>(options, { rtol: rules.number(0), atol: rules.number(0), equalNan: rules.boolean }, 'isclose')
  const { rtol = 1e-5, atol = 1e-8, equalNan = false } = options
  const [x, y] = [checkArray(a, 'isclose').astype('f64'), checkArray(b, 'isclose').astype('f64')]
  const near = x.subtract(y).abs().lessEqual(y.abs().multiply(rtol).add(atol)).multiply(y.abs().less(Number.POSITIVE_INFINITY))
  const close = near.add(x.equal(y)) as NDArray<'bool', Rank>
  return equalNan ? (close.add(x.notEqual(x).multiply(y.notEqual(y))) as NDArray<'bool', Rank>) : close
}

/**
 * Whether all elements are close; see {@link isclose}.
 * @throws {InvalidOption} as {@link isclose} does
 * @example
 * if (await allclose(a, b).compute()) report('the same')
 */
export function allclose(a: AnyArray, b: AnyArray, options: CloseOptions = {}): NDArray<'bool', 'scalar'> {
  return isclose(a, b, options).all()
}

/** Options of {@link nanToNum}. */
export interface NanToNumOptions {
  /** Instead of NaN. @default 0 */
  readonly nan?: number
  /** Instead of infinity. @default the largest number of the dtype */
  readonly posinf?: number
  /** Instead of minus infinity. @default the least number of the dtype */
  readonly neginf?: number
}

const largest: Readonly<Record<string, number>> = { f64: Number.MAX_VALUE, f32: 3.4028234663852886e38, f16: 65_504 }

/**
 * Numbers instead of NaN and infinities; whole numbers stay.
 * @throws {InvalidOption} when `x` is not an array, or for a wrong option
 * @example
 * const filled = nanToNum(x, { nan: -1 })
 */
export function nanToNum(x: AnyArray, options: NanToNumOptions = {}): AnyArray {
  const number = rules.number(-Number.MAX_VALUE)
  checkOptions<NanToNumOptions>(options, { nan: number, posinf: number, neginf: number }, 'nanToNum')
  const most = largest[checkArray(x, 'nanToNum').dtype]
  if (most === undefined) return x
  const { nan = 0, posinf = most, neginf = -most } = options
  const finite = where(isposinf(x), posinf, where(isneginf(x), neginf, x))
  return where(x.notEqual(x), nan, finite)
}

/** `sin(πx) / (πx)`, and 1 at 0. @throws {InvalidOption} when `x` is not an array */
export function sinc(x: AnyArray): AnyArray {
  const angle = checkArray(x, 'sinc').multiply(Math.PI)
  const zero = angle.equal(0)
  return where(zero, 1, angle.sin().divide(where(zero, 1, angle)))
}

/** At least one axis: a value becomes an array of one. @throws {InvalidOption} when `x` is not an array */
export const atleast1d = (x: AnyArray): AnyArray => (checkArray(x, 'atleast1d').ndim >= 1 ? x : x.reshape(1))
/** At least two axes: new ones come first. @throws {InvalidOption} when `x` is not an array */
export const atleast2d = (x: AnyArray): AnyArray => (checkArray(x, 'atleast2d').ndim >= 2 ? x : atleast1d(x).get(null, ':'))
/** At least three axes: a matrix gets one behind, a vector one on each side. @throws {InvalidOption} when `x` is not an array */
export const atleast3d = (x: AnyArray): AnyArray => (checkArray(x, 'atleast3d').ndim >= 3 ? x : atleast2d(x).get(':', ':', null))

type List = readonly AnyArray[]

/** @throws {InvalidOption} when it is not a list of at least one array */
function checkList(arrays: List, where: string): List {
  if (!Array.isArray(arrays) || arrays.length === 0)
    throw new InvalidOption(`Expected ${where} to get a list of at least one array`)
  for (const array of arrays) checkArray(array, where)
  return arrays
}

const joined = (arrays: List, axis: number): NDArray<DType, 'array'> => concat(arrays as readonly NDArray<DType, 'array'>[], axis)

/** Joins `arrays` row below row. @throws {InvalidOption} when it is not a list of arrays, or shapes do not go together */
export const vstack = (arrays: List): NDArray<DType, 'array'> => joined(checkList(arrays, 'vstack').map(atleast2d), 0)
/** Joins `arrays` side by side. @throws {InvalidOption} when it is not a list of arrays, or shapes do not go together */
export const hstack = (arrays: List): NDArray<DType, 'array'> => {
  const list = checkList(arrays, 'hstack').map(atleast1d)
  return joined(list, (list[0] as AnyArray).ndim === 1 ? 0 : 1)
}
/** Joins `arrays` along the third axis. @throws {InvalidOption} when it is not a list of arrays, or shapes do not go together */
export const dstack = (arrays: List): NDArray<DType, 'array'> => joined(checkList(arrays, 'dstack').map(atleast3d), 2)
/** Joins vectors as columns. @throws {InvalidOption} when it is not a list of arrays, or shapes differ */
export const columnStack = (arrays: List): NDArray<DType, 'array'> =>
  stack(checkList(arrays, 'columnStack') as readonly NDArray<DType, 'array'>[], 1)
