/** Rounding to decimals, as expressions of simpler operations. The dtype stays what it is. */
import { describe, InvalidOption } from '../../base/errors.ts'
import * as build from './build.ts'
import { isFloat } from './dtype.ts'
import { rawOf } from './elementwise.ts'
import type { Node } from './node.ts'

/** The largest power of ten that i64 has. */
const mostDigits = 18

/** @throws {InvalidOption} when `decimals` is not a whole number */
export function rounded(input: Node, decimals: number): Node {
  if (!Number.isInteger(decimals)) {
    throw new InvalidOption(`Expected \`decimals\` of round to be a whole number, got ${describe(decimals)}`)
  }
  if (!isFloat(input.dtype)) return decimals >= 0 ? input : roundedWhole(input, -decimals)
  const rint = (node: Node): Node => build.map('rint', [node])
  const factor = build.full([], input.dtype, rawOf(input.dtype, 10 ** Math.abs(decimals)))
  if (decimals === 0) return rint(input)
  if (decimals < 0 && factor.value === Number.POSITIVE_INFINITY)
    return build.map('multiply', [input, build.full([], input.dtype, 0)])
  if (decimals < 0) return build.map('multiply', [rint(build.map('divide', [input, factor])), factor])
  const scaled = build.map('multiply', [input, factor])
  // What overflows has no digits behind the point.
  return build.map('where', [build.map('isfinite', [scaled]), build.map('divide', [rint(scaled), factor]), input])
}

/** To a multiple of a power of ten, exactly, in 64 bits. */
function roundedWhole(input: Node, digits: number): Node {
  const wide = input.dtype === 'u64' ? 'u64' : 'i64'
  const whole = build.cast(input, wide)
  const number = (value: bigint): Node => build.full([], wide, value)
  const unit = digits > mostDigits ? 0n : 10n ** BigInt(digits)
  if (unit === 0n) return build.cast(build.map('multiply', [whole, number(0n)]), input.dtype)
  const quotient = build.map('floorDivide', [whole, number(unit)])
  const rest = build.map('subtract', [whole, build.map('multiply', [quotient, number(unit)])])
  const odd = build.map('bitwiseAnd', [quotient, number(1n)])
  // Up when the rest is more than half a unit, or half of one and the quotient odd.
  const up = build.map('greater', [build.map('add', [rest, odd]), number(unit / 2n)])
  const nearest = build.map('add', [quotient, build.cast(up, wide)])
  return build.cast(build.map('multiply', [nearest, number(unit)]), input.dtype)
}
