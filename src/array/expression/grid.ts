/**
 * How an array is cut into blocks: along each axis, at the same places for all others. An axis of equal blocks is two numbers, so that a file
 * which claims to have 10^15 of them costs nothing.
 */
import { describe, InvalidOption } from '../../base/errors.ts'
import { type Shape, showShape } from './shape.ts'
import type { View } from './view.ts'

/** The blocks along one axis. */
export interface AxisGrid {
  /** Elements. */
  readonly length: number
  /** Blocks. */
  readonly count: number
  /** Elements of the largest block. */
  readonly largest: number
  /** Where block `index` begins; of `count` the end of the axis. */
  startOf(index: number): number
  /** The block in which element `at` lies. */
  indexOf(at: number): number
  /** Blocks `from` up to but not including `to`, as an axis of their own. */
  part(from: number, to: number): AxisGrid
  /** Lengths, as Dask writes them. */
  lengths(): number[]
}

/** One for each axis of an array. */
export type Grid = readonly AxisGrid[]

/** A part of an array: from `start` up to but not including `stop`, along each axis. */
export interface Box {
  readonly start: readonly number[]
  readonly stop: readonly number[]
}

/** Blocks of equal length; the last may be shorter. */
export class EqualBlocks implements AxisGrid {
  readonly length: number
  readonly count: number
  readonly #block: number

