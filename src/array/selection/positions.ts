/**
 * Selections by arrays of indices, as positions: an expression that says for each element of the result where it lies in C order. It is fused
 * into the pass that reads or writes the elements. NumPy's rules: arrays of indices are broadcast together, and their axes stand where they
 * are, or first when something stands between them.
 */
import { InvalidOption } from '../../base/errors.ts'
import * as build from '../expression/build.ts'
import { isFloat, isUnsigned } from '../expression/dtype.ts'
import { makeNode, type Node } from '../expression/node.ts'
import { normalizeAxis } from '../expression/axes.ts'
import {
  broadcastShapes,
  contiguousStrides,
  type Index,
  resolveSlice,
  type Shape,
  showShape,
  sizeOf,
  type Slice,
} from '../expression/shape.ts'
import { broadcastView, indexView } from '../expression/view.ts'

/** Elements selected by their indices, or by a mask. */
export interface ArrayIndex {
  readonly array: Node
}

export type Selector = Index | ArrayIndex

export const isArrayIndex = (selector: Selector): selector is ArrayIndex =>
  typeof selector === 'object' && selector !== null && 'array' in selector

const constant = (value: number): Node => build.full([], 'f64', value)
const range = (length: number, start: number, step: number): Node =>
  makeNode({ kind: 'range', start, step, dtype: 'f64', shape: [length], chunk: undefined })

/** @throws {InvalidOption} when a length is known to the computation only */
export function checkKnown(shape: Shape, what: string): void {
  if (!shape.some(Number.isNaN)) return
  throw new InvalidOption(`An axis of unknown length cannot be ${what}: shape ${showShape(shape)}`, {
    hint: 'Call `await array.persist()` first; then its length is known.',
  })
}

/** Axes from the front at `at`, among `rank` of them. */
function placed(node: Node, at: number, rank: number): Node {
  const index = [
    ...Array.from({ length: at }, () => null),
    ...node.shape.map(() => ({})),
    ...Array.from({ length: rank - at - node.shape.length }, () => null),
  ]
  return build.view(node, indexView(node.shape, index))
}

/**
 * Indices as doubles from 0 up, times a stride. One that is out of range becomes NaN, one that is not whole infinity: the pass that meets it says so.
 * @throws {InvalidOption} when they are not numbers
 */
export function strided(index: Node, length: number, stride: number): Node {
  if (index.dtype === 'bool') {
    throw new InvalidOption(`Expected indices to be whole numbers, got a mask of shape ${showShape(index.shape)}`, {
      hint: 'A mask selects in `get` and `set`; `nonzero(mask)` gives the indices where it is true.',
    })
  }
  const given = build.cast(index, 'f64')
  const fromFront = isUnsigned(index.dtype)
    ? given
    : build.map('where', [build.map('less', [given, constant(0)]), build.map('add', [given, constant(length)]), given])
  const inside = build.map('logicalAnd', [
    build.map('greaterEqual', [fromFront, constant(0)]),
    build.map('less', [fromFront, constant(length)]),
  ])
  const checked = build.map('where', [inside, fromFront, constant(Number.NaN)])
  const whole = isFloat(index.dtype)
    ? build.map('where', [
        build.map('notEqual', [build.map('floor', [given]), given]),
        constant(Number.POSITIVE_INFINITY),
        checked,
      ])
    : checked
  return build.map('multiply', [whole, constant(stride)])
}

/** One axis of the result, or the axes of the arrays of indices together. */
type Part = { readonly kind: 'range'; readonly node: Node } | { readonly kind: 'new' } | { readonly kind: 'arrays' }

/**
 * The positions that the selectors select, in the shape of the result. At least one of them is an array.
 * @throws {InvalidOption} when there are too many, or their shapes do not go together
 */
export function positionsOf(shape: Shape, selectors: readonly Selector[]): Node {
  checkKnown(shape, 'selected from by an array')
  const all = expanded(shape, selectors)
  const strides = contiguousStrides(shape)
  const parts: Part[] = []
  const arrays: Node[] = []
  let [axis, before, apart] = [0, -1, false]
  all.forEach((selector, i) => {
    if (selector === null) return parts.push({ kind: 'new' })
    const [length, stride] = [shape[axis] as number, strides[axis] as number]
    axis++
    if (typeof selector === 'object' && !isArrayIndex(selector)) {
      const slice = resolveSlice(selector as Slice, length)
      return parts.push({ kind: 'range', node: range(slice.length, slice.start * stride, slice.step * stride) })
    }
    const index = isArrayIndex(selector) ? selector.array : build.full([], 'f64', selector as number)
    if (!isArrayIndex(selector)) indexView([length], [selector as number])
    arrays.push(strided(index, length, stride))
    if (before >= 0 && before !== i - 1) apart = true
    before = i
    return parts.some(({ kind }) => kind === 'arrays') ? 0 : parts.push({ kind: 'arrays' })
  })
  const order = apart ? [...parts.filter((p) => p.kind === 'arrays'), ...parts.filter((p) => p.kind !== 'arrays')] : parts
  return summed(order, arrays)
}

