/**
 * The elementwise operations: for each its name (NumPy's), how its dtype follows from its operands, and what it means
 * for one element. The meaning is plain TypeScript; the kernels are tested against it.
 *
 * Integers wrap around like two's complement. Conversions from float to integer truncate and saturate; NaN gives 0.
 */
import { InvalidOption } from '../../base/errors.ts'
import { roundToHalf } from './half.ts'
import {
  ieeePow,
  floorRemainder,
  floorQuotient,
  bigQuotient,
  bigRemainder,
  nearestEven,
  logaddexp,
  copysign,
  nextafter,
  nextafter32,
  nextafter16,
  wholePower,
  bigPower,
  shiftLeft,
  shiftRight,
  bigShiftLeft,
  bigShiftRight,
} from './scalar.ts'
import { bytesPer, checkFits, type DType, isBig, isFloat, isUnsigned, promote, rangeOf, type Value } from './dtype.ts'

/** One raw element: bool is 0 or 1, i64 and u64 are bigints. */
export type Raw = number | bigint

/** How operands are converted and what comes out. */
type TypeRule =
  /** Operands and result have the promoted dtype. */
  | 'same'
  /** As `same`, but whole numbers become f64 first. */
  | 'float'
  /** As `same`, but bool becomes i8 first. */
  | 'power'
  /** Operands are promoted, the result is bool. */
  | 'compare'
  /** Operands become bool, the result is bool. */
  | 'logic'
  /** Whole numbers and bool only; operands and result have the promoted dtype. */
  | 'bits'
  /** As `bits`, of numbers only. */
  | 'shift'
  /** One float operand; the result is bool. */
  | 'test'
  /** (bool, a, b): a and b and the result have their promoted dtype. */
  | 'where'

interface Operation {
  readonly rule: TypeRule
  readonly arity: 1 | 2 | 3
  /** Dtypes of operands (after promotion) for which it is not defined. */
  readonly not?: readonly DType[]
  /** About how many nanoseconds one element takes in a kernel, beyond reading it; for plans. Measured on one 2.6 GHz core. */
  readonly ns: number
  readonly f: (a: never, b: never, c: never) => number | bigint | boolean
}

type F = (a: number, b: number) => number
type B = (a: bigint, b: bigint) => bigint
type Any = number & bigint

const big = (a: unknown): a is bigint => typeof a === 'bigint'
/** One function for numbers, one for bigints. */
const both = (f: F, b: B) => (x: Any, y: Any) => (big(x) ? b(x, y) : f(x, y))

const exactSign: F = (x) => (x > 0 ? 1 : x < 0 ? -1 : x + 0)
const scalar1 = (f: (x: number) => number): Operation => ({ rule: 'float', arity: 1, ns: 8, f })
const compare = (f: (a: Any, b: Any) => boolean): Operation => ({ rule: 'compare', arity: 2, ns: 0.2, f })
const logic = (f: F): Operation => ({ rule: 'logic', arity: 2, ns: 0.1, f })
const bits = (f: F, b: B): Operation => ({ rule: 'bits', arity: 2, ns: 0.1, f: both(f, b) })

