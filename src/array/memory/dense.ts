/** What a computation gives: elements in shared memory, in C order. */
import { inspect } from 'node:util'
import { InvalidOption } from '../../base/errors.ts'
import { type ArrayOf, type DType, typedArray, type ValueOf, valueOf } from '../expression/dtype.ts'
import type { DenseNode } from '../expression/node.ts'
import { printElements } from './print.ts'
import { contiguousStrides, type Shape, showShape, sizeOf } from '../expression/shape.ts'

/** Nested lists as deep as the shape. */
export type Nested<T> = T | Nested<T>[]

/** Elements in memory: what a computation gives. In C order, in a `SharedArrayBuffer`, so that worker functions get them without a copy. */
export class Dense<D extends DType = DType> {
  /** For making a lazy array from it again. */
  readonly node: DenseNode
  /**
   * The elements in C order, over a `SharedArrayBuffer`: other threads can read them without a copy. The buffer of a large result is
   * longer than its elements. bool: bytes, 0 or 1. f16: the 16 bits of each.
   */
  readonly data: ArrayOf[D]

  constructor(node: DenseNode) {
    this.node = node
    this.data = typedArray(node.dtype, node.buffer, node.offset, sizeOf(node.shape)) as ArrayOf[D]
  }

  get dtype(): D {
    return this.node.dtype as D
  }

  get shape(): Shape {
    return this.node.shape
  }

  get size(): number {
    return this.data.length
  }

  /**
   * One element, by its coordinates; from the end when negative.
   * @throws {InvalidOption} when they are out of range
   */
  item(...at: readonly number[]): ValueOf<D> {
    const { shape } = this
    const strides = contiguousStrides(shape)
    const inside = at.map((index, axis) => (index < 0 ? index + (shape[axis] as number) : index))
    if (
      at.length !== shape.length ||
      !inside.every((index, axis) => Number.isInteger(index) && index >= 0 && index < (shape[axis] as number))
    ) {
      throw new InvalidOption(`Index [${at.join(', ')}] is out of range for shape ${showShape(shape)}`)
    }
    const offset = inside.reduce((sum, index, axis) => sum + index * (strides[axis] as number), 0)
    return valueOf(this.dtype, this.data[offset] as number | bigint) as ValueOf<D>
  }

  /** Nested lists of plain values. */
  toArray(): Nested<ValueOf<D>> {
    const build = (axis: number, offset: number): Nested<ValueOf<D>> => {
      if (axis === this.shape.length) return valueOf(this.dtype, this.data[offset] as number | bigint) as ValueOf<D>
      const stride = strides[axis] as number
      return Array.from({ length: this.shape[axis] as number }, (_, i) => build(axis + 1, offset + i * stride))
    }
    const strides = contiguousStrides(this.shape)
    return build(0, 0)
  }

  /** Shape, dtype, and the elements as NumPy prints them. */
  toString(): string {
    return `Dense ${showShape(this.shape)} ${this.dtype}\n${printElements(this.node)}`
  }

  [inspect.custom](): string {
    return this.toString()
  }
}
