/**
 * Element types, named by kind and width as in NumPy, with NumPy's rules of promotion. Numbers given by the caller are
 * weak (NEP 50): `f32 + 2.5` stays f32, `i32 + 2` stays i32, `i32 + 2.5` is f64. Numbers alone are f64, bigints i64, booleans bool.
 */
import { describe, InvalidOption } from '../../base/errors.ts'

/** What elements are: floating point of 64 or 32 bits, whole numbers of 64, 32 or 8 bits, or booleans. */
export type DType = 'f64' | 'f32' | 'i64' | 'i32' | 'u32' | 'u8' | 'bool'

export const dtypes: readonly DType[] = ['f64', 'f32', 'i64', 'i32', 'u32', 'u8', 'bool']

export type TypedArray =
  | Float64Array<SharedArrayBuffer>
  | Float32Array<SharedArrayBuffer>
  | BigInt64Array<SharedArrayBuffer>
  | Int32Array<SharedArrayBuffer>
  | Uint32Array<SharedArrayBuffer>
  | Uint8Array<SharedArrayBuffer>

/** The typed array of each dtype; `bool` is one byte per element, 0 or 1. */
export interface ArrayOf {
  f64: Float64Array<SharedArrayBuffer>
  f32: Float32Array<SharedArrayBuffer>
  i64: BigInt64Array<SharedArrayBuffer>
  i32: Int32Array<SharedArrayBuffer>
  u32: Uint32Array<SharedArrayBuffer>
  u8: Uint8Array<SharedArrayBuffer>
  bool: Uint8Array<SharedArrayBuffer>
}

/** One element in JavaScript: i64 is a bigint, bool a boolean, everything else a number. */
export type ValueOf<D extends DType> = D extends 'i64' ? bigint : D extends 'bool' ? boolean : number
export type Value = number | bigint | boolean

const widths: Readonly<Record<DType, number>> = { f64: 8, f32: 4, i64: 8, i32: 4, u32: 4, u8: 1, bool: 1 }

/** Bytes of one element. */
export const bytesPer = (dtype: DType): number => widths[dtype]

const constructors = {
  f64: Float64Array,
  f32: Float32Array,
  i64: BigInt64Array,
  i32: Int32Array,
  u32: Uint32Array,
  u8: Uint8Array,
  bool: Uint8Array,
} as const

/** A typed array over part of a buffer; `offset` and `length` in elements. */
export function typedArray(dtype: DType, buffer: ArrayBufferLike, offset = 0, length?: number): TypedArray {
  // No elements have no place: an empty view may lie beyond the end of its buffer.
  const start = length === 0 ? 0 : offset * bytesPer(dtype)
  const count = length ?? Math.floor((buffer.byteLength - start) / bytesPer(dtype))
  return new (constructors[dtype] as new (buffer: ArrayBufferLike, start: number, count: number) => TypedArray)(
    buffer,
    start,
    count,
  )
}

/** The element as JavaScript shows it. */
export function valueOf(dtype: DType, raw: number | bigint): Value {
  return dtype === 'bool' ? raw !== 0 : raw
}

/** What a typed array calls its elements, or undefined for one that arrays here cannot hold. */
export function dtypeOf(array: ArrayBufferView): DType | undefined {
  if (array instanceof Float64Array) return 'f64'
  if (array instanceof Float32Array) return 'f32'
  if (array instanceof BigInt64Array) return 'i64'
  if (array instanceof Int32Array) return 'i32'
  if (array instanceof Uint32Array) return 'u32'
  if (array instanceof Uint8Array || array instanceof Uint8ClampedArray) return 'u8'
  return undefined
}

export const isFloat = (dtype: DType): boolean => dtype === 'f64' || dtype === 'f32'

type IntegerType = 'i64' | 'i32' | 'u32' | 'u8'
const ranges: Readonly<Record<IntegerType, readonly [number | bigint, number | bigint]>> = {
  u8: [0, 255],
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u32: [0, 2 ** 32 - 1],
  i64: [-(2n ** 63n), 2n ** 63n - 1n],
}

/** Whether a whole number is an element of the integer type. */
export function fits(dtype: DType, value: number | bigint): boolean {
  const [low, high] = ranges[dtype as IntegerType]
  return value >= low && value <= high
}

/** @throws {InvalidOption} when a number of the caller is not an element of the integer type */
export function checkFits(dtype: DType, value: number | bigint, hint: string): void {
  if (fits(dtype, value)) return
  const [low, high] = ranges[dtype as IntegerType]
  throw new InvalidOption(`Expected a whole number from ${low} to ${high} for ${dtype}, got ${describe(value)}`, { hint })
}

/** The dtype that holds both, as NumPy decides. */
export function promote(a: DType, b: DType): DType {
  if (a === b) return a
  const has = (...pair: readonly DType[]): boolean => pair.includes(a) && pair.includes(b)
  if (a === 'bool') return b
  if (b === 'bool') return a
  if (isFloat(a) || isFloat(b)) return has('f32', 'u8') ? 'f32' : 'f64'
  if (has('i32', 'u8')) return 'i32'
  if (has('u32', 'u8')) return 'u32'
  return 'i64'
}

/**
 * The dtype of an operation between an array and a number of the caller. A mask of bool and a number give f64, which overflows nowhere.
 * @throws {InvalidOption} when a whole number does not fit the array's integer type.
 */
export function promoteWeak(array: DType, value: Value): DType {
  if (typeof value === 'boolean' || isFloat(array)) return array
  if (array === 'bool') return typeof value === 'bigint' ? 'i64' : 'f64'
  if (typeof value === 'number' && !Number.isInteger(value)) return 'f64'
  if (array === 'i64' && typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new InvalidOption(`Expected a whole number within ±2^53 for an array of i64, got ${describe(value)}`, {
      hint: 'Pass a bigint, whose digits are all certain.',
    })
  }
  checkFits(array, value, "Convert the array first, for instance with `.astype('f64')`.")
  return array
}

/** The dtype of a value that stands alone: what JavaScript computes with. */
export function dtypeOfValue(value: Value): DType {
  return typeof value === 'boolean' ? 'bool' : typeof value === 'bigint' ? 'i64' : 'f64'
}

/** The dtype of a list. Whole numbers beside bigints become bigints, because f64 would round those. */
export function dtypeOfList(values: readonly Value[]): DType {
  const kinds = new Set(values.map((value) => typeof value))
  if (kinds.size === 0) return 'f64'
  if (kinds.has('bigint') && values.every((value) => typeof value !== 'number' || Number.isInteger(value))) return 'i64'
  return kinds.has('number') || kinds.has('bigint') ? 'f64' : 'bool'
}

/** @throws {InvalidOption} when it is not a dtype. */
export function checkDType(value: unknown, option: string): DType {
  if (dtypes.includes(value as DType)) return value as DType
  throw new InvalidOption(`Expected \`${option}\` to be ${dtypes.map((d) => `'${d}'`).join(' or ')}, got ${describe(value)}`)
}