const table = {
  add: {
    rule: 'same',
    arity: 2,
    ns: 0.1,
    f: both(
      (a, b) => a + b,
      (a, b) => a + b,
    ),
  },
  subtract: {
    rule: 'same',
    arity: 2,
    not: ['bool'],
    ns: 0.1,
    f: both(
      (a, b) => a - b,
      (a, b) => a - b,
    ),
  },
  multiply: {
    rule: 'same',
    arity: 2,
    ns: 0.1,
    f: both(
      (a, b) => a * b,
      (a, b) => a * b,
    ),
  },
  divide: { rule: 'float', arity: 2, ns: 0.6, f: (a: number, b: number) => a / b },
  floorDivide: { rule: 'same', arity: 2, not: ['bool'], ns: 8, f: both(floorQuotient, bigQuotient) },
  remainder: { rule: 'same', arity: 2, not: ['bool'], ns: 8, f: both(floorRemainder, bigRemainder) },
  power: { rule: 'power', arity: 2, ns: 6, f: ieeePow },
  minimum: {
    rule: 'same',
    arity: 2,
    ns: 0.2,
    f: both(
      (a, b) => Math.min(a, b),
      (a, b) => (a < b ? a : b),
    ),
  },
  maximum: {
    rule: 'same',
    arity: 2,
    ns: 0.2,
    f: both(
      (a, b) => Math.max(a, b),
      (a, b) => (a > b ? a : b),
    ),
  },
  arctan2: { rule: 'float', arity: 2, ns: 20, f: Math.atan2 },
  hypot: { rule: 'float', arity: 2, ns: 20, f: Math.hypot },
  logaddexp: { rule: 'float', arity: 2, ns: 20, f: logaddexp },
  copysign: { rule: 'float', arity: 2, ns: 4, f: copysign },
  nextafter: { rule: 'float', arity: 2, ns: 10, f: nextafter },

  negative: { rule: 'same', arity: 1, not: ['bool'], ns: 0.1, f: (a: Any) => -a },
  abs: { rule: 'same', arity: 1, ns: 0.1, f: (a: Any) => (big(a) ? (a < 0n ? -a : a) : Math.abs(a)) },
  sign: {
    rule: 'same',
    arity: 1,
    not: ['bool'],
    ns: 0.3,
    f: (a: Any) => (big(a) ? BigInt(exactSign(Number(a), 0)) : exactSign(a, 0)),
  },
  square: {
    rule: 'same',
    arity: 1,
    ns: 0.1,
    f: both(
      (a) => a * a,
      (a) => a * a,
    ),
  },
  reciprocal: { rule: 'float', arity: 1, ns: 0.6, f: (a: number) => 1 / a },
  sqrt: { rule: 'float', arity: 1, ns: 1, f: Math.sqrt },
  floor: { rule: 'same', arity: 1, ns: 0.2, f: (a: Any) => (big(a) ? a : Math.floor(a)) },
  ceil: { rule: 'same', arity: 1, ns: 0.2, f: (a: Any) => (big(a) ? a : Math.ceil(a)) },
  trunc: { rule: 'same', arity: 1, ns: 0.2, f: (a: Any) => (big(a) ? a : Math.trunc(a)) },
  rint: { rule: 'same', arity: 1, ns: 0.2, f: (a: Any) => (big(a) ? a : nearestEven(a)) },

  exp: { rule: 'float', arity: 1, ns: 3, f: Math.exp },
  log: { rule: 'float', arity: 1, ns: 3, f: Math.log },
  sin: { rule: 'float', arity: 1, ns: 4, f: Math.sin },
  cos: { rule: 'float', arity: 1, ns: 4, f: Math.cos },
  tan: { rule: 'float', arity: 1, ns: 5, f: Math.tan },
  expm1: scalar1(Math.expm1),
  log1p: scalar1(Math.log1p),
  log2: scalar1(Math.log2),
  log10: scalar1(Math.log10),
  cbrt: scalar1(Math.cbrt),
  arcsin: scalar1(Math.asin),
  arccos: scalar1(Math.acos),
  arctan: scalar1(Math.atan),
  sinh: scalar1(Math.sinh),
  cosh: scalar1(Math.cosh),
  tanh: scalar1(Math.tanh),
  arccosh: scalar1(Math.acosh),
  arcsinh: scalar1(Math.asinh),
  arctanh: scalar1(Math.atanh),

  equal: compare((a, b) => a === b),
  notEqual: compare((a, b) => a !== b),
  less: compare((a, b) => a < b),
  lessEqual: compare((a, b) => a <= b),
  greater: compare((a, b) => a > b),
  greaterEqual: compare((a, b) => a >= b),
  logicalAnd: logic((a, b) => a & b),
  logicalOr: logic((a, b) => a | b),
  logicalXor: logic((a, b) => a ^ b),
  logicalNot: { rule: 'logic', arity: 1, ns: 0.1, f: (a: number) => 1 - a },
  bitwiseAnd: bits(
    (a, b) => a & b,
    (a, b) => a & b,
  ),
  bitwiseOr: bits(
    (a, b) => a | b,
    (a, b) => a | b,
  ),
  bitwiseXor: bits(
    (a, b) => a ^ b,
    (a, b) => a ^ b,
  ),
  leftShift: {
    rule: 'shift',
    arity: 2,
    not: ['bool'],
    ns: 6,
    f: both(
      () => 0,
      () => 0n,
    ),
  },
  rightShift: {
    rule: 'shift',
    arity: 2,
    not: ['bool'],
    ns: 6,
    f: both(
      () => 0,
      () => 0n,
    ),
  },
  /** Of bool the logical "not". */
  invert: { rule: 'bits', arity: 1, ns: 0.1, f: (a: Any) => ~a },
  isnan: { rule: 'test', arity: 1, ns: 0.1, f: (a: number) => Number.isNaN(a) },
  isinf: { rule: 'test', arity: 1, ns: 0.1, f: (a: number) => Math.abs(a) === Number.POSITIVE_INFINITY },
  isfinite: { rule: 'test', arity: 1, ns: 0.1, f: (a: number) => Number.isFinite(a) },
  signbit: { rule: 'test', arity: 1, ns: 0.1, f: (a: number) => a < 0 || Object.is(a, -0) },
  where: { rule: 'where', arity: 3, ns: 0.2, f: (c: number, a: Any, b: Any) => (c ? a : b) },
} as const satisfies Record<string, Operation>

