/** Frequencies of Fourier transforms that other libraries compute, and the order in which they stand. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { DType } from '../expression/dtype.ts'
import { normalizeAxes } from '../expression/axes.ts'
import { checkArray, type NDArray, type Rank } from './array.ts'
import { arange } from './create.ts'
import { concat } from './functions.ts'
import { roll } from './shapes.ts'

/** Options of {@link fftfreq} and {@link rfftfreq}. */
export interface FrequencyOptions {
  /** The time between two samples. @default 1 */
  readonly d?: number
}

function checkSamples(n: unknown, options: FrequencyOptions, where: string): number {
  checkOptions<FrequencyOptions>(options, { d: rules.any }, where)
  if (!Number.isSafeInteger(n) || (n as number) < 1)
    throw new InvalidOption(`Expected the number of samples of ${where} to be a whole number from 1 up, got ${describe(n)}`)
  const { d = 1 } = options
  if (typeof d === 'number' && Number.isFinite(d) && d !== 0) return (n as number) * d
  throw new InvalidOption(`Expected \`d\` of ${where} to be a number other than 0, got ${describe(d)}`)
}

/**
 * The frequencies of the transform of `n` samples: 0, the positive ones, then the negative ones.
 * @throws {InvalidOption} when `n` is not a whole number from 1 up, or `d` is 0
 * @example
 * fftfreq(4, { d: 0.5 })   // 0 0.5 -1 -0.5
 */
export function fftfreq(n: number, options: FrequencyOptions = {}): NDArray<'f64', 'array'> {
  const length = checkSamples(n, options, 'fftfreq')
  const positive = arange(Math.ceil(n / 2))
  return concat([positive, arange(-Math.floor(n / 2), 0)]).divide(length)
}

/**
 * The frequencies of the transform of `n` real samples, from 0 up.
 * @throws {InvalidOption} when `n` is not a whole number from 1 up, or `d` is 0
 * @example
 * rfftfreq(4)   // 0 0.25 0.5
 */
export function rfftfreq(n: number, options: FrequencyOptions = {}): NDArray<'f64', 'array'> {
  const length = checkSamples(n, options, 'rfftfreq')
  return arange(Math.floor(n / 2) + 1).divide(length)
}

function shifted<D extends DType, R extends Rank>(
  x: NDArray<D, R>,
  axes: number | readonly number[] | undefined,
  places: (length: number) => number,
  where: string,
): NDArray<D, R> {
  const along = normalizeAxes(axes, checkArray(x, where).ndim)
  const shifts = along.map((axis) => places(x.shape[axis] as number))
  return along.length === 0 ? x : roll(x, shifts, { axis: along })
}

/**
 * With the frequency 0 moved to the middle of all axes, or of those of `axes`.
 * @param axes @default all of them
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 */
export function fftshift<D extends DType, R extends Rank>(x: NDArray<D, R>, axes?: number | readonly number[]): NDArray<D, R> {
  return shifted(x, axes, (length) => Math.floor(length / 2), 'fftshift')
}

/**
 * What {@link fftshift} did, undone.
 * @param axes @default all of them
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 */
export function ifftshift<D extends DType, R extends Rank>(x: NDArray<D, R>, axes?: number | readonly number[]): NDArray<D, R> {
  return shifted(x, axes, (length) => -Math.floor(length / 2), 'ifftshift')
}