  constructor(length: number, block: number) {
    this.length = length
    this.#block = Math.max(1, Math.min(block, length))
    this.count = Math.ceil(length / this.#block)
  }

  get largest(): number {
    return this.length === 0 ? 0 : this.#block
  }

  startOf(index: number): number {
    return Math.min(this.length, index * this.#block)
  }

  indexOf(at: number): number {
    return Math.floor(at / this.#block)
  }

  part(from: number, to: number): AxisGrid {
    return new EqualBlocks(this.startOf(to) - this.startOf(from), this.#block)
  }

  lengths(): number[] {
    return Array.from({ length: this.count }, (_, i) => this.startOf(i + 1) - this.startOf(i))
  }
}

/** Blocks of the lengths that a list gives. */
export class ListedBlocks implements AxisGrid {
  readonly length: number
  readonly count: number
  readonly largest: number
  readonly #starts: readonly number[]

  constructor(lengths: readonly number[]) {
    const starts = [0]
    for (const length of lengths) starts.push((starts.at(-1) as number) + length)
    this.#starts = starts
    this.length = starts.at(-1) as number
    this.count = lengths.length
    this.largest = lengths.reduce((a, b) => Math.max(a, b), 0)
  }

  startOf(index: number): number {
    return this.#starts[index] as number
  }

  indexOf(at: number): number {
    let [low, high] = [0, this.count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.startOf(middle + 1) <= at) low = middle + 1
      else high = middle
    }
    return low
  }

  part(from: number, to: number): AxisGrid {
    return new ListedBlocks(this.lengths().slice(from, to))
  }

  lengths(): number[] {
    return this.#starts.slice(1).map((stop, i) => stop - (this.#starts[i] as number))
  }
}

/** Along each axis: the length of its blocks, a list of lengths, or −1 for one block. */
export type Chunks = number | readonly (number | readonly number[])[]

/** Blocks of one axis; a list may hold an empty one only where the axis is empty. */
function axisGrid(length: number, wanted: number | readonly number[], shape: Shape, where: string): AxisGrid {
  if (typeof wanted === 'number') {
    if (wanted === -1) return new EqualBlocks(length, length)
    if (Number.isSafeInteger(wanted) && wanted >= 1) return new EqualBlocks(length, wanted)
  } else if (Array.isArray(wanted) && wanted.every((n) => Number.isSafeInteger(n) && n >= (length === 0 ? 0 : 1))) {
    const grid = new ListedBlocks(wanted)
    if (grid.length === length) return grid
    throw new InvalidOption(
      `Expected the blocks of ${where} to fill shape ${showShape(shape)}, got [${wanted.join(', ')}] for an axis of ${length}`,
      { hint: `The lengths must add up to ${length}, and they add up to ${grid.length}.` },
    )
  }
  throw new InvalidOption(
    `Expected \`chunks\` of ${where} to be a whole number from 1 up, -1 for a whole axis, or a list with one of them or a list of lengths for each axis, got ${describe(wanted)}`,
  )
}

/**
 * A grid from what a caller writes.
 * @param chunks a number is that of the first axis, the others whole
 * @throws {InvalidOption} when it does not fit the shape
 */
export function gridOf(shape: Shape, chunks: Chunks, where: string): Grid {
  if (shape.some(Number.isNaN)) {
    throw new InvalidOption(`An array of unknown length cannot be cut into blocks by ${where}: shape ${showShape(shape)}`, {
      hint: 'Call `await array.persist()` first; then its length is known.',
    })
  }
  const list = Array.isArray(chunks) ? chunks : shape.map((_, axis) => (axis === 0 ? (chunks as number) : -1))
  if (list.length !== shape.length) {
    throw new InvalidOption(
      `Expected \`chunks\` of ${where} to have an entry for each of the ${shape.length} axes of shape ${showShape(shape)}, got ${list.length}`,
    )
  }
  return list.map((wanted, axis) => axisGrid(shape[axis] as number, wanted, shape, where))
}

/** Elements of a block where nothing was asked for: 8 MB of doubles, enough that calling a function for each costs nothing. */
const blockElements = 1 << 20

/** Blocks of about {@link blockElements}, cut along the first axes. */
function autoGrid(shape: Shape): Grid {
  let rest = shape.reduce((a, b) => a * b, 1)
  return shape.map((length) => {
    rest = length === 0 ? 0 : rest / length
    return new EqualBlocks(length, Math.max(1, Math.floor(blockElements / Math.max(1, rest))))
  })
}

/** The blocks of an array: those that were asked for, or ones by its size. @throws {InvalidOption} when a length is unknown */
export function blocksOf(
  { shape, chunk, grid }: { readonly shape: Shape; readonly chunk: number | undefined; readonly grid?: Grid | undefined },
  where: string,
): Grid {
  if (grid) return grid
  if (shape.some(Number.isNaN)) return gridOf(shape, -1, where)
  if (chunk === undefined || shape.length === 0) return autoGrid(shape)
  const row = shape.slice(1).reduce((a, b) => a * b, 1)
  return gridOf(shape, Math.max(1, Math.round(chunk / Math.max(1, row))), where)
}

/** Blocks of the grid, in C order. */
export const blockCount = (grid: Grid): number => grid.reduce((n, axis) => n * axis.count, 1)

/** The coordinates of block `n` in C order. */
export function blockIndex(grid: Grid, n: number): number[] {
  const index: number[] = grid.map(() => 0)
  let left = n
  for (let axis = grid.length - 1; axis >= 0; axis--) {
    const { count } = grid[axis] as AxisGrid
    index[axis] = left % count
    left = Math.floor(left / count)
  }
  return index
}

/** Where a block lies. */
export function boxOfBlock(grid: Grid, index: readonly number[]): Box {
  return {
    start: grid.map((axis, i) => axis.startOf(index[i] as number)),
    stop: grid.map((axis, i) => axis.startOf((index[i] as number) + 1)),
  }
}

export const shapeOfBox = ({ start, stop }: Box): number[] => stop.map((to, axis) => to - (start[axis] as number))

export const shapeOfGrid = (grid: Grid): number[] => grid.map(({ length }) => length)

/** What of an input a view reads; undefined where it reads nothing. */
export function boxOfView({ shape, axes }: View): Box | undefined {
  if (shape.includes(0)) return undefined
  const ends = axes.map(({ start, step, from }) => start + step * (from < 0 ? 0 : (shape[from] as number) - 1))
  return {
    start: axes.map(({ start }, i) => Math.min(start, ends[i] as number)),
    stop: axes.map(({ start }, i) => Math.max(start, ends[i] as number) + 1),
  }
}

/** The view that shows a box of an array. */
export function viewOfBox(box: Box): View {
  return { shape: shapeOfBox(box), axes: box.start.map((start, from) => ({ start, step: 1, from })) }
}
