/** What operations mean for one element, where the language has no operator for it. Kernels call these lane by lane. */
import { roundToHalf } from './half.ts'

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

/** `log(exp(a) + exp(b))` without overflow. */
export function logaddexp(a: number, b: number): number {
  if (a === b) return a + Math.LN2
  const [small, large] = a < b ? [a, b] : [b, a]
  return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : large + Math.log1p(Math.exp(small - large))
}

/** The size of `a` with the sign of `b`. The sign of a NaN cannot be seen here, and counts as plus. */
export function copysign(a: number, b: number): number {
  return b < 0 || Object.is(b, -0) ? -Math.abs(a) : Math.abs(a)
}

const doubles = new Float64Array(1)
const doubleBits = new BigInt64Array(doubles.buffer)
const singles = new Float32Array(1)
const singleBits = new Int32Array(singles.buffer)

/** The next double after `a` on the way to `b`. */
export function nextafter(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN
  if (a === b) return b
  if (a === 0) return b > 0 ? Number.MIN_VALUE : -Number.MIN_VALUE
  doubles[0] = a
  doubleBits[0] = (doubleBits[0] as bigint) + (a < b === a > 0 ? 1n : -1n)
  return doubles[0]
}

/** The next number of 32 bits. */
export function nextafter32(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN
  if (a === b) return b
  if (a === 0) return b > 0 ? 2 ** -149 : -(2 ** -149)
  singles[0] = a
  singleBits[0] = (singleBits[0] as number) + (a < b === a > 0 ? 1 : -1)
  return singles[0]
}

/** The next number of 16 bits. */
export function nextafter16(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.NaN
  if (a === b) return b
  if (a === 0) return b > 0 ? 2 ** -24 : -(2 ** -24)
  if (!Number.isFinite(a)) return Math.sign(a) * 65_504
  const size = Math.abs(a)
  const unit = size < 2 ** -14 ? 2 ** -24 : 2 ** (Math.floor(Math.log2(size)) - 10)
  const away = a < b === a > 0
  // Below a power of two numbers lie twice as close.
  const step = !away && size > 2 ** -14 && size / unit === 1_024 ? unit / 2 : unit
  return roundToHalf(a + Math.sign(a) * (away ? step : -step)) || Math.sign(a) * 0
}

/** Powers of whole numbers modulo 2^32; of a negative exponent the whole part. */
export function wholePower(base: number, exponent: number): number {
  if (exponent < 0) return base === 1 ? 1 : base === -1 ? (exponent % 2 === 0 ? 1 : -1) : 0
  let [result, factor] = [1, base]
  for (let left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result = Math.imul(result, factor)
    factor = Math.imul(factor, factor)
  }
  return result
}

/** The same modulo 2^64. */
export function bigPower(base: bigint, exponent: bigint): bigint {
  if (exponent < 0n) return base === 1n ? 1n : base === -1n ? (exponent % 2n === 0n ? 1n : -1n) : 0n
  let [result, factor] = [1n, base]
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = BigInt.asUintN(64, result * factor)
    factor = BigInt.asUintN(64, factor * factor)
  }
  return BigInt.asIntN(64, result)
}

/** Shifts of whole numbers by as many bits as they have, or more, leave 0 (or −1), as in NumPy; so does a negative number of bits. */
export const shiftLeft = (a: number, b: number): number => (b >= 0 && b < 32 ? a << b : 0)
export function shiftRight(a: number, b: number): number {
  if (b >= 0 && b < 32) return a > 2 ** 31 - 1 ? a >>> b : a >> b
  return a < 0 ? -1 : 0
}
export const bigShiftLeft = (a: bigint, b: bigint): bigint => (b >= 0n && b < 64n ? BigInt.asIntN(64, a << b) : 0n)
export const bigShiftRight = (a: bigint, b: bigint): bigint => (b >= 0n && b < 64n ? a >> b : a < 0n ? -1n : 0n)
