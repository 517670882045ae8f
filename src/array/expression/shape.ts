/**
 * Shapes, broadcasting and slicing, with NumPy's rules. A length that only a computation can find (a boolean mask,
 * `unique`) is NaN.
 */
import { describe, InvalidOption } from '../../base/errors.ts'

/** Lengths of the axes, outermost first; `[]` is a single value. */
export type Shape = readonly number[]

export function sizeOf(shape: Shape): number {
  let size = 1
  for (const length of shape) size *= length
  return size
}

/** `(3, 4)`; an unknown length shows as `?`. */
export function showShape(shape: Shape): string {
  const lengths = shape.map((n) => (Number.isNaN(n) ? '?' : String(n)))
  return shape.length === 1 ? `(${lengths[0]},)` : `(${lengths.join(', ')})`
}

/** @throws {InvalidOption} when it is not a list of whole numbers from 0 up. */
export function checkShape(value: unknown, where: string): Shape {
  const shape = typeof value === 'number' ? [value] : value
  // Spread, so that a hole counts as `undefined`.
  const lengths: unknown[] | undefined = Array.isArray(shape) ? [...(shape as unknown[])] : undefined
  if (lengths?.every((n) => Number.isSafeInteger(n) && (n as number) >= 0)) {
    const size = sizeOf(lengths as number[])
    if (size <= Number.MAX_SAFE_INTEGER) return lengths as number[]
  }
  throw new InvalidOption(
    `Expected the shape of ${where} to be a list of whole numbers from 0 up, got ${lengths ? `[${lengths.map(String).join(', ')}]` : describe(value)}`,
  )
}

/**
 * The common shape of operands: axes are aligned at the end, and a length of 1 stretches.
 * @throws {InvalidOption} naming both shapes.
 */
export function broadcastShapes(...shapes: readonly Shape[]): Shape {
  return shapes.reduce((a, b) => {
    const rank = Math.max(a.length, b.length)
    return Array.from({ length: rank }, (_, axis) => {
      const x = a[axis - rank + a.length] ?? 1
      const y = b[axis - rank + b.length] ?? 1
      if (x === y || y === 1) return x
      // An unknown length must turn out to be the other one, or 1.
      if (x === 1 || Number.isNaN(x)) return y
      if (Number.isNaN(y)) return x
      throw new InvalidOption(`Shapes ${showShape(a)} and ${showShape(b)} cannot be broadcast together`, {
        hint: 'Axes are aligned at the end; lengths must be equal, or one of them 1.',
      })
    })
  })
}

/** Part of one axis: an index (drops the axis), a slice, a new axis (`null`), or the rest (`'...'`). */
export type Index = number | null | '...' | Slice

/** A part of an axis: from `start` up to but not including `stop`, every `step`-th. */
export interface Slice {
  /** First index; from the end when negative. @default the beginning in the direction of `step` */
  readonly start?: number | undefined
  /** First index that is left out. @default the end in the direction of `step` */
  readonly stop?: number | undefined
  /** Distance; negative walks backwards. @default 1 */
  readonly step?: number | undefined
}

/** From `start` to `stop` by `step`: `slice(2, 10, 3)` is Python's `2:10:3`, `slice(5)` is `5:`. `undefined` leaves one out. Never throws; a wrong part shows where it is used. */
export function slice(start?: number, stop?: number, step?: number): Slice {
  return { start, stop, step }
}

/**
 * `'1:10:2'`, `'::-1'`, `'3'` and `'...'` as Python writes them; whole numbers, `null` and slices as they are.
 * @throws {InvalidOption} when it is anything else
 */
export function parseIndex(index: unknown): Index {
  if (index === null || index === '...' || Number.isInteger(index)) return index as Index
  if (typeof index === 'string') return parseText(index)
  if (isSlice(index)) return index
  throw new InvalidOption(
    `Expected an index to be a whole number, a slice such as '1:10:2' or slice(1, 10, 2), null or '...', got ${describe(index)}`,
    { hint: 'Leave out an index to take the whole axis.' },
  )
}

function parseText(index: string): Index {
  const parts = index.split(':').map((part) => part.trim())
  if (parts.length > 3 || !parts.every((part) => /^(?:[+-]?\d+)?$/.test(part)) || index.trim() === '') {
    throw new InvalidOption(`Expected an index such as '1:10:2', '::-1' or '...', got ${describe(index)}`)
  }
  const [start, stop, step] = parts.map((part) => (part === '' ? undefined : Number(part)))
  return parts.length === 1 ? (start as number) : { start, stop, step }
}

const sliceFields = ['start', 'stop', 'step']

/** A plain object with the fields of a slice and no others. */
function isSlice(value: unknown): value is Slice {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && Object.keys(value).every((name) => sliceFields.includes(name))
}

/** A slice applied to an axis: Python's `slice.indices`. */
export function resolveSlice({ start, stop, step = 1 }: Slice, length: number): { start: number; step: number; length: number } {
  for (const [name, value] of Object.entries({ start, stop, step })) {
    if (value !== undefined && !Number.isInteger(value))
      throw new InvalidOption(`Expected \`${name}\` of a slice to be a whole number, got ${describe(value)}`)
  }
  if (step === 0) throw new InvalidOption('Expected `step` of a slice to be a whole number other than 0, got 0 (number)')
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1]
  const clamp = (index: number | undefined, otherwise: number): number =>
    index === undefined ? otherwise : Math.min(high, Math.max(low, index < 0 ? index + length : index))
  const from = clamp(start, step > 0 ? low : high)
  const to = clamp(stop, step > 0 ? high : low)
  const count = Math.max(0, Math.ceil((to - from) / step))
  return { start: from, step, length: count }
}

/** C-order strides in elements. */
export function contiguousStrides(shape: Shape): readonly number[] {
  const strides: number[] = shape.map(() => 1)
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = (strides[axis + 1] as number) * (shape[axis + 1] as number)
  return strides
}
