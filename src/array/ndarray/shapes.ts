/** NumPy's functions that rearrange, repeat and fill up: views where nothing has to move, and parts that are joined. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import * as build from '../expression/build.ts'
import type { DType, Value } from '../expression/dtype.ts'
import type { Node } from '../expression/node.ts'
import { axesRule, axisRule, listAxes, namedAxes, normalizeAxes, normalizeAxis } from '../expression/axes.ts'
import { broadcastShapes, checkShape, type Index, type Shape, showShape } from '../expression/shape.ts'
import { broadcastView, indexView, transposeView } from '../expression/view.ts'
import { checkKnown } from '../selection/positions.ts'
import { checkArray, NDArray, type Rank } from './array.ts'
import { take } from './selection.ts'

const viewed = (node: Node, index: readonly Index[]): Node => build.view(node, indexView(node.shape, index))
/** A slice along one axis. */
const sliced = (node: Node, axis: number, index: Index): Node =>
  viewed(node, [...node.shape.slice(0, axis).map(() => ({})), index])

/**
 * The elements in a larger shape: axes of length 1, and new ones in front, repeat them. Nothing is copied.
 * @throws {InvalidOption} when `x` is not an array, or does not fit the shape
 */
export function broadcastTo<D extends DType>(x: NDArray<D, Rank>, shape: Shape): NDArray<D, 'array'> {
  checkArray(x, 'broadcastTo')
  const to = checkShape(shape, 'broadcastTo')
  if (x.ndim > to.length || String(broadcastShapes(x.shape, to)) !== String(to))
    throw new InvalidOption(`Shape ${showShape(x.shape)} cannot be broadcast to ${showShape(to)}`)
  return new NDArray(build.view(x.node, broadcastView(x.shape, to)))
}

/**
 * Arrays in the shape that they have together.
 *
 * @param arrays that have one shape together
 * @throws {InvalidOption} when one is not an array, or the shapes do not go together
 */
export function broadcastArrays(...arrays: readonly NDArray<DType, Rank>[]): NDArray<DType, 'array'>[] {
  const shape = broadcastShapes([], ...arrays.map((array) => checkArray(array, 'broadcastArrays').shape))
  return arrays.map((array) => broadcastTo(array, shape))
}

/** Without axes of length 1: all of them, or those of `axis`. @throws {InvalidOption} when `x` is not an array, or such an axis has another length */
export function squeeze<D extends DType>(x: NDArray<D, Rank>, axis?: number | readonly number[]): NDArray<D, 'array'> {
  checkArray(x, 'squeeze')
  const axes = axis === undefined ? [...x.shape.keys()].filter((a) => x.shape[a] === 1) : normalizeAxes(axis, x.ndim)
  for (const a of axes) {
    if (x.shape[a] === 1) continue
    throw new InvalidOption(`Expected axes of length 1 for squeeze, got axis ${a} of shape ${showShape(x.shape)}`)
  }
  return new NDArray(
    viewed(
      x.node,
      x.shape.map((_, a) => (axes.includes(a) ? 0 : {})),
    ),
  )
}

/**
 * With new axes of length 1 that have these numbers in the result.
 *
 * @param axis numbers in the result, from the end when negative. @default 0
 * @throws {InvalidOption} when `x` is not an array, or the axes do not fit
 */
export function expandDims<D extends DType>(x: NDArray<D, Rank>, axis: number | readonly number[] = 0): NDArray<D, 'array'> {
  checkArray(x, 'expandDims')
  const rank = x.ndim + (Array.isArray(axis) ? axis.length : 1)
  const axes = normalizeAxes(axis, rank)
  return new NDArray(
    viewed(
      x.node,
      Array.from({ length: rank }, (_, a) => (axes.includes(a) ? null : {})),
    ),
  )
}

/**
 * With some axes moved to other places, the others in their order.
 *
 * @param source where the axes are
 * @param destination where they go
 * @throws {InvalidOption} when `x` is not an array, or the axes do not fit
 */
export function moveaxis<D extends DType, R extends Rank>(
  x: NDArray<D, R>,
  source: number | readonly number[],
  destination: number | readonly number[],
): NDArray<D, R> {
  checkArray(x, 'moveaxis')
  const [from, to] = [listAxes(source, x.ndim), listAxes(destination, x.ndim)]
  if (from.length !== to.length)
    throw new InvalidOption(`Expected as many different axes from [${from.join(', ')}] as to [${to.join(', ')}]`)
  const others = [...x.shape.keys()].filter((a) => !from.includes(a))
  const order = x.shape.map((_, a) => (to.includes(a) ? (from[to.indexOf(a)] as number) : (others.shift() as number)))
  return new NDArray(build.view(x.node, transposeView(x.shape, order)))
}

