/**
 * Random numbers in a kernel. Every block of {@link blockLength} elements has four streams of its own of xoshiro256+
 * (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47, 2021), element i taken from stream
 * i mod 4; their states are consecutive outputs of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
 * generators", OOPSLA 2014), which never repeats within 2^64. So the numbers depend on the seed and on the place alone:
 * not on the chunks, not on the workers, and any block can be made again.
 *
 * Normal numbers are made in pairs by Box and Muller's transformation (1958), because it has no branches: the
 * two vectors of a round give radius and angle.
 */
import { append, sleb, uleb } from '../wasm/encoder.ts'
import { c, cos, type F64, log, sin } from '../wasm/math.ts'
import { op, simd, simdImmediate } from '../wasm/opcodes.ts'
import type { Vector, VectorEmitter } from '../wasm/vectors.ts'
import { blockLength } from './ir.ts'
import type { Lanes } from './convert.ts'

/** 2^64 divided by the golden ratio, odd: the step of splitmix64's counter. */
export const goldenGamma = 0x9e3779b97f4a7c15n
export const splitmixFactors = [0xbf58476d1ce4e5b9n, 0x94d049bb133111ebn] as const

/** Two vectors of state: four words each. */
export interface RandomState {
  /** Locals, word by word: [lanes 0 and 1, lanes 2 and 3]. */
  readonly words: readonly (readonly [number, number])[]
  /** Address of the stream's key. */
  readonly keyAddress: number
}

/** Code that leaves splitmix64's output number `4096-block × 16 + offset` on the stack; locals hold the block's counter × gamma + key. */
function splitmix(emitter: VectorEmitter, base: number, offset: number, scratch: number): void {
  const { code } = emitter
  const constant = (value: bigint): void => {
    code.push(op.i64Const)
    sleb(BigInt.asIntN(64, value), code)
  }
  const xorShift = (bits: bigint): void => {
    code.push(op.localTee)
    uleb(scratch, code)
    emitter.get(scratch)
    constant(bits)
    code.push(op.i64ShrU, op.i64Xor)
  }
  emitter.get(base)
  constant(BigInt(offset + 1) * goldenGamma)
  code.push(op.i64Add)
  xorShift(30n)
  constant(splitmixFactors[0])
  code.push(op.i64Mul)
  xorShift(27n)
  constant(splitmixFactors[1])
  code.push(op.i64Mul)
  xorShift(31n)
}

/** Seeds the streams of the block that starts at the position stored (as a double) at `positionAddress`. */
export function emitSeeding(emitter: VectorEmitter, state: RandomState, positionAddress: number): void {
  const { code } = emitter
  const base = emitter.newLocal('i64')
  const scratch = emitter.newLocal('i64')
  const load = (opcode: number, address: number): void => {
    emitter.i32(0)
    code.push(opcode, 3)
    uleb(address, code)
  }
  load(op.f64Load, positionAddress)
  code.push(op.f64Const)
  append(code, [...new Uint8Array(new Float64Array([1 / blockLength]).buffer)])
  code.push(op.f64Mul, op.i64TruncF64U, op.i64Const)
  sleb(BigInt.asIntN(64, 16n * goldenGamma), code)
  code.push(op.i64Mul)
  load(op.i64Load, state.keyAddress)
  code.push(op.i64Add)
  emitter.set(base)
  state.words.forEach((pair, word) => {
    pair.forEach((local, half) => {
      splitmix(emitter, base, 2 * half * 4 + word, scratch)
      emitter.simd(simd['i64x2.splat'])
      splitmix(emitter, base, (2 * half + 1) * 4 + word, scratch)
      emitter.simd(simdImmediate.i64x2ReplaceLane, 1)
      emitter.set(local)
    })
  })
}

/** Four uniform numbers with 52 bits, and the state after them. */
export function uniformLanes(
  m: F64,
  state: RandomState,
): { readonly lanes: Lanes; readonly next: readonly (readonly [number, Vector])[] } {
  const g = m.g
  const next: (readonly [number, Vector])[] = []
  const lanes = [0, 1].map((half) => {
    const [s0, s1, s2, s3] = state.words.map((pair) => g.variable(pair[half] as number)) as [Vector, Vector, Vector, Vector]
    const sum = g.op('i64x2.add', s0, s3)
    const t = g.shift('i64x2.shl', s1, 17)
    const x2 = m.xor(s2, s0)
    const x3 = m.xor(s3, s1)
    const after = [m.xor(s0, x3), m.xor(s1, x2), m.xor(x2, t), m.or(g.shift('i64x2.shl', x3, 45), g.shift('i64x2.shr_u', x3, 19))]
    after.forEach((value, word) => next.push([state.words[word]?.[half] as number, value]))
    // The upper 52 bits as the mantissa of a number from 1 up to 2.
    return m.sub(m.or(g.shift('i64x2.shr_u', sum, 12), m.bits(0x3ff0000000000000n)), c(1))
  })
  return { lanes, next }
}

/** Box–Muller: elements 0 and 1 of four are r cos φ, elements 2 and 3 r sin φ. */
export function normalLanes(m: F64, uniform: Lanes): Lanes {
  const [u, v] = uniform as [Vector, Vector]
  // 1 − u is never 0, so that the logarithm is finite.
  const radius = m.g.op('f64x2.sqrt', m.mul(c(-2), log(m, m.sub(c(1), u))))
  const angle = m.mul(v, c(2 * Math.PI))
  return [m.mul(radius, cos(m, angle)), m.mul(radius, sin(m, angle))]
}