export type OperationName = keyof typeof table
export const operations: Readonly<Record<OperationName, Operation>> = table
export const operationNames = Object.keys(table) as OperationName[]

/** The operations that are meant where one of numbers is asked of masks. */
const masked: Partial<Record<OperationName, string>> = {
  subtract: ', or use `logicalXor` to see where masks differ',
  negative: ', or use `logicalNot` to turn a mask around',
}

/**
 * The dtype that operands are converted to before the operation, and that of its result.
 * @throws {InvalidOption} when the operation is not defined for them.
 */
export function resultTypes(
  name: OperationName,
  operands: readonly DType[],
): { readonly operand: DType; readonly result: DType } {
  const { rule, not } = operations[name]
  const promoted = (rule === 'where' ? operands.slice(1) : operands).reduce(promote)
  const operand = operandType(rule, promoted)
  const bitwise = rule === 'bits' || rule === 'shift'
  if (not?.includes(operand) || (bitwise && isFloat(operand))) {
    throw new InvalidOption(`\`${name}\` is not defined for ${operands.join(' and ')}`, {
      hint: bitwise
        ? "Bits are those of whole numbers: convert with `.astype('i32')` or `.astype('i64')` first."
        : `Convert with \`.astype('i32')\` first${masked[name] ?? ''}.`,
    })
  }
  return { operand, result: rule === 'compare' || rule === 'logic' || rule === 'test' ? 'bool' : operand }
}

function operandType(rule: TypeRule, promoted: DType): DType {
  if (rule === 'logic') return 'bool'
  if ((rule === 'float' || rule === 'test') && !isFloat(promoted)) return 'f64'
  if (rule === 'power' && promoted === 'bool') return 'i8'
  return promoted
}

/** The operation on one element whose operands already have the operand dtype; the result wraps to its dtype. */
export function applyOperation(name: OperationName, operand: DType, args: readonly Raw[]): Raw {
  if (!isFloat(operand) && operand !== 'bool') {
    const whole = wholeOperation(name, operand, args)
    if (whole !== undefined) return wrap(operand, whole)
  }
  const [a, b] = args as [number, number]
  if (name === 'nextafter' && operand !== 'f64') return operand === 'f32' ? nextafter32(a, b) : nextafter16(a, b)
  const result = (operations[name].f as (...raw: readonly Raw[]) => Raw | boolean)(...args)
  if (typeof result === 'boolean') return result ? 1 : 0
  const { rule } = operations[name]
  if (name === 'invert' && operand === 'bool') return 1 - Number(args[0])
  if (rule === 'compare' || rule === 'logic' || rule === 'test') return result
  return wrap(operand, result)
}