/**
 * With two axes exchanged.
 *
 * @param a one axis
 * @param b the other
 * @throws {InvalidOption} when `x` is not an array, or has no such axis
 */
export function swapaxes<D extends DType, R extends Rank>(x: NDArray<D, R>, a: number, b: number): NDArray<D, R> {
  checkArray(x, 'swapaxes')
  const [one, other] = [normalizeAxis(a, x.ndim), normalizeAxis(b, x.ndim)]
  const order = x.shape.map((_, axis) => (axis === one ? other : axis === other ? one : axis))
  return new NDArray(build.view(x.node, transposeView(x.shape, order)))
}

/** Backwards along all axes, or those of `axis`. A view. @throws {InvalidOption} when `x` is not an array, or has no such axis */
export function flip<D extends DType, R extends Rank>(x: NDArray<D, R>, axis?: number | readonly number[]): NDArray<D, R> {
  checkArray(x, 'flip')
  const axes = normalizeAxes(axis, x.ndim)
  checkKnown(
    axes.map((a) => x.shape[a] as number),
    'turned around',
  )
  return new NDArray(
    viewed(
      x.node,
      x.shape.map((_, a) => (axes.includes(a) ? { step: -1 } : {})),
    ),
  )
}

/** Turned by `k` times 90 degrees, from the first of two axes to the second. A view. @throws {InvalidOption} when `x` is not an array, or the axes do not fit */
export function rot90<D extends DType>(
  x: NDArray<D, 'array'>,
  k = 1,
  axes: readonly [number, number] = [0, 1],
): NDArray<D, 'array'> {
  checkArray(x, 'rot90')
  if (!Array.isArray(axes) || axes.length !== 2 || !Number.isSafeInteger(k))
    throw new InvalidOption(
      `Expected \`k\` of rot90 to be a whole number and \`axes\` two of them, got ${describe(k)} and ${describe(axes)}`,
    )
  const [a, b] = listAxes(axes, x.ndim) as [number, number]
  const turns = ((k % 4) + 4) % 4
  if (turns === 0) return x
  if (turns === 2) return flip(x, [a, b])
  return turns === 1 ? swapaxes(flip(x, b), a, b) : flip(swapaxes(x, a, b), b)
}

/**
 * Moved along axes; what leaves at one end enters at the other.
 *
 * @param shift places, one number or one for each axis
 * @param options.axis @default all elements in C order
 * @throws {InvalidOption} when `x` is not an array, has no such axis, or the numbers do not fit
 * @example
 * roll(from([1, 2, 3]), 1)   // 3 1 2
 */
export function roll<D extends DType, R extends Rank>(
  x: NDArray<D, R>,
  shift: number | readonly number[],
  options: { readonly axis?: number | readonly number[] } = {},
): NDArray<D, R> {
  checkArray(x, 'roll')
  checkOptions<typeof options>(options, { axis: axesRule }, 'roll')
  checkKnown(x.shape, 'rolled')
  const { axis } = options
  const shifts = Array.isArray(shift) ? [...(shift as readonly unknown[])].map(wholeShift) : [wholeShift(shift)]
  if (axis === undefined) {
    const flat = rolled(
      build.reshape(x.node, [-1]),
      0,
      shifts.reduce((a, b) => a + b, 0),
    )
    return new NDArray(build.reshape(flat, x.shape))
  }
  // As in NumPy the shifts of an axis that is named twice add up.
  const axes = namedAxes(axis, x.ndim)
  if (shifts.length !== axes.length && axes.length !== 1 && shifts.length !== 1)
    throw new InvalidOption(`Expected a shift for each of ${axes.length} axes, got ${shifts.length}`)
  const pairs =
    shifts.length === 1 ? axes.map((a) => [a, shifts[0]]) : shifts.map((by, i) => [axes[axes.length === 1 ? 0 : i], by])
  return new NDArray(pairs.reduce((node, [a, by]) => rolled(node, a as number, by as number), x.node))
}

function wholeShift(shift: unknown): number {
  if (Number.isSafeInteger(shift)) return shift as number
  throw new InvalidOption(`Expected \`shift\` of roll to be a whole number or a list of them, got ${describe(shift)}`)
}

