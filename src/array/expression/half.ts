/** Numbers of 16 bits (IEEE 754 binary16), in arithmetic on doubles. */

/** A double as the nearest number of 16 bits, ties to even. */
export function roundToHalf(x: number): number {
  const size = Math.abs(x)
  // A sum with this rounds to a multiple of 2^-24, the smallest of them.
  if (size < 2 ** -14) return size === 0 ? x : Math.sign(x) * (size + 2 ** 28 - 2 ** 28) || (x < 0 ? -0 : 0)
  if (!(size < 65_520)) return Number.isNaN(x) ? x : Math.sign(x) * Number.POSITIVE_INFINITY
  const exponent = Math.floor(Math.log2(size))
  // The logarithm may round up to the next power of two.
  const unit = 2 ** ((2 ** exponent > size ? exponent - 1 : exponent) - 10)
  const scaled = x / unit
  const floor = Math.floor(scaled)
  const up = scaled - floor > 0.5 || (scaled - floor === 0.5 && floor % 2 !== 0)
  return (up ? floor + 1 : floor) * unit
}

/** The 16 bits of a number that is one of them (IEEE 754 binary16). */
export function bitsOfHalf(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0
  const size = Math.abs(x)
  if (Number.isNaN(x)) return 0x7e00
  if (size === Number.POSITIVE_INFINITY) return sign | 0x7c00
  if (size < 2 ** -14) return sign | (size * 2 ** 24)
  const exponent = Math.floor(Math.log2(size))
  return sign | ((exponent + 15) << 10) | ((size / 2 ** exponent - 1) * 1_024)
}

/** The number that 16 bits stand for. */
export function halfFromBits(bits: number): number {
  const exponent = (bits >> 10) & 31
  const mantissa = bits & 1_023
  const sign = bits & 0x8000 ? -1 : 1
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1 + mantissa / 1_024) * 2 ** (exponent - 15)
}
