/** Exchange with other libraries: tensors of onnxruntime, arrays of `ndarray`, columns of Apache Arrow. Nothing is loaded; elements are shared where both sides can. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { bytesPer, type DType, dtypeOf, dtypeOfLongName, longNames, type TypedArray } from '../expression/dtype.ts'
import { makeNode } from '../expression/node.ts'
import { checkShape, contiguousStrides, type Shape, sizeOf } from '../expression/shape.ts'
import { sharedElements } from '../memory/memory.ts'
import { Dense } from '../memory/dense.ts'
import { NDArray } from '../ndarray/array.ts'

/** A tensor of `onnxruntime-node` or `onnxruntime-web`, as far as it is used: `new Tensor(type, data, dims)`. */
export interface TensorLike {
  /** Such as `float32`. */
  readonly type: string
  readonly data: ArrayBufferView | ArrayLike<unknown>
  readonly dims: readonly number[]
}

/** What an array of the package `ndarray` has: elements that lie with strides. */
export interface StridedLike {
  readonly data: ArrayBufferView
  readonly shape: readonly number[]
  readonly stride: readonly number[]
  readonly offset: number
}

/**
 * The parts of a tensor for `new Tensor(type, data, dims)` of onnxruntime. The elements are copied once, because it refuses shared memory.
 * @param dense what `compute` gave
 * @throws {InvalidOption} when it is something else
 */
export function toTensor(dense: Dense): TensorLike & { readonly data: ArrayBufferView } {
  if (!(dense instanceof Dense))
    throw new InvalidOption(`Expected toTensor to get what \`compute\` gives, got ${describe(dense)}`)
  const data = (dense.data as Float64Array).slice()
  const bytes = new Uint8Array(new ArrayBuffer(data.byteLength))
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  const Elements = data.constructor as new (buffer: ArrayBuffer) => ArrayBufferView
  return { type: longNames[dense.dtype], data: new Elements(bytes.buffer), dims: [...dense.shape] }
}

/**
 * An array from a tensor of onnxruntime, or from an array of the package `ndarray`. Elements in shared memory are used where they lie, others are copied once.
 * @param source a tensor with `type`, `data` and `dims`, or an object with `data`, `shape`, `stride` and `offset`
 * @throws {InvalidOption} when it is neither, its type is not one that arrays have, or its strides lead out of its elements
 */
export function fromTensor(source: TensorLike | StridedLike): NDArray<DType, 'array'> {
  if (typeof source !== 'object' || source === null || !ArrayBuffer.isView(source.data)) {
    throw new InvalidOption(
      `Expected fromTensor to get a tensor or a strided array with a typed array as its data, got ${describe(source)}`,
    )
  }
  if ('dims' in source) {
    const dtype = dtypeOfLongName.get(source.type)
    const found = dtypeOf(source.data)
    const fits = dtype && (found === dtype || (dtype === 'bool' && found === 'u8') || (dtype === 'f16' && found === 'u16'))
    if (!fits) throw new InvalidOption(`Arrays cannot hold a tensor of ${source.type} whose data is ${describe(source.data)}`)
    const shape = checkShape(source.dims, 'fromTensor')
    return strided(source.data, dtype, shape, contiguousStrides(shape), 0)
  }
  const dtype = dtypeOf(source.data)
  if (!dtype)
    throw new InvalidOption(`Expected the data of a strided array to be a typed array of numbers, got ${describe(source.data)}`)
  return strided(source.data, dtype, checkShape(source.shape, 'fromTensor'), source.stride, source.offset)
}

function strided(
  view: ArrayBufferView,
  dtype: DType,
  shape: Shape,
  strides: readonly number[],
  offset: number,
): NDArray<DType, 'array'> {
  const data = view as unknown as TypedArray
  const ends = shape.map((length, axis) => (length - 1) * (strides[axis] as number))
  const [low, high] = [
    ends.reduce((sum, end) => sum + Math.min(0, end), offset),
    ends.reduce((sum, end) => sum + Math.max(0, end), offset),
  ]
  const inside = strides.length === shape.length && strides.every(Number.isSafeInteger) && Number.isSafeInteger(offset)
  if (!inside || (sizeOf(shape) > 0 && (low < 0 || high >= data.length))) {
    throw new InvalidOption(
      `The strides [${strides.join(', ')}] of shape [${shape.join(', ')}] lead out of ${data.length} elements`,
    )
  }
  const width = bytesPer(dtype)
  if (data.buffer instanceof SharedArrayBuffer) {
    return new NDArray(
      makeNode({
        kind: 'dense',
        dtype,
        shape,
        buffer: data.buffer,
        offset: data.byteOffset / width + offset,
        strides,
        chunk: undefined,
      }),
    )
  }
  const copy = sharedElements(dtype, data.length)
  copy.set(data as never)
  return new NDArray(
    makeNode({ kind: 'dense', dtype, shape, buffer: copy.buffer as SharedArrayBuffer, offset, strides, chunk: undefined }),
  )
}
