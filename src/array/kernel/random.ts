/**
 * Random numbers in a kernel. Every block of {@link blockLength} elements has four streams of its own of sfc64 (C. Doty-Humphrey,
 * PractRand, https://pracrand.sourceforge.net/RNG_engines.txt; NumPy's `SFC64`), element i taken from stream i mod 4. A stream's three
 * words are consecutive outputs of splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014),
 * which never repeats within 2^64, and its counter starts at 1. The step of sfc64 can be undone, and it counts: two streams that differ
 * where they start differ after every number of steps, so they can never overlap.
 *
 * So the numbers depend on the seed and on the place alone: not on the chunks, not on the workers, and any block can be made
 * again. Of the generators without known flaws it takes the fewest vector instructions: 9 for two numbers, and 8 for the next two, which share the counter; only two of them are shifts.
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

/** Words of a stream that are seeded: a, b and c. The fourth is the counter. */
export const seededWords = 3

/** Two vectors of state: four words each. */
export interface RandomState {
  /** Locals, word by word (a, b, c, counter): [lanes 0 and 1, lanes 2 and 3]. All streams count alike, so the counter is one local, twice. */
  readonly words: readonly (readonly [number, number])[]
  /** Address of the stream's key. */
  readonly keyAddress: number
}

function constant(code: number[], value: bigint): void {
  code.push(op.i64Const)
  sleb(BigInt.asIntN(64, value), code)
}

/** Code that leaves splitmix64's output number `4096-block × 16 + offset` on the stack; locals hold the block's counter × gamma + key. */
function splitmix(emitter: VectorEmitter, base: number, offset: number, scratch: number): void {
  const { code } = emitter
  const xorShift = (bits: bigint): void => {
    code.push(op.localTee)
    uleb(scratch, code)
    emitter.get(scratch)
    constant(code, bits)
    code.push(op.i64ShrU, op.i64Xor)
  }
  emitter.get(base)
  constant(code, BigInt(offset + 1) * goldenGamma)
  code.push(op.i64Add)
  xorShift(30n)
  constant(code, splitmixFactors[0])
  code.push(op.i64Mul)
  xorShift(27n)
  constant(code, splitmixFactors[1])
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
  code.push(op.f64Mul, op.i64TruncF64U)
  constant(code, 16n * goldenGamma)
  code.push(op.i64Mul)
  load(op.i64Load, state.keyAddress)
  code.push(op.i64Add)
  emitter.set(base)
  const [counter] = state.words[seededWords] as readonly [number, number]
  constant(code, 1n)
  emitter.simd(simd['i64x2.splat'])
  emitter.set(counter)
  state.words.slice(0, seededWords).forEach((pair, word) => {
    pair.forEach((local, half) => {
      splitmix(emitter, base, 2 * half * 4 + word, scratch)
      emitter.simd(simd['i64x2.splat'])
      splitmix(emitter, base, (2 * half + 1) * 4 + word, scratch)
      emitter.simd(simdImmediate.i64x2ReplaceLane, 1)
      emitter.set(local)
    })
  })
}

/** Rotates each 64-bit half to the left by 24 bits, as a choice of bytes: one instruction instead of three. */
const rotated24 = [0, 8].flatMap((half) => [5, 6, 7, 0, 1, 2, 3, 4].map((byte) => half + byte))

/** Four random words of 52 bits (as whole numbers in 64-bit lanes), and the state after them. */
export function randomLanes(
  m: F64,
  state: RandomState,
): { readonly mantissas: Lanes; readonly next: readonly (readonly [number, Vector])[] } {
  const g = m.g
  const next: (readonly [number, Vector])[] = []
  const add = (x: Vector, y: Vector): Vector => g.op('i64x2.add', x, y)
  const mantissas = [0, 1].map((half) => {
    const [a, b, k, counter] = state.words.map((pair) => g.variable(pair[half] as number)) as [Vector, Vector, Vector, Vector]
    const output = add(add(a, b), counter)
    const after = [
      m.xor(b, g.shift('i64x2.shr_u', b, 11)),
      add(k, g.shift('i64x2.shl', k, 3)),
      add(g.op('i8x16.swizzle', k, g.bytes(rotated24)), output),
      add(counter, m.bits(1n)),
    ]
    after.forEach((value, word) => {
      if (word < seededWords || half === 0) next.push([state.words[word]?.[half] as number, value])
    })
    return g.shift('i64x2.shr_u', output, 12)
  })
  return { mantissas, next }
}

/** Uniform numbers: the words as mantissas of numbers from 1 up to 2, less 1. */
export function uniformLanes(m: F64, mantissas: Lanes): Lanes {
  return mantissas.map((mantissa) => m.sub(m.or(mantissa, m.bits(0x3ff0000000000000n)), c(1)))
}

/** Box–Muller: elements 0 and 1 of four are r cos φ, elements 2 and 3 r sin φ. */
export function normalLanes(m: F64, uniform: Lanes): Lanes {
  const [u, v] = uniform as [Vector, Vector]
  // 1 − u is never 0, so that the logarithm is finite.
  const radius = m.g.op('f64x2.sqrt', m.mul(c(-2), log(m, m.sub(c(1), u))))
  const angle = m.mul(v, c(2 * Math.PI))
  return [m.mul(radius, cos(m, angle)), m.mul(radius, sin(m, angle))]
}