function rolled(node: Node, axis: number, shift: number): Node {
  const length = node.shape[axis] as number
  const by = length === 0 ? 0 : ((shift % length) + length) % length
  if (by === 0) return node
  return build.concat([sliced(node, axis, { start: length - by }), sliced(node, axis, { stop: length - by })], axis)
}

/**
 * Each element several times in a row.
 *
 * @param repeats how often: one number for all, or a list of one for each element along the axis
 * @param options.axis @default all elements in C order
 * @throws {InvalidOption} when `x` is not an array, has no such axis, or `repeats` does not fit
 * @example
 * repeat(from([1, 2]), 3)   // 1 1 1 2 2 2
 */
export function repeat<D extends DType>(
  x: NDArray<D, Rank>,
  repeats: number | readonly number[],
  options: { readonly axis?: number } = {},
): NDArray<D, 'array'> {
  checkArray(x, 'repeat')
  checkOptions<{ readonly axis?: number }>(options, { axis: axisRule }, 'repeat')
  const array = options.axis === undefined ? x.reshape(-1) : x
  const axis = normalizeAxis(options.axis ?? 0, array.ndim)
  const length = array.shape[axis] as number
  const counts = typeof repeats === 'number' ? [repeats] : repeats
  if (
    !Array.isArray(counts) ||
    !counts.every((n) => Number.isSafeInteger(n) && n >= 0) ||
    (counts.length !== 1 && counts.length !== length)
  ) {
    throw new InvalidOption(
      `Expected \`repeats\` to be a whole number from 0 up, or one for each of ${length} elements, got ${describe(repeats)}`,
    )
  }
  checkKnown(array.shape, 'repeated')
  if (counts.length === 1) {
    const [n] = counts as [number]
    const apart = viewed(array.node, [...array.shape.slice(0, axis + 1).map(() => ({})), null])
    const to = [...array.shape.slice(0, axis + 1), n, ...array.shape.slice(axis + 1)]
    return new NDArray(
      build.reshape(
        build.view(apart, broadcastView(apart.shape, to)),
        array.shape.map((m, a) => (a === axis ? m * n : m)),
      ),
    )
  }
  return take(
    array,
    counts.flatMap((n, i) => Array.from({ length: n }, () => i)),
    { axis },
  ) as NDArray<D, 'array'>
}

/**
 * The whole array several times along each axis; axes are counted from the last one.
 *
 * @param repetitions how often, along the last axes
 * @throws {InvalidOption} when `x` is not an array, or a number is not one from 0 up
 */
export function tile<D extends DType>(x: NDArray<D, Rank>, repetitions: number | readonly number[]): NDArray<D, 'array'> {
  checkArray(x, 'tile')
  checkKnown(x.shape, 'repeated')
  const given = checkShape(repetitions, 'tile')
  const rank = Math.max(given.length, x.ndim)
  const lead = <T>(list: readonly T[], one: T): T[] => [...Array.from({ length: rank - list.length }, () => one), ...list]
  const [times, lengths] = [lead(given, 1), lead(x.shape, 1)]
  const apart = build.reshape(
    x.node,
    lengths.flatMap((n) => [1, n]),
  )
  const to = lengths.flatMap((n, a) => [times[a] as number, n])
  return new NDArray(
    build.reshape(
      build.view(apart, broadcastView(apart.shape, to)),
      lengths.map((n, a) => n * (times[a] as number)),
    ),
  )
}

const modes = ['constant', 'edge', 'reflect', 'symmetric', 'wrap', 'empty'] as const
/** Options of {@link pad}. */
export interface PadOptions {
  /**
   * What stands there: one value, the nearest element, the elements mirrored without or with the outermost one, those of the other end, or
   * anything. @default 'constant'
   */
  readonly mode?: (typeof modes)[number]
  /** The value of mode `'constant'`. @default 0 */
  readonly value?: Value
}

/**
 * With elements added before and behind.
 *
 * @param width how many: one number, `[before, behind]`, or a list of that for each axis
 * @throws {InvalidOption} when `x` is not an array, a width is not a whole number from 0 up, an axis to be continued is empty, or for a wrong option
 * @example
 * pad(image, [[1, 1], [1, 1], [0, 0]], { mode: 'reflect' })
 */
