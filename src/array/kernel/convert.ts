/**
 * How four elements of each dtype lie in vectors: f64, i64 and u64 in two, everything else in one (shorter whole numbers in 32-bit lanes, f16 as
 * f32 that are rounded to it, bool as masks of 32 bits), and how one becomes the other.
 */
import { bytesPer, type DType, isUnsigned, rangeOf } from '../expression/dtype.ts'
import type { Vector, VectorGraph } from '../wasm/vectors.ts'

/** Four elements. */
export type Lanes = readonly Vector[]

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)
const lowHalves = [...range(0, 8), ...range(16, 8)]
const highToLow = [...range(8, 8), ...range(8, 8)]
const lowWords = [0, 8, 16, 24].flatMap((at) => range(at, 4))
const highWords = [4, 12, 20, 28].flatMap((at) => range(at, 4))

/** Two vectors of 64-bit masks as one of 32-bit masks. */
export function narrowMask(g: VectorGraph, masks: Lanes): Lanes {
  return [g.shuffle(masks[0] as Vector, masks[1] as Vector, lowWords)]
}

/** One vector of 32-bit masks as two of 64-bit masks. */
export function widenMask(g: VectorGraph, mask: Lanes): Lanes {
  return [g.op('i64x2.extend_low_i32x4_s', mask[0] as Vector), g.op('i64x2.extend_high_i32x4_s', mask[0] as Vector)]
}

/** `astype`: floats to whole numbers truncate and saturate, whole numbers wrap around. */
export function convertLanes(g: VectorGraph, from: DType, to: DType, lanes: Lanes): Lanes {
  if (from === to) return lanes
  if (to === 'bool') return isNonZero(g, from, lanes)
  switch (from) {
    case 'f64':
      return fromF64(g, to, lanes)
    case 'f32':
    case 'f16':
      return fromF32(g, to, lanes)
    case 'i64':
    case 'u64':
      return fromI64(g, from, to, lanes)
    case 'bool':
      return fromI32(g, 'u8', to, [g.op('v128.and', lanes[0] as Vector, g.i32(1))])
    default:
      return fromI32(g, from, to, lanes)
  }
}

function isNonZero(g: VectorGraph, from: DType, lanes: Lanes): Lanes {
  const zero = g.i32(0)
  if (from === 'f64')
    return narrowMask(
      g,
      lanes.map((v) => g.op('f64x2.ne', v, zero)),
    )
  if (bytesPer(from) === 8)
    return narrowMask(
      g,
      lanes.map((v) => g.op('i64x2.ne', v, zero)),
    )
  return lanes.map((v) => g.op(from === 'f32' || from === 'f16' ? 'f32x4.ne' : 'i32x4.ne', v, zero))
}

function fromF64(g: VectorGraph, to: DType, lanes: Lanes): Lanes {
  const [a, b] = lanes as [Vector, Vector]
  const truncated = (sign: 's' | 'u', [x, y]: Lanes): Lanes => {
    const truncate = (v: Vector): Vector => g.op(`i32x4.trunc_sat_f64x2_${sign}_zero`, v)
    return [g.shuffle(truncate(x as Vector), truncate(y as Vector), lowHalves)]
  }
  switch (to) {
    case 'f32':
      return [g.shuffle(g.op('f32x4.demote_f64x2_zero', a), g.op('f32x4.demote_f64x2_zero', b), lowHalves)]
    case 'f16':
      return fromF64(
        g,
        'f32',
        lanes.map((v) => halfInF64(g, v)),
      )
    case 'i64':
      return lanes.map((v) => bigIntFromF64(g, v))
    case 'u64':
      return lanes.map((v) => bigUintFromF64(g, v))
    case 'i32':
      return truncated('s', lanes)
    case 'u32':
      return truncated('u', lanes)
    default: {
      const [low, high] = rangeOf(to) as readonly [number, number]
      return truncated(
        's',
        lanes.map((v) => g.op('f64x2.min', g.op('f64x2.max', v, g.f64(low)), g.f64(high))),
      )
    }
  }
}

