/**
 * Element types, named by kind and width as in NumPy, with NumPy's rules of promotion. Numbers given by the caller are
 * weak (NEP 50): `f32 + 2.5` stays f32, `i32 + 2` stays i32, `i32 + 2.5` is f64. Numbers alone are f64, bigints i64, booleans bool.
 */
import { describe, InvalidOption } from '../../base/errors.ts'
import { bitsOfHalf, halfFromBits } from './half.ts'

/** What elements are: floating point of 64, 32 or 16 bits, whole numbers of 64, 32, 16 or 8 bits with or without a sign, or booleans. */
export type DType = 'f64' | 'f32' | 'f16' | 'i64' | 'i32' | 'i16' | 'i8' | 'u64' | 'u32' | 'u16' | 'u8' | 'bool'

export const dtypes: readonly DType[] = ['f64', 'f32', 'f16', 'i64', 'i32', 'i16', 'i8', 'u64', 'u32', 'u16', 'u8', 'bool']

export type TypedArray =
  | Float64Array<SharedArrayBuffer>
  | Float32Array<SharedArrayBuffer>
  | BigInt64Array<SharedArrayBuffer>
  | Int32Array<SharedArrayBuffer>
  | Int16Array<SharedArrayBuffer>
  | Int8Array<SharedArrayBuffer>
  | BigUint64Array<SharedArrayBuffer>
  | Uint32Array<SharedArrayBuffer>
  | Uint16Array<SharedArrayBuffer>
  | Uint8Array<SharedArrayBuffer>

/** The typed array of each dtype; `bool` is one byte per element, 0 or 1, and `f16` the 16 bits of each, because not every Node has a `Float16Array`. */
export interface ArrayOf {
  f64: Float64Array<SharedArrayBuffer>
  f32: Float32Array<SharedArrayBuffer>
  f16: Uint16Array<SharedArrayBuffer>
  i64: BigInt64Array<SharedArrayBuffer>
  i32: Int32Array<SharedArrayBuffer>
  i16: Int16Array<SharedArrayBuffer>
  i8: Int8Array<SharedArrayBuffer>
  u64: BigUint64Array<SharedArrayBuffer>
  u32: Uint32Array<SharedArrayBuffer>
  u16: Uint16Array<SharedArrayBuffer>
  u8: Uint8Array<SharedArrayBuffer>
  bool: Uint8Array<SharedArrayBuffer>
}

/** One element in JavaScript: i64 and u64 are bigints, bool a boolean, everything else a number. */
export type ValueOf<D extends DType> = D extends 'i64' | 'u64' ? bigint : D extends 'bool' ? boolean : number
export type Value = number | bigint | boolean

const widths: Readonly<Record<DType, number>> = {
  f64: 8,
  f32: 4,
  f16: 2,
  i64: 8,
  i32: 4,
  i16: 2,
  i8: 1,
  u64: 8,
  u32: 4,
  u16: 2,
  u8: 1,
  bool: 1,
}

/** Dtypes as Zarr and tensors of other libraries call them. */
export const longNames: Readonly<Record<DType, string>> = {
  f64: 'float64',
  f32: 'float32',
  f16: 'float16',
  i64: 'int64',
  i32: 'int32',
  i16: 'int16',
  i8: 'int8',
  u64: 'uint64',
  u32: 'uint32',
  u16: 'uint16',
  u8: 'uint8',
  bool: 'bool',
}

/** The dtype of a name that others use. */
export const dtypeOfLongName: ReadonlyMap<string, DType> = new Map(
  Object.entries(longNames).map(([dtype, name]) => [name, dtype as DType]),
)

/** Bytes of one element. */
export const bytesPer = (dtype: DType): number => widths[dtype]

