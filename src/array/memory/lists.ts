/** Typed arrays and nested lists of the caller as elements in shared memory. */
import { describe, InvalidOption } from '../../base/errors.ts'
import {
  bytesPer,
  checkDType,
  type DType,
  dtypeOf,
  dtypeOfList,
  dtypes,
  storedAs,
  type TypedArray,
  type Value,
} from '../expression/dtype.ts'
import { rawOf } from '../expression/elementwise.ts'
import { type DenseNode, makeNode, type Node } from '../expression/node.ts'
import { contiguousStrides, type Shape } from '../expression/shape.ts'
import type { Nested } from './dense.ts'
import { sharedElements } from './memory.ts'

/** @throws {InvalidOption} when arrays here cannot hold its elements */
export function checkedDType(view: ArrayBufferView): DType {
  const dtype = dtypeOf(view)
  if (dtype) return dtype
  throw new InvalidOption(`Expected a typed array of ${dtypes.slice(0, -2).join(', ')} or u8, got ${describe(view)}`, {
    hint: 'Copy it into one of them first, such as Float64Array.from(…).',
  })
}

/** The elements of a typed array; copied, unless other threads can see them. */
export function nodeOfView(view: ArrayBufferView): Node {
  const dtype = checkedDType(view)
  // Elements of 16 bits are kept as their bits.
  const array = (dtype === 'f16' ? new Uint16Array(view.buffer, view.byteOffset, view.byteLength / 2) : view) as TypedArray
  const width = bytesPer(dtype)
  if (array.buffer instanceof SharedArrayBuffer) {
    const node = denseNode(dtype, [array.length], array.buffer)
    return makeNode({ ...node, offset: array.byteOffset / width })
  }
  const copy = sharedElements(dtype, array.length)
  copy.set(array as never)
  return denseNode(dtype, [copy.length], copy.buffer as SharedArrayBuffer)
}

/** NumPy's limit. */
const mostAxes = 64

/** @throws {InvalidOption} when lists differ in length, or an element is not a number, bigint or boolean */
export function nodeOfList(list: Nested<Value>, wanted: DType | undefined, where = 'from'): Node {
  const shape: number[] = []
  for (let level: Nested<Value> | undefined = list; Array.isArray(level); level = level[0]) {
    shape.push(level.length)
    if (shape.length > mostAxes) throw new InvalidOption(`Expected lists that are nested at most ${mostAxes} deep`)
  }
  const values: Value[] = []
  const visit = (item: unknown, axis: number): void => {
    if (axis === shape.length) {
      values.push(checkElement(item, where))
    } else if (!Array.isArray(item) || item.length !== shape[axis]) {
      throw new InvalidOption(
        `Expected nested lists of equal lengths, got ${Array.isArray(item) ? `one of ${item.length}` : describe(item)} instead of one of ${shape[axis]} at depth ${axis}`,
      )
    } else for (const inner of item) visit(inner, axis + 1)
  }
  visit(list, 0)
  const dtype = wanted === undefined ? dtypeOfList(values) : checkDType(wanted, 'dtype')
  const data = sharedElements(dtype, values.length)
  values.forEach((value, i) => (data[i] = storedAs(dtype, rawOf(dtype, value)) as never))
  return denseNode(dtype, shape, data.buffer)
}

function checkElement(value: unknown, where: string): Value {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return value
  throw new InvalidOption(`Expected the elements of \`${where}\` to be numbers, bigints or booleans, got ${describe(value)}`, {
    hint: 'Missing values are NaN in arrays; text must be parsed first, for instance with Number(…).',
  })
}

const denseNode = (dtype: DType, shape: Shape, buffer: SharedArrayBuffer): DenseNode =>
  makeNode({ kind: 'dense', dtype, shape, buffer, offset: 0, strides: contiguousStrides(shape), chunk: undefined })
