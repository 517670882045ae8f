/**
 * How four elements of each dtype lie in vectors: f64 and i64 in two, everything else in one (u8 as whole numbers from 0
 * to 255 in 32-bit lanes, bool as masks of 32 bits), and how one becomes the other.
 */
import type { DType } from '../expression/dtype.ts'
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
      return fromF32(g, to, lanes)
    case 'i64':
      return fromI64(g, to, lanes)
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
  if (from === 'i64')
    return narrowMask(
      g,
      lanes.map((v) => g.op('i64x2.ne', v, zero)),
    )
  return lanes.map((v) => g.op(from === 'f32' ? 'f32x4.ne' : 'i32x4.ne', v, zero))
}

function fromF64(g: VectorGraph, to: DType, lanes: Lanes): Lanes {
  const [a, b] = lanes as [Vector, Vector]
  switch (to) {
    case 'f32':
      return [g.shuffle(g.op('f32x4.demote_f64x2_zero', a), g.op('f32x4.demote_f64x2_zero', b), lowHalves)]
    case 'i64':
      return lanes.map((v) => bigIntFromF64(g, v))
    case 'u8': {
      const clamped = lanes.map((v) => g.op('f64x2.min', g.op('f64x2.max', v, g.f64(0)), g.f64(255)))
      return fromF64(g, 'i32', clamped)
    }
    default: {
      const truncate = (v: Vector): Vector =>
        g.op(to === 'u32' ? 'i32x4.trunc_sat_f64x2_u_zero' : 'i32x4.trunc_sat_f64x2_s_zero', v)
      return [g.shuffle(truncate(a), truncate(b), lowHalves)]
    }
  }
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

function fromF32(g: VectorGraph, to: DType, lanes: Lanes): Lanes {
  const v = lanes[0] as Vector
  switch (to) {
    case 'f64':
      return [g.op('f64x2.promote_low_f32x4', v), g.op('f64x2.promote_low_f32x4', g.shuffle(v, v, highToLow))]
    case 'i32':
      return [g.op('i32x4.trunc_sat_f32x4_s', v)]
    case 'u32':
      return [g.op('i32x4.trunc_sat_f32x4_u', v)]
    case 'u8':
      return [g.op('i32x4.trunc_sat_f32x4_s', g.op('f32x4.min', g.op('f32x4.max', v, g.f32(0)), g.f32(255)))]
    default:
      return fromF64(g, to, fromF32(g, 'f64', lanes))
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
    case 'i64':
      return [g.op(`i64x2.extend_low_i32x4_${sign}`, v), g.op(`i64x2.extend_high_i32x4_${sign}`, v)]
    case 'u8':
      return [g.op('v128.and', v, g.i32(255))]
    default:
      return lanes
  }
}

function fromI64(g: VectorGraph, to: DType, lanes: Lanes): Lanes {
  const [a, b] = lanes as [Vector, Vector]
  if (to === 'f32') return fromF64(g, 'f32', fromI64(g, 'f64', lanes))
  const low = g.shuffle(a, b, lowWords)
  if (to !== 'f64') return to === 'u8' ? [g.op('v128.and', low, g.i32(255))] : [low]
  // The upper half times 2^32 is exact, so that the sum rounds once.
  const uppers = fromI32(g, 'i32', 'f64', [g.shuffle(a, b, highWords)])
  const lowers = fromI32(g, 'u32', 'f64', [low])
  return uppers.map((upper, i) => g.op('f64x2.add', g.op('f64x2.mul', upper, g.f64(2 ** 32)), lowers[i] as Vector))
}