/** Doubles rounded to numbers of 16 bits, once, ties to even. */
function halfInF64(g: VectorGraph, v: Vector): Vector {
  const size = g.op('f64x2.abs', v)
  // Beyond 11 bits of a mantissa of 53 lie 42; a sum with 2^28 rounds to a multiple of 2^-24.
  const odd = g.op('v128.and', g.shift('i64x2.shr_u', size, 42), g.i64(1n))
  const up = g.op('i64x2.add', g.op('i64x2.add', size, g.i64(2n ** 41n - 1n)), odd)
  const normal = g.op('v128.and', up, g.i64(-(2n ** 42n)))
  const small = g.op('f64x2.sub', g.op('f64x2.add', size, g.f64(2 ** 28)), g.f64(2 ** 28))
  const rounded = g.select(g.op('f64x2.lt', size, g.f64(2 ** -14)), small, normal)
  const bounded = g.select(g.op('f64x2.ge', size, g.f64(65_520)), g.f64(Number.POSITIVE_INFINITY), rounded)
  const signed = g.op('v128.or', bounded, g.op('v128.and', v, g.i64(-(2n ** 63n))))
  return g.select(g.op('f64x2.ne', v, v), v, signed)
}

/** Single numbers rounded to those of 16 bits. */
export function roundToHalfLanes(g: VectorGraph, v: Vector): Vector {
  const size = g.op('f32x4.abs', v)
  const odd = g.op('v128.and', g.shift('i32x4.shr_u', size, 13), g.i32(1))
  const up = g.op('i32x4.add', g.op('i32x4.add', size, g.i32(2 ** 12 - 1)), odd)
  const normal = g.op('v128.and', up, g.i32(-(2 ** 13)))
  const small = g.op('f32x4.sub', g.op('f32x4.add', size, g.f32(0.5)), g.f32(0.5))
  const rounded = g.select(g.op('f32x4.lt', size, g.f32(2 ** -14)), small, normal)
  const bounded = g.select(g.op('f32x4.ge', size, g.f32(65_520)), g.f32(Number.POSITIVE_INFINITY), rounded)
  const signed = g.op('v128.or', bounded, g.op('v128.and', v, g.i32(-(2 ** 31))))
  return g.select(g.op('f32x4.ne', v, v), v, signed)
}

/** 16 bits in lanes of 32 as the single number that they stand for. */
export function halfFromBitLanes(g: VectorGraph, bits: Vector): Vector {
  const sign = g.shift('i32x4.shl', g.op('v128.and', bits, g.i32(0x8000)), 16)
  const rest = g.shift('i32x4.shl', g.op('v128.and', bits, g.i32(0x7fff)), 13)
  // The exponents of the two differ by 112; the product is right for the smallest numbers too.
  const finite = g.op('f32x4.mul', rest, g.f32(2 ** 112))
  const infinite = g.op('v128.or', rest, g.i32(0x7f80_0000))
  const special = g.op('i32x4.ge_u', rest, g.i32(0x7c00 << 13))
  return g.op('v128.or', sign, g.select(special, infinite, finite))
}

/** The 16 bits, in lanes of 32, of single numbers that are rounded to them. */
export function bitLanesOfHalf(g: VectorGraph, v: Vector): Vector {
  const sign = g.op('v128.and', g.shift('i32x4.shr_u', v, 16), g.i32(0x8000))
  const size = g.op('f32x4.abs', v)
  const finite = g.shift('i32x4.shr_u', g.op('f32x4.mul', size, g.f32(2 ** -112)), 13)
  const infinite = g.select(g.op('f32x4.ne', v, v), g.i32(0x7e00), g.i32(0x7c00))
  const special = g.op('i32x4.ge_u', size, g.i32(0x7f80_0000))
  return g.op('v128.or', sign, g.select(special, infinite, finite))
}

/** Two lanes: the upper and the lower 32 bits are truncated apart. */
function bigIntFromF64(g: VectorGraph, v: Vector): Vector {
  const whole = g.op('f64x2.trunc', v)
  const upper = g.op('f64x2.floor', g.op('f64x2.mul', whole, g.f64(2 ** -32)))
  const lower = g.op('f64x2.sub', whole, g.op('f64x2.mul', upper, g.f64(2 ** 32)))
  const high = g.op('i64x2.extend_low_i32x4_s', g.op('i32x4.trunc_sat_f64x2_s_zero', upper))
  const low = g.op('i64x2.extend_low_i32x4_u', g.op('i32x4.trunc_sat_f64x2_u_zero', lower))
  const inside = g.op('v128.or', g.shift('i64x2.shl', high, 32), low)
  const over = g.select(g.op('f64x2.ge', v, g.f64(2 ** 63)), g.i64(2n ** 63n - 1n), inside)
  return g.select(g.op('f64x2.lt', v, g.f64(-(2 ** 63))), g.i64(-(2n ** 63n)), over)
}

