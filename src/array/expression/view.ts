/**
 * Affine views: how the coordinates of a result select elements of an input. Slices, transposition, broadcasting and
 * new axes are all views, and a view of a view is a view, so that fused kernels read every input in place.
 */
import { InvalidOption } from '../../base/errors.ts'
import { normalizeAxis } from './axes.ts'
import { type Index, resolveSlice, type Shape, showShape, slice } from './shape.ts'

/** Where one axis of the input is read: at `start + step × (coordinate of result axis `from`)`; `from` −1: always at `start`. */
export interface AxisMap {
  readonly start: number
  readonly step: number
  readonly from: number
}

export interface View {
  /** Shape of the result. */
  readonly shape: Shape
  /** One per axis of the input. */
  readonly axes: readonly AxisMap[]
}

export function identityView(shape: Shape): View {
  return { shape, axes: shape.map((_, from) => ({ start: 0, step: 1, from })) }
}

/** Whether the view shows exactly its input. */
export function isIdentity(view: View, input: Shape): boolean {
  return (
    view.shape.length === input.length &&
    view.axes.every(
      (axis, i) =>
        axis.start === 0 &&
        (axis.step === 1 || input[i] === 1) &&
        (axis.from === i || input[i] === 1) &&
        (view.shape[i] === input[i] || Number.isNaN(input[i])),
    )
  )
}

/** The view of what `outer` selects from the result of `inner`. */
export function composeViews(outer: View, inner: View): View {
  const axes = inner.axes.map(({ start, step, from }) => {
    if (from < 0) return { start, step: 0, from }
    const via = outer.axes[from] as AxisMap
    return { start: start + step * via.start, step: step * via.step, from: via.from }
  })
  return { shape: outer.shape, axes }
}

/** Stretches `input` to the shape that it was broadcast to. */
export function broadcastView(input: Shape, to: Shape): View {
  const lead = to.length - input.length
  return {
    shape: to,
    axes: input.map((length, axis) => {
      const stretched = length === 1 && to[axis + lead] !== 1
      return { start: 0, step: stretched ? 0 : 1, from: stretched ? -1 : axis + lead }
    }),
  }
}

/** Axis `i` of the result is axis `order[i]` of the input. */
export function transposeView(input: Shape, order: readonly number[]): View {
  const axes = order.map((axis) => normalizeAxis(axis, input.length))
  if (axes.length !== input.length || new Set(axes).size !== axes.length) {
    throw new InvalidOption(
      `Expected \`axes\` to name each of the ${input.length} axes of shape ${showShape(input)} once, got [${order.join(', ')}]`,
    )
  }
  return {
    shape: axes.map((axis) => input[axis] as number),
    axes: input.map((_, axis) => ({ start: 0, step: 1, from: axes.indexOf(axis) })),
  }
}

/**
 * NumPy's basic indexing.
 * @throws {InvalidOption} for an index out of range or more indices than axes.
 */
export function indexView(input: Shape, indices: readonly Index[]): View {
  const used = indices.filter((index) => index !== null && index !== '...').length
  if (used > input.length || indices.filter((index) => index === '...').length > 1) {
    throw new InvalidOption(`Too many indices for shape ${showShape(input)}: ${indices.length}`)
  }
  const full = indices.includes('...') ? indices : [...indices, '...' as const]
  const expanded = full.flatMap((index): Index[] =>
    index === '...' ? Array.from({ length: input.length - used }, () => slice()) : [index],
  )
  const shape: number[] = []
  const axes: AxisMap[] = []
  for (const index of expanded) {
    if (index === null) {
      shape.push(1)
      continue
    }
    const length = input[axes.length] as number
    if (typeof index === 'number') {
      axes.push({ start: checkIndex(index, length, axes.length, input), step: 0, from: -1 })
    } else {
      const part = resolveAxis(index as Exclude<Index, '...' | number | null>, length, input)
      axes.push({ start: part.start, step: part.step, from: shape.length })
      shape.push(part.length)
    }
  }
  return { shape, axes }
}

function resolveAxis(
  index: Exclude<Index, '...' | number | null>,
  length: number,
  input: Shape,
): { start: number; step: number; length: number } {
  if (!Number.isNaN(length)) return resolveSlice(index, length)
  if (index.start === undefined && index.stop === undefined && (index.step ?? 1) === 1) return { start: 0, step: 1, length }
  throw unknownLength('sliced', input)
}

const unknownLength = (what: string, input: Shape): InvalidOption =>
  new InvalidOption(`An axis of unknown length cannot be ${what}: shape ${showShape(input)}`, {
    hint: 'Call `await array.persist()` first; then its length is known.',
  })

function checkIndex(index: number, length: number, axis: number, input: Shape): number {
  const at = index < 0 ? index + length : index
  if (Number.isInteger(index) && at >= 0 && at < length) return at
  if (Number.isNaN(length)) throw unknownLength('indexed', input)
  throw new InvalidOption(`Index ${index} is out of range for axis ${axis} of shape ${showShape(input)}`)
}