export function pad<D extends DType>(
  x: NDArray<D, Rank>,
  width: number | readonly [number, number] | readonly (readonly [number, number])[],
  options: PadOptions = {},
): NDArray<D, 'array'> {
  checkArray(x, 'pad')
  checkOptions<PadOptions>(options, { mode: rules.oneOf(...modes), value: rules.any }, 'pad')
  checkKnown(x.shape, 'padded')
  const { mode = 'constant', value = x.dtype === 'bool' ? false : 0 } = options
  const padded = widths(width, x.ndim).reduce<Node>((node, [before, behind], axis) => {
    if (before + behind === 0) return node
    const length = node.shape[axis] as number
    if (mode === 'constant' || mode === 'empty') {
      const side = (n: number): Node =>
        new NDArray<D, Rank>(build.full(node.shape.with(axis, n), x.dtype, zeroOf(x.dtype))).set(['...'], value).node
      return build.concat([...(before > 0 ? [side(before)] : []), node, ...(behind > 0 ? [side(behind)] : [])], axis)
    }
    if (length === 0)
      throw new InvalidOption(
        `An empty axis cannot be continued with mode '${mode}': axis ${axis} of shape ${showShape(x.shape)}`,
      )
    const indices = Array.from({ length: before + length + behind }, (_, i) => continued(i - before, length, mode))
    return take(new NDArray(node), indices, { axis }).node
  }, x.node)
  return new NDArray(padded)
}

const zeroOf = (dtype: DType): number | bigint => (dtype === 'i64' || dtype === 'u64' ? 0n : 0)

/** Which element stands at an index outside. */
function continued(index: number, length: number, mode: (typeof modes)[number]): number {
  if (mode === 'edge') return Math.min(length - 1, Math.max(0, index))
  const modulo = (n: number): number => ((index % n) + n) % n
  if (mode === 'wrap') return modulo(length)
  if (mode === 'symmetric') return Math.min(modulo(2 * length), 2 * length - 1 - modulo(2 * length))
  return length === 1 ? 0 : Math.min(modulo(2 * length - 2), 2 * length - 2 - modulo(2 * length - 2))
}

function widths(width: unknown, rank: number): [number, number][] {
  const pair = (value: unknown): [number, number] => {
    const both = typeof value === 'number' ? [value, value] : value
    if (Array.isArray(both) && both.length === 2 && both.every((n) => Number.isSafeInteger(n) && n >= 0))
      return both as [number, number]
    throw new InvalidOption(
      `Expected \`width\` of pad to be whole numbers from 0 up: one, a pair, or a pair for each axis, got ${describe(width)}`,
    )
  }
  if (!Array.isArray(width) || (width.length === 2 && typeof width[0] === 'number'))
    return Array.from({ length: rank }, () => pair(width))
  if (width.length !== rank)
    throw new InvalidOption(`Expected a pair for each of ${rank} axes in \`width\` of pad, got ${width.length}`)
  return width.map(pair)
}

/** The parts of an array along an axis, which is removed. @throws {InvalidOption} when `x` is not an array, or has no such axis, or one of unknown length */
export function unstack<D extends DType>(x: NDArray<D, Rank>, axis = 0): NDArray<D, 'array'>[] {
  checkArray(x, 'unstack')
  const at = normalizeAxis(axis, x.ndim)
  checkKnown([x.shape[at] as number], 'taken apart')
  return Array.from({ length: x.shape[at] as number }, (_, i) => new NDArray(sliced(x.node, at, i)))
}

/** Parts of arrays with fewer elements; most of them are empty. Chosen: beyond it the list itself is what takes the memory. */
const mostParts = 65_536

/**
 * An array cut along an axis: into that many parts, whose lengths differ by one at most, or before these indices.
 * @throws {InvalidOption} when `x` is not an array, has no such axis, or the parts are not whole numbers
 */
export function split<D extends DType>(x: NDArray<D, Rank>, parts: number | readonly number[], axis = 0): NDArray<D, 'array'>[] {
  checkArray(x, 'split')
  const at = normalizeAxis(axis, x.ndim)
  const length = x.shape[at] as number
  checkKnown([length], 'cut')
  if (
    typeof parts === 'number'
      ? !(Number.isSafeInteger(parts) && parts > 0 && parts <= Math.max(length, mostParts))
      : !(Array.isArray(parts) && parts.every(Number.isSafeInteger))
  )
    throw new InvalidOption(
      `Expected \`parts\` of split to be a whole number from 1 to ${Math.max(length, mostParts)} or a list of indices, got ${describe(parts)}`,
    )
  const inner =
    typeof parts === 'number'
      ? Array.from({ length: parts - 1 }, (_, i) => (i + 1) * Math.floor(length / parts) + Math.min(i + 1, length % parts))
      : parts
  const starts = [0, ...inner]
  return starts.map((start, i) => new NDArray(sliced(x.node, at, { start, stop: inner[i] ?? length })))
}
