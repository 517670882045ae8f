/** What `get` and `set` do with arrays of indices, masks, slices and numbers. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { axesAsNumbers } from '../algorithms/assign.ts'
import * as build from '../expression/build.ts'
import { type DType, isFloat, promote, promoteWeak, type Value } from '../expression/dtype.ts'
import { rawOf } from '../expression/elementwise.ts'
import type { Node } from '../expression/node.ts'
import { broadcastShapes, type Index, showShape } from '../expression/shape.ts'
import { broadcastView, indexView } from '../expression/view.ts'
import { type ArrayIndex, checkKnown, checkMask, gather, isArrayIndex, positionsOf, type Selector } from './positions.ts'

/** The part that the selectors select. */
export function selected(input: Node, selectors: readonly Selector[]): Node {
  const [first] = selectors
  if (!selectors.some(isArrayIndex)) return build.view(input, indexView(input.shape, selectors as readonly Index[]))
  if (selectors.length === 1 && first !== undefined && isArrayIndex(first)) {
    const { array } = first
    if (array.dtype === 'bool' && array.shape.length >= input.shape.length) return build.compress(input, array)
  }
  return throughView(input, selectors)
}

/** Slices are seen through, so that the elements that they leave out are not computed. */
function throughView(input: Node, selectors: readonly Selector[]): Node {
  const plain = selectors.every((selector) =>
    isArrayIndex(selector) ? selector.array.dtype !== 'bool' : typeof selector !== 'number' && selector !== null,
  )
  if (!plain || input.shape.some(Number.isNaN)) return gather(input, positionsOf(input.shape, selectors))
  const slices = selectors.map((selector): Index => (isArrayIndex(selector) ? {} : selector))
  const part = build.view(input, indexView(input.shape, slices))
  const arrays = selectors.map((selector): Selector => (isArrayIndex(selector) || selector === '...' ? selector : {}))
  return gather(part, positionsOf(part.shape, arrays))
}

/**
 * The array with other elements where the selectors select.
 * @throws {InvalidOption} when the value does not fit the dtype or the shape
 */
export function assigned(input: Node, selectors: readonly Selector[], value: Node | Value): Node {
  const put = elementsFor(input.dtype, value)
  const [first] = selectors
  if (!selectors.some(isArrayIndex)) {
    checkKnown(input.shape, 'assigned to')
    const { shape, axes } = indexView(input.shape, selectors as readonly Index[])
    return build.algorithm('assign', [input, stretched(put, shape)], input.dtype, input.shape, { axes: axesAsNumbers(axes) })
  }
  const mask = selectors.length === 1 && first !== undefined && isArrayIndex(first) ? first : undefined
  if (mask?.array.dtype === 'bool' && put.shape.length <= input.shape.length - mask.array.shape.length)
    return masked(input, mask, put)
  checkKnown(input.shape, 'assigned to')
  const positions = positionsOf(input.shape, selectors)
  const values = positions.shape.some(Number.isNaN) ? asMany(put, positions) : stretched(put, positions.shape)
  return build.algorithm('scatter', [input, positions, values], input.dtype, input.shape)
}

/** Where the mask is true the same for each of its places. */
function masked(input: Node, { array }: ArrayIndex, put: Node): Node {
  checkMask(array, input.shape, 0)
  const rest = input.shape.length - array.shape.length
  const index = [...array.shape.map(() => ({})), ...Array.from({ length: rest }, () => null)]
  return build.map('where', [build.view(array, indexView(array.shape, index)), put, input])
}

/** How many there must be only the computation knows. */
function asMany(put: Node, positions: Node): Node {
  if (put.shape.length === positions.shape.length && put.shape[0] !== 1) return put
  return build.map('add', [build.cast(build.map('multiply', [positions, build.full([], 'f64', 0)]), put.dtype), put])
}

function stretched(put: Node, shape: readonly number[]): Node {
  // A value with more axes than the place may have leading ones of length 1.
  const extra = put.shape.length - shape.length
  const fitting = extra > 0 && put.shape.slice(0, extra).every((n) => n === 1) ? build.reshape(put, put.shape.slice(extra)) : put
  if (String(broadcastShapes(fitting.shape, shape)) !== String(shape)) {
    throw new InvalidOption(`A value of shape ${showShape(put.shape)} does not fit a place of shape ${showShape(shape)}`)
  }
  return build.view(fitting, broadcastView(fitting.shape, shape))
}

/** Nothing is narrowed in silence. */
function elementsFor(dtype: DType, value: Node | Value): Node {
  if (typeof value !== 'object') {
    const weak =
      dtype === 'bool'
        ? value === false || value === true || value === 0 || value === 1
          ? 'bool'
          : undefined
        : promoteWeak(dtype, value)
    if (weak === dtype || (isFloat(dtype) && typeof value !== 'boolean')) return build.full([], dtype, rawOf(dtype, value))
    throw new InvalidOption(`Expected a value of ${dtype}, got ${describe(value)}`, {
      hint: `Convert the array first, for instance with \`.astype('f64')\`.`,
    })
  }
  if (promote(value.dtype, dtype) === dtype) return build.cast(value, dtype)
  throw new InvalidOption(`Values of ${value.dtype} cannot be put into an array of ${dtype} without loss`, {
    hint: `Convert on purpose: \`.astype('${dtype}')\`.`,
  })
}