/** The sum of what each axis adds to the position. */
function summed(parts: readonly Part[], arrays: readonly Node[]): Node {
  const common = broadcastShapes(...arrays.map((array) => array.shape))
  const rank = parts.length - 1 + common.length
  const terms: Node[] = []
  const result: number[] = []
  for (const part of parts) {
    if (part.kind === 'new') result.push(1)
    else if (part.kind === 'range') {
      terms.push(placed(part.node, result.length, rank))
      result.push(part.node.shape[0] as number)
    } else {
      // Aligned at the end, as broadcasting does.
      for (const array of arrays) terms.push(placed(array, result.length + common.length - array.shape.length, rank))
      result.push(...common)
    }
  }
  const sum = terms.reduce((a, b) => build.map('add', [a, b]))
  return String(sum.shape) === String(result) ? sum : build.view(sum, broadcastView(sum.shape, result))
}

/** `'...'` and what is left out become whole axes, and masks the indices where they are true. */
function expanded(shape: Shape, selectors: readonly Selector[]): Selector[] {
  const taken = (selector: Selector): number =>
    selector === null || selector === '...'
      ? 0
      : isArrayIndex(selector) && selector.array.dtype === 'bool'
        ? selector.array.shape.length
        : 1
  const used = selectors.reduce<number>((sum, selector) => sum + taken(selector), 0)
  const rests = selectors.filter((selector) => selector === '...').length
  if (used > shape.length || rests > 1) {
    throw new InvalidOption(`Too many indices for shape ${showShape(shape)}: ${selectors.length}`)
  }
  const rest = Array.from({ length: shape.length - used }, (): Selector => ({}))
  const whole = rests === 1 ? selectors : [...selectors, '...' as const]
  let axis = 0
  return whole.flatMap((selector): Selector[] => {
    if (selector === '...') {
      axis += rest.length
      return rest
    }
    const count = taken(selector)
    axis += count
    if (!isArrayIndex(selector) || selector.array.dtype !== 'bool') return [selector]
    checkMask(selector.array, shape, axis - count)
    return nonzero(selector.array).map((array) => ({ array }))
  })
}

/** @throws {InvalidOption} when a mask does not have the lengths of the axes that it stands for */
export function checkMask(mask: Node, shape: Shape, axis: number): void {
  const lengths = shape.slice(axis, axis + mask.shape.length)
  if (mask.shape.every((n, i) => n === lengths[i] || Number.isNaN(n))) return
  throw new InvalidOption(
    `A mask of shape ${showShape(mask.shape)} does not fit the axes of lengths ${showShape(lengths)} of an array of shape ${showShape(shape)}`,
  )
}

/** Where the elements are not 0: the indices along each axis, f64. Their number is known only after the computation. */
export function nonzero(input: Node): Node[] {
  const { shape } = input
  checkKnown(shape, 'searched for elements that are not 0')
  const every = build.reshape(range(sizeOf(shape), 0, 1), shape)
  const flat = build.compress(every, build.cast(input, 'bool'))
  const strides = contiguousStrides(shape)
  return shape.map((length, axis) => {
    const along = strides[axis] === 1 ? flat : build.map('floorDivide', [flat, constant(strides[axis] as number)])
    return axis === 0 ? along : build.map('remainder', [along, constant(length)])
  })
}

/** Elements at positions in C order. */
export function gather(input: Node, positions: Node): Node {
  const seenOften = input.kind === 'algorithm' && input.name === 'windows'
  const from = input.kind === 'dense' || seenOften ? build.inOrder(input) : input
  return build.algorithm('gather', [inPlace(input) ?? from, positions], input.dtype, positions.shape)
}

/** The elements where they lie, when that is in C order. */
function inPlace(input: Node): Node | undefined {
  if (input.kind !== 'dense') return undefined
  return String(input.strides) === String(contiguousStrides(input.shape)) ? input : undefined
}

/** Elements along one axis: `index` stands in its place, with all of its axes. */
export function take(input: Node, index: Node, axis: number): Node {
  const at = normalizeAxis(axis, input.shape.length)
  return gather(input, positionsOf(input.shape, [...input.shape.slice(0, at).map(() => ({})), { array: index }]))
}

/** For each place of `index` the element that it names along the axis; the other axes are broadcast. */
export function alongAxis(shape: Shape, index: Node, axis: number): Node {
  checkKnown(shape, 'selected from by an array')
  const rank = shape.length
  if (index.shape.length !== rank) {
    throw new InvalidOption(`Expected indices of ${rank} axes for shape ${showShape(shape)}, got shape ${showShape(index.shape)}`)
  }
  const strides = contiguousStrides(shape)
  const terms = shape.map((length, a) =>
    a === axis ? strided(index, length, strides[a] as number) : placed(range(length, 0, strides[a] as number), a, rank),
  )
  return terms.reduce((a, b) => build.map('add', [a, b]))
}
