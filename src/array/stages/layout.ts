/** How a reduction walks over its input. */
import type { ReduceNode } from '../expression/node.ts'
import { sizeOf } from '../expression/shape.ts'
import type { View } from '../expression/view.ts'

/** Which axes of the input a reduction leaves, and which it walks over. */
export interface Layout {
  readonly rows: boolean
  readonly view: View | undefined
  readonly outer: number
  readonly count: number
}

export function layOut({ input, axes, partial }: ReduceNode): Layout {
  const { shape } = input
  const left = shape.map((_, i) => i).filter((axis) => !axes.includes(axis))
  const outer = sizeOf(left.map((axis) => shape[axis] as number))
  const count = sizeOf(axes.map((axis) => shape[axis] as number))
  // The states of all boxes of an array are alike.
  const rows =
    partial?.rows ??
    (outer === 1 || (axes.includes(shape.length - 1) ? count >= 512 || count > outer : outer < 512 && count > outer))
  const order = rows ? [...left, ...axes] : [...axes, ...left]
  const view = {
    shape: order.map((axis) => shape[axis] as number),
    axes: shape.map((_, axis) => ({ start: 0, step: 1, from: order.indexOf(axis) })),
  }
  return { rows, view: outer === 1 && rows ? undefined : view, outer, count }
}
