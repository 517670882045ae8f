/** The elements of one chunk of a Zarr array, in C order. */
import { type DType, dtypeOf, typedArray, type TypedArray } from '../expression/dtype.ts'
import { bitsOfHalf } from '../expression/half.ts'
import { contiguousStrides, type Shape, sizeOf } from '../expression/shape.ts'

/** What zarrita gives: elements that lie with `stride`, which is not C order where the array is stored transposed. */
export interface Chunk {
  readonly data: ArrayLike<number | bigint> | { get(index: number): boolean; readonly length: number }
  readonly shape: Shape
  readonly stride: readonly number[]
}

/**
 * @param lengths what of it lies in the array: chunks at the end reach beyond
 * @throws {RangeError} when the chunk has fewer elements than its shape says
 */
export function chunkElements(
  { data, shape, stride }: Chunk,
  index: readonly number[],
  lengths: Shape,
  dtype: DType,
): TypedArray {
  const last = lengths.reduce((sum, length, axis) => sum + (length - 1) * (stride[axis] as number), 0)
  if (last >= data.length) throw new RangeError(`chunk [${index.join(', ')}] has ${data.length} elements, not ${last + 1}`)
  const whole = String(lengths) === String(shape) && String(stride) === String(contiguousStrides(shape))
  if (whole && ArrayBuffer.isView(data) && dtypeOf(data) === dtype && dtype !== 'f16') return data as unknown as TypedArray
  // Its bool is not a typed array.
  const read = ArrayBuffer.isView(data)
    ? dtype === 'f16'
      ? (at: number) => bitsOfHalf((data as ArrayLike<number>)[at] as number)
      : (at: number) => (data as ArrayLike<number>)[at] as number
    : (at: number) => Number((data as { get(i: number): boolean }).get(at))
  const result = typedArray(
    dtype,
    new ArrayBuffer(sizeOf(lengths) * 8),
    0,
    sizeOf(lengths),
  ) as unknown as Float64Array<SharedArrayBuffer>
  const inner = lengths.length - 1
  const run = lengths[inner] ?? 1
  const step = stride[inner] ?? 1
  for (let row = 0, to = 0; to < result.length; row++) {
    let [from, left] = [0, row]
    for (let axis = inner - 1; axis >= 0; axis--) {
      from += (left % (lengths[axis] as number)) * (stride[axis] as number)
      left = Math.floor(left / (lengths[axis] as number))
    }
    for (let i = 0; i < run; i++, to++, from += step) result[to] = read(from)
  }
  return result
}
