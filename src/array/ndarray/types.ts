/** Questions about element types: what operands become, what a type can hold. */
import { describe, InvalidOption } from '../../base/errors.ts'
import {
  bytesPer,
  checkDType,
  type DType,
  dtypeOfValue,
  dtypes as every,
  isFloat,
  isUnsigned,
  promote,
  promoteWeak,
  rangeOf,
  type Value,
} from '../expression/dtype.ts'
import { NDArray, type Operand } from './array.ts'

/** All element types, floats first, the widest first. */
export const dtypes: readonly DType[] = every

/**
 * The dtype of an operation between arrays, dtypes and numbers; numbers adapt to the others.
 *
 * @param operands arrays, dtypes and numbers
 * @throws {InvalidOption} when there is no operand, or one is none of these
 */
export function resultType(...operands: readonly (Operand | DType)[]): DType {
  const fixed: DType[] = []
  const numbers: Value[] = []
  for (const operand of operands) {
    if (operand instanceof NDArray) fixed.push(operand.dtype)
    else if (typeof operand === 'string') fixed.push(checkDType(operand, 'dtype'))
    else if (!['number', 'bigint', 'boolean'].includes(typeof operand))
      throw new InvalidOption(`Expected resultType to get arrays, dtypes or numbers, got ${describe(operand)}`)
    else numbers.push(operand)
  }
  const common = fixed.length > 0 ? fixed.reduce(promote) : undefined
  if (common !== undefined) return numbers.map((number) => promoteWeak(common, number)).reduce(promote, common)
  if (numbers.length === 0) throw new InvalidOption('Expected resultType to get at least one array, dtype or number, got none')
  return numbers.map(dtypeOfValue).reduce(promote)
}

/** Whether every element of `from` is one of `to`, by the rules of promotion. @throws {InvalidOption} when an argument is neither an array nor a dtype */
export function canCast(from: NDArray | DType, to: DType): boolean {
  const dtype = from instanceof NDArray ? from.dtype : checkDType(from, 'from')
  return promote(dtype, checkDType(to, 'to')) === to
}

/** A group of dtypes, with the names of the Python array API standard. */
export type DTypeKind =
  | 'bool'
  | 'signed integer'
  | 'unsigned integer'
  | 'integral'
  | 'real floating'
  | 'complex floating'
  | 'numeric'

const kinds: Readonly<Record<DTypeKind, (dtype: DType) => boolean>> = {
  bool: (dtype) => dtype === 'bool',
  'signed integer': (dtype) => dtype.startsWith('i'),
  'unsigned integer': isUnsigned,
  integral: (dtype) => dtype !== 'bool' && !isFloat(dtype),
  'real floating': isFloat,
  'complex floating': () => false,
  numeric: (dtype) => dtype !== 'bool',
}

/**
 * Whether a dtype is one of these, or belongs to one of these groups.
 *
 * @param kind a dtype, a group of them, or a list
 * @throws {InvalidOption} when an argument is neither
 */
export function isdtype(dtype: DType, kind: DType | DTypeKind | readonly (DType | DTypeKind)[]): boolean {
  checkDType(dtype, 'dtype')
  const list: readonly (DType | DTypeKind)[] = Array.isArray(kind) ? kind : [kind as DType]
  return list.some((each: DType | DTypeKind) =>
    typeof each === 'string' && Object.hasOwn(kinds, each) ? kinds[each as DTypeKind](dtype) : checkDType(each, 'kind') === dtype,
  )
}

/** The range of a type of whole numbers; of 64 bits as bigints. @throws {InvalidOption} when it is not one */
export function iinfo(dtype: DType): { readonly bits: number; readonly min: number | bigint; readonly max: number | bigint } {
  if (checkDType(dtype, 'dtype') === 'bool' || isFloat(dtype))
    throw new InvalidOption(`Expected a dtype of whole numbers for iinfo, got '${dtype}'`, { hint: 'finfo describes floats.' })
  const [min, max] = rangeOf(dtype)
  return { bits: 8 * bytesPer(dtype), min, max }
}

/** What {@link finfo} says. */
export interface FloatInfo {
  readonly bits: number
  /** The distance from 1 to the next larger number. */
  readonly eps: number
  readonly min: number
  readonly max: number
  /** The smallest positive number of full precision. */
  readonly smallestNormal: number
}

const floats: Readonly<Partial<Record<DType, Omit<FloatInfo, 'min' | 'bits'>>>> = {
  f64: { eps: 2 ** -52, max: Number.MAX_VALUE, smallestNormal: 2 ** -1022 },
  f32: { eps: 2 ** -23, max: (2 - 2 ** -23) * 2 ** 127, smallestNormal: 2 ** -126 },
  f16: { eps: 2 ** -10, max: 65_504, smallestNormal: 2 ** -14 },
}

/** The range and the precision of a type of floats. @throws {InvalidOption} when it is not one */
export function finfo(dtype: DType): FloatInfo {
  const found = floats[checkDType(dtype, 'dtype')]
  if (found) return { bits: 8 * bytesPer(dtype), ...found, min: -found.max }
  throw new InvalidOption(`Expected a dtype of floats for finfo, got '${dtype}'`, { hint: 'iinfo describes whole numbers.' })
}