const constructors = {
  f64: Float64Array,
  f32: Float32Array,
  f16: Uint16Array,
  i64: BigInt64Array,
  i32: Int32Array,
  i16: Int16Array,
  i8: Int8Array,
  u64: BigUint64Array,
  u32: Uint32Array,
  u16: Uint16Array,
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

/** The element, as it is stored, as JavaScript shows it. */
export function valueOf(dtype: DType, stored: number | bigint): Value {
  return dtype === 'bool' ? stored !== 0 : dtype === 'f16' ? halfFromBits(stored as number) : stored
}

/** Elements whose JavaScript value is a bigint. */
export const isBig = (dtype: DType): boolean => dtype === 'i64' || dtype === 'u64'

/** What a typed array calls its elements, or undefined for one that arrays here cannot hold. */
export function dtypeOf(array: ArrayBufferView): DType | undefined {
  if (array instanceof Float64Array) return 'f64'
  if (array instanceof Float32Array) return 'f32'
  if (array instanceof BigInt64Array) return 'i64'
  if (array instanceof Int32Array) return 'i32'
  if (array instanceof Int16Array) return 'i16'
  if (array instanceof Int8Array) return 'i8'
  if (array instanceof BigUint64Array) return 'u64'
  if (array instanceof Uint32Array) return 'u32'
  if (array instanceof Uint16Array) return 'u16'
  if (array instanceof Uint8Array || array instanceof Uint8ClampedArray) return 'u8'
  // Not in every Node: known by the name that it has everywhere.
  return Object.prototype.toString.call(array) === '[object Float16Array]' ? 'f16' : undefined
}

export const isFloat = (dtype: DType): boolean => dtype === 'f64' || dtype === 'f32' || dtype === 'f16'
/** Whole numbers without a sign. */
export const isUnsigned = (dtype: DType): boolean => dtype.startsWith('u')

type IntegerType = Exclude<DType, 'f64' | 'f32' | 'f16' | 'bool'>
const ranges: Readonly<Record<IntegerType, readonly [number | bigint, number | bigint]>> = {
  u8: [0, 255],
  u16: [0, 65_535],
  i8: [-128, 127],
  i16: [-32_768, 32_767],
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u32: [0, 2 ** 32 - 1],
  i64: [-(2n ** 63n), 2n ** 63n - 1n],
  u64: [0n, 2n ** 64n - 1n],
}

/** The least and the largest element of an integer type. */
export const rangeOf = (dtype: DType): readonly [number | bigint, number | bigint] => ranges[dtype as IntegerType]

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

/** Bits of an element. */
const bitsOf = (dtype: DType): number => 8 * bytesPer(dtype)

/** The dtype that holds both, as NumPy decides. That of a float and whole numbers holds those exactly where a float does; u64 with a sign becomes f64. */
export function promote(a: DType, b: DType): DType {
  if (a === b || b === 'bool') return a
  if (a === 'bool') return b
  if (isFloat(a) && isFloat(b)) return bitsOf(a) > bitsOf(b) ? a : b
  if (isFloat(a) || isFloat(b)) {
    const [float, whole] = isFloat(a) ? [a, b] : [b, a]
    const needed = bitsOf(whole) === 8 ? 16 : bitsOf(whole) === 16 ? 32 : 64
    return bitsOf(float) >= needed ? float : (`f${needed}` as DType)
  }
  if (isUnsigned(a) === isUnsigned(b)) return bitsOf(a) > bitsOf(b) ? a : b
  const [unsigned, signed] = isUnsigned(a) ? [a, b] : [b, a]
  if (bitsOf(signed) > bitsOf(unsigned)) return signed
  return unsigned === 'u64' ? 'f64' : (`i${2 * bitsOf(unsigned)}` as DType)
}

/**
 * The dtype of an operation between an array and a number of the caller. A mask of bool and a number give f64, which overflows nowhere.
 * @throws {InvalidOption} when a whole number does not fit the array's integer type.
 */
export function promoteWeak(array: DType, value: Value): DType {
  if (typeof value === 'boolean' || isFloat(array)) return array
  if (array === 'bool') return typeof value === 'bigint' ? 'i64' : 'f64'
  if (typeof value === 'number' && !Number.isInteger(value)) return 'f64'
  if (isBig(array) && typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new InvalidOption(`Expected a whole number within ±2^53 for an array of ${array}, got ${describe(value)}`, {
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

/** An element as it is stored: the bits of a number of 16. */
export const storedAs = (dtype: DType, raw: number | bigint): number | bigint =>
  dtype === 'f16' ? bitsOfHalf(raw as number) : raw
/** A stored element as the number that it is. */
export const rawFrom = (dtype: DType, stored: number | bigint): number | bigint =>
  dtype === 'f16' ? halfFromBits(stored as number) : stored

/** The dtype of a list. Whole numbers beside bigints become bigints, because f64 would round those. */
export function dtypeOfList(values: readonly Value[]): DType {
  const kinds = new Set(values.map((value) => typeof value))
  if (kinds.size === 0) return 'f64'
  if (kinds.has('bigint') && values.every((value) => typeof value !== 'number' || Number.isInteger(value))) return 'i64'
  return kinds.has('number') || kinds.has('bigint') ? 'f64' : 'bool'
}

const dtypeWords = dtypes.map((dtype) => `'${dtype}'`).join(' or ')

/** An option that is a dtype. */
export const dtypeRule = { expected: dtypeWords, accepts: (value: unknown) => dtypes.includes(value as DType) }

/** @throws {InvalidOption} when it is not a dtype. */
export function checkDType(value: unknown, option: string): DType {
  if (dtypes.includes(value as DType)) return value as DType
  throw new InvalidOption(`Expected \`${option}\` to be ${dtypeWords}, got ${describe(value)}`)
}
