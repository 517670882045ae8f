/**
 * Where a kernel's inputs come from: plain data that crosses to workers, and the code that fills a block from it. Reading
 * element p means: the p-th element, in C order, of a box of `shape` laid over the source with `strides`.
 */
import type { DType } from '../expression/dtype.ts'
import type { Home } from './memory.ts'
import { contiguousStrides, type Shape, sizeOf } from '../expression/shape.ts'
import type { View } from '../expression/view.ts'

export type Source =
  | {
      readonly kind: 'memory'
      readonly buffer: SharedArrayBuffer
      /** Where a kernel can read the elements in place. */
      readonly home?: Home | undefined
    }
  | {
      readonly kind: 'file'
      readonly path: string
      readonly offsetBytes: number
      readonly bigEndian: boolean
      readonly length: number
    }
  | { readonly kind: 'random'; readonly distribution: 'uniform' | 'normal'; readonly key: bigint }

export interface Access {
  readonly source: Source
  readonly dtype: DType
  /** In elements of the source, as are the strides. */
  readonly offset: number
  readonly shape: Shape
  readonly strides: readonly number[]
}

/** Where the view's first element lies, and the strides of its axes, over elements that lie with `strides` from `offset`. */
export function stridesThrough(
  view: View,
  strides: readonly number[],
  offset: number,
): { readonly offset: number; readonly strides: readonly number[] } {
  const steps = view.shape.map(() => 0)
  let start = offset
  view.axes.forEach((axis, i) => {
    const stride = strides[i] as number
    start += axis.start * stride
    if (axis.from >= 0) steps[axis.from] = (steps[axis.from] as number) + axis.step * stride
  })
  return { offset: start, strides: steps }
}

/** The access of a view; neighbouring axes that walk alike become one. */
export function accessThrough(
  view: View,
  strides: readonly number[],
  offset: number,
): Pick<Access, 'offset' | 'shape' | 'strides'> {
  const through = stridesThrough(view, strides, offset)
  return { offset: through.offset, ...coalesce(view.shape, through.strides) }
}

export function coalesce(
  shape: Shape,
  strides: readonly number[],
): { readonly shape: Shape; readonly strides: readonly number[] } {
  if (sizeOf(shape) === 0) return { shape: [0], strides: [1] }
  const lengths: number[] = []
  const steps: number[] = []
  shape.forEach((length, axis) => {
    if (length === 1) return
    const stride = strides[axis] as number
    const last = lengths.length - 1
    if (last >= 0 && steps[last] === stride * length) {
      lengths[last] = (lengths[last] as number) * length
      steps[last] = stride
    } else {
      lengths.push(length)
      steps.push(stride)
    }
  })
  return lengths.length === 0 ? { shape: [1], strides: [1] } : { shape: lengths, strides: steps }
}

/** Whether the elements are one run in the source. */
export function isRun(access: Pick<Access, 'shape' | 'strides'>): boolean {
  return access.strides.length === 1 && access.strides[0] === 1
}

/** One place in the source for all elements. */
export function isSingle(access: Pick<Access, 'strides' | 'shape'>): boolean {
  return access.strides.every((stride) => stride === 0) || sizeOf(access.shape) === 1
}

export function denseAccess(buffer: SharedArrayBuffer, dtype: DType, shape: Shape): Access {
  return { source: { kind: 'memory', buffer }, dtype, offset: 0, ...coalesce(shape, contiguousStrides(shape)) }
}
