/** One chunk of a Zarr array, put to its place among the elements in C order. */
import type { DType, TypedArray } from '../expression/dtype.ts'
import { bitsOfHalf } from '../expression/half.ts'
import { contiguousStrides, type Shape } from '../expression/shape.ts'
import type { Turns } from '../stages/turns.ts'

/** What zarrita gives: elements that lie with `stride`, which is not C order where the array is stored transposed. */
export interface Chunk {
  readonly data: ArrayLike<number | bigint> | { get(index: number): boolean; readonly length: number }
  readonly shape: Shape
  readonly stride: readonly number[]
}

/** Elements that are copied before others may get their turn. */
const copiedAtOnce = 1 << 18

/** @throws {RangeError} when the chunk has fewer elements than its shape says */
export async function copyChunk(
  { data, shape: chunk, stride }: Chunk,
  coordinates: readonly number[],
  shape: Shape,
  dtype: DType,
  result: TypedArray,
  turns: Turns,
): Promise<void> {
  const strides = contiguousStrides(shape)
  const starts = coordinates.map((n, axis) => n * (chunk[axis] as number))
  // Chunks at the end reach beyond the array.
  const lengths = chunk.map((length, axis) => Math.min(length, (shape[axis] as number) - (starts[axis] as number)))
  const last = lengths.reduce((sum, length, axis) => sum + (length - 1) * (stride[axis] as number), 0)
  if (lengths.some((length) => length < 1)) return
  if (last >= data.length) throw new RangeError(`chunk [${coordinates.join(', ')}] has ${data.length} elements, not ${last + 1}`)
  // Its bool is not a typed array.
  const read = ArrayBuffer.isView(data)
    ? dtype === 'f16'
      ? (index: number) => bitsOfHalf((data as ArrayLike<number>)[index] as number)
      : (index: number) => (data as ArrayLike<number>)[index] as number
    : (index: number) => Number((data as { get(i: number): boolean }).get(index))
  const inner = lengths.length - 1
  const run = lengths[inner] ?? 1
  const step = stride[inner] ?? 1
  const rows = lengths.slice(0, -1).reduce((a, b) => a * b, 1)
  for (let row = 0, copied = 0; row < rows; row++) {
    let [from, to, left] = [0, starts[inner] ?? 0, row]
    for (let axis = inner - 1; axis >= 0; axis--) {
      const at = left % (lengths[axis] as number)
      left = Math.floor(left / (lengths[axis] as number))
      from += at * (stride[axis] as number)
      to += (at + (starts[axis] as number)) * (strides[axis] as number)
    }
    for (let start = 0; start < run; start += copiedAtOnce) {
      const end = Math.min(run, start + copiedAtOnce)
      for (let i = start; i < end; i++) (result as Float64Array)[to + i] = read(from + i * step)
      copied += end - start
      if (copied < copiedAtOnce) continue
      copied = 0
      await turns.take()
    }
  }
}
