/**
 * The elementwise operations: for each its name (NumPy's), how its dtype follows from its operands, and what it means
 * for one element. The meaning is plain TypeScript; the kernels are tested against it.
 *
 * Integers wrap around like two's complement. Conversions from float to integer truncate and saturate; NaN gives 0.
 */
import { InvalidOption } from '../../base/errors.ts'
import { checkFits, type DType, isFloat, promote, type Value } from './dtype.ts'

/** One raw element: bool is 0 or 1, i64 a bigint. */
export type Raw = number | bigint

/** How operands are converted and what comes out. */
type TypeRule =
  /** Operands and result have the promoted dtype. */
  | 'same'
  /** As `same`, but whole numbers become f64 first. */
  | 'float'
  /** Operands are promoted, the result is bool. */
  | 'compare'
  /** Operands become bool, the result is bool. */
  | 'logic'
  /** Whole numbers and bool only; operands and result have the promoted dtype. */
  | 'bits'
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

/** IEEE 754 power: `Math.pow` differs where the base is 1, or −1 with an infinite exponent. */
export function ieeePow(x: number, y: number): number {
  return x === 1 || (x === -1 && Math.abs(y) === Number.POSITIVE_INFINITY) ? 1 : x ** y
}

/** NumPy's remainder: its sign is that of the divisor. */
export function floorRemainder(a: number, b: number): number {
  const rest = a % b
  if (rest === 0) return b < 0 || Object.is(b, -0) ? -0 : 0
  return rest < 0 !== b < 0 ? rest + b : rest
}

/** NumPy's floor division. */
export function floorQuotient(a: number, b: number): number {
  if (b === 0) return a / b
  const rest = a % b
  let quotient = (a - rest) / b
  if (rest !== 0 && rest < 0 !== b < 0) quotient -= 1
  if (quotient === 0) return a / b < 0 || Object.is(a / b, -0) ? -0 : 0
  const floor = Math.floor(quotient)
  return quotient - floor > 0.5 ? floor + 1 : floor
}

/** Floor division of whole numbers; by zero it is 0, as in NumPy, which warns. */
export function bigQuotient(a: bigint, b: bigint): bigint {
  if (b === 0n) return 0n
  const quotient = a / b
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient
}

/** The remainder of {@link bigQuotient}: its sign is that of the divisor. */
export const bigRemainder = (a: bigint, b: bigint): bigint => (b === 0n ? 0n : a - b * bigQuotient(a, b))

/** Rounds to the nearest integer, ties to even. */
export function nearestEven(x: number): number {
  const floor = Math.floor(x)
  const up = x - floor > 0.5 || (x - floor === 0.5 && floor % 2 !== 0)
  const rounded = up ? floor + 1 : floor
  return rounded === 0 && (x < 0 || Object.is(x, -0)) ? -0 : rounded
}

const exactSign: F = (x) => (x > 0 ? 1 : x < 0 ? -1 : x)
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
  power: { rule: 'float', arity: 2, ns: 6, f: ieeePow },
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
  /** Of bool the logical "not". */
  invert: { rule: 'bits', arity: 1, ns: 0.1, f: (a: Any) => ~a },
  isnan: { rule: 'test', arity: 1, ns: 0.1, f: (a: number) => Number.isNaN(a) },
  isinf: { rule: 'test', arity: 1, ns: 0.1, f: (a: number) => Math.abs(a) === Number.POSITIVE_INFINITY },
  isfinite: { rule: 'test', arity: 1, ns: 0.1, f: (a: number) => Number.isFinite(a) },
  where: { rule: 'where', arity: 3, ns: 0.2, f: (c: number, a: Any, b: Any) => (c ? a : b) },
} as const satisfies Record<string, Operation>

export type OperationName = keyof typeof table
export const operations: Readonly<Record<OperationName, Operation>> = table
export const operationNames = Object.keys(table) as OperationName[]

/** What is meant where an operation of numbers is asked of masks. */
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
  if (not?.includes(operand) || (rule === 'bits' && isFloat(operand))) {
    throw new InvalidOption(`\`${name}\` is not defined for ${operands.join(' and ')}`, {
      hint:
        rule === 'bits'
          ? "Bits are those of whole numbers: convert with `.astype('i32')` or `.astype('i64')` first."
          : `Convert with \`.astype('i32')\` first${masked[name] ?? ''}.`,
    })
  }
  return { operand, result: rule === 'compare' || rule === 'logic' || rule === 'test' ? 'bool' : operand }
}

function operandType(rule: TypeRule, promoted: DType): DType {
  if (rule === 'logic') return 'bool'
  if ((rule === 'float' || rule === 'test') && !isFloat(promoted)) return 'f64'
  return promoted
}

/** The operation on one element whose operands already have the operand dtype; the result wraps to its dtype. */
export function applyOperation(name: OperationName, operand: DType, args: readonly Raw[]): Raw {
  const integer = !isFloat(operand)
  // Division of whole numbers by zero gives 0, as in NumPy, which warns.
  if (integer && (name === 'floorDivide' || name === 'remainder') && args[1] === 0) return 0
  // The low bits of a product of 32-bit integers do not survive in a double.
  if (integer && operand !== 'i64' && (name === 'multiply' || name === 'square'))
    return wrap(operand, Math.imul(args[0] as number, (args[1] ?? args[0]) as number))
  const result = (operations[name].f as (...raw: readonly Raw[]) => Raw | boolean)(...args)
  if (typeof result === 'boolean') return result ? 1 : 0
  const { rule } = operations[name]
  if (name === 'invert' && operand === 'bool') return 1 - Number(args[0])
  if (rule === 'compare' || rule === 'logic' || rule === 'test') return result
  return wrap(operand, result)
}

/** A result of exact arithmetic brought into the range of its dtype: two's complement for integers, rounding for f32. */
export function wrap(dtype: DType, value: Raw): Raw {
  switch (dtype) {
    case 'f64':
      return value
    case 'f32':
      return Math.fround(value as number)
    case 'i64':
      return BigInt.asIntN(64, value as bigint)
    case 'i32':
      return (value as number) | 0
    case 'u32':
      return (value as number) >>> 0
    case 'u8':
      return (value as number) & 255
    case 'bool':
      return value ? 1 : 0
  }
}

/** Conversion of one element, as `astype` does it. */
export function convert(from: DType, to: DType, value: Raw): Raw {
  if (from === to) return value
  if (to === 'bool') return value === 0 || value === 0n ? 0 : 1
  if (to === 'i64') return typeof value === 'bigint' ? value : isFloat(from) ? saturatedBigInt(value) : BigInt(value)
  if (isFloat(to)) return wrap(to, Number(value))
  if (typeof value === 'bigint') return wrap(to, Number(BigInt.asIntN(32, value)))
  if (!isFloat(from)) return wrap(to, value)
  const [low, high] = to === 'i32' ? [-(2 ** 31), 2 ** 31 - 1] : to === 'u32' ? [0, 2 ** 32 - 1] : [0, 255]
  return Number.isNaN(value) ? 0 : Math.trunc(Math.min(high, Math.max(low, value))) + 0
}

function saturatedBigInt(value: number): bigint {
  if (Number.isNaN(value)) return 0n
  if (value >= 2 ** 63) return 2n ** 63n - 1n
  return value <= -(2 ** 63) ? -(2n ** 63n) : BigInt(Math.trunc(value))
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
  return dtype === 'i64' ? BigInt(whole) : Number(whole)
}