/** Where whole numbers have a meaning of their own. */
function wholeOperation(name: OperationName, operand: DType, args: readonly Raw[]): Raw | undefined {
  const big = isBig(operand)
  const [a, b] = args as [number, number]
  const [x, y] = args as readonly Raw[] as [bigint, bigint]
  switch (name) {
    case 'floorDivide':
    case 'remainder':
      // Division of whole numbers by zero gives 0, as in NumPy, which warns.
      return !big && b === 0 ? 0 : undefined
    case 'multiply':
    case 'square':
      // The low bits of a product of 32-bit integers do not survive in a double.
      return big ? undefined : Math.imul(a, b ?? a)
    case 'power':
      return big ? bigPower(x, y) : wholePower(a, b)
    case 'leftShift':
      return big ? bigShiftLeft(x, y) : shiftLeft(a, b)
    case 'rightShift':
      return big ? bigShiftRight(x, y) : shiftRight(a, b)
    default:
      return undefined
  }
}

/** A result of exact arithmetic brought into the range of its dtype: two's complement for integers, rounding for floats. */
export function wrap(dtype: DType, value: Raw): Raw {
  switch (dtype) {
    case 'f64':
      return value
    case 'f32':
      return Math.fround(value as number)
    case 'f16':
      return roundToHalf(value as number)
    case 'i64':
      return BigInt.asIntN(64, value as bigint)
    case 'u64':
      return BigInt.asUintN(64, value as bigint)
    case 'bool':
      return value ? 1 : 0
    default:
      return wrapWhole(dtype, value as number)
  }
}

/** To 32 bits or less. */
function wrapWhole(dtype: DType, value: number): number {
  const free = 32 - 8 * bytesPer(dtype)
  return isUnsigned(dtype) ? (value << free) >>> free : (value << free) >> free
}

/** Conversion of one element, as `astype` does it. */
export function convert(from: DType, to: DType, value: Raw): Raw {
  if (from === to) return value
  if (to === 'bool') return value === 0 || value === 0n ? 0 : 1
  if (isBig(to)) return isFloat(from) ? saturatedBigInt(to, value as number) : wrap(to, BigInt(value))
  if (isFloat(to)) return wrap(to, Number(value))
  if (typeof value === 'bigint') return wrap(to, Number(BigInt.asIntN(32, value)))
  if (!isFloat(from)) return wrap(to, value)
  const [low, high] = rangeOf(to) as readonly [number, number]
  return Number.isNaN(value) ? 0 : Math.trunc(Math.min(high, Math.max(low, value))) + 0
}

function saturatedBigInt(to: DType, value: number): bigint {
  if (Number.isNaN(value)) return 0n
  const [low, high] = rangeOf(to) as readonly [bigint, bigint]
  if (value >= Number(high)) return high
  return value <= Number(low) ? low : BigInt(Math.trunc(value))
}

/**
 * A number of the caller as a raw element. Numbers lose what is behind the point when they become integers, as in NumPy.
 * @throws {InvalidOption} when the dtype cannot hold it
 */
export function rawOf(dtype: DType, value: Value): Raw {
  if (dtype === 'bool') return value || Number.isNaN(value) ? 1 : 0
  if (isFloat(dtype)) {
    const number = Number(value)
    if (typeof value === 'bigint' && !Number.isFinite(number)) {
      throw new InvalidOption(`Expected a whole number below 2^1024 for ${dtype}, got a bigint of ${String(value).length} digits`)
    }
    return wrap(dtype, number)
  }
  const whole = typeof value === 'bigint' ? value : Math.trunc(Number(value)) + 0
  checkFits(
    dtype,
    whole,
    `Choose a dtype that holds it, such as 'f64'; to wrap around on purpose, convert with \`.astype('${dtype}')\`.`,
  )
  return isBig(dtype) ? BigInt(whole) : Number(whole)
}