/** The same without a sign: what is below 0 becomes 0. */
function bigUintFromF64(g: VectorGraph, v: Vector): Vector {
  const whole = g.op('f64x2.trunc', v)
  const upper = g.op('f64x2.floor', g.op('f64x2.mul', whole, g.f64(2 ** -32)))
  const lower = g.op('f64x2.sub', whole, g.op('f64x2.mul', upper, g.f64(2 ** 32)))
  const word = (x: Vector): Vector => g.op('i64x2.extend_low_i32x4_u', g.op('i32x4.trunc_sat_f64x2_u_zero', x))
  const inside = g.op('v128.or', g.shift('i64x2.shl', word(upper), 32), word(lower))
  const over = g.select(g.op('f64x2.ge', v, g.f64(2 ** 64)), g.i64(-1n), inside)
  return g.select(g.op('f64x2.lt', v, g.f64(0)), g.i64(0n), over)
}

function fromF32(g: VectorGraph, to: DType, lanes: Lanes): Lanes {
  const v = lanes[0] as Vector
  switch (to) {
    case 'f32':
      return lanes
    case 'f16':
      return [roundToHalfLanes(g, v)]
    case 'f64':
      return [g.op('f64x2.promote_low_f32x4', v), g.op('f64x2.promote_low_f32x4', g.shuffle(v, v, highToLow))]
    case 'i32':
      return [g.op('i32x4.trunc_sat_f32x4_s', v)]
    case 'u32':
      return [g.op('i32x4.trunc_sat_f32x4_u', v)]
    case 'i64':
    case 'u64':
      return fromF64(g, to, fromF32(g, 'f64', lanes))
    default: {
      const [low, high] = rangeOf(to) as readonly [number, number]
      return [g.op('i32x4.trunc_sat_f32x4_s', g.op('f32x4.min', g.op('f32x4.max', v, g.f32(low)), g.f32(high)))]
    }
  }
}

function fromI32(g: VectorGraph, from: DType, to: DType, lanes: Lanes): Lanes {
  const v = lanes[0] as Vector
  const sign = from === 'u32' ? 'u' : 's'
  switch (to) {
    case 'f64':
      return [g.op(`f64x2.convert_low_i32x4_${sign}`, v), g.op(`f64x2.convert_low_i32x4_${sign}`, g.shuffle(v, v, highToLow))]
    case 'f32':
      return [g.op(`f32x4.convert_i32x4_${sign}`, v)]
    case 'f16':
      return fromF32(g, 'f16', fromI32(g, from, 'f32', lanes))
    case 'i64':
    case 'u64':
      return [g.op(`i64x2.extend_low_i32x4_${sign}`, v), g.op(`i64x2.extend_high_i32x4_${sign}`, v)]
    default:
      return wrapLanes(g, to, lanes)
  }
}

/** Whole numbers in lanes of 32 bits brought into the range of a shorter dtype. */
export function wrapLanes(g: VectorGraph, dtype: DType, lanes: Lanes): Lanes {
  const free = 32 - 8 * bytesPer(dtype)
  if (free <= 0) return lanes
  if (isUnsigned(dtype)) return lanes.map((v) => g.op('v128.and', v, g.i32(2 ** (32 - free) - 1)))
  return lanes.map((v) => g.shift('i32x4.shr_s', g.shift('i32x4.shl', v, free), free))
}

function fromI64(g: VectorGraph, from: DType, to: DType, lanes: Lanes): Lanes {
  const [a, b] = lanes as [Vector, Vector]
  if (to === 'i64' || to === 'u64') return lanes
  if (to === 'f32' || to === 'f16') return fromF64(g, to, fromI64(g, from, 'f64', lanes))
  const low = g.shuffle(a, b, lowWords)
  if (to !== 'f64') return wrapLanes(g, to, [low])
  // The upper half times 2^32 is exact, so that the sum rounds once.
  const uppers = fromI32(g, from === 'u64' ? 'u32' : 'i32', 'f64', [g.shuffle(a, b, highWords)])
  const lowers = fromI32(g, 'u32', 'f64', [low])
  return uppers.map((upper, i) => g.op('f64x2.add', g.op('f64x2.mul', upper, g.f64(2 ** 32)), lowers[i] as Vector))
}
