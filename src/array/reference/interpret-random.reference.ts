/** The random streams of `kernel/random.ts` in BigInt arithmetic, for the reference interpreter. */
import { blockLength } from '../kernel/ir.ts'
import { goldenGamma, splitmixFactors } from '../kernel/random.ts'

const u64 = (x: bigint): bigint => BigInt.asUintN(64, x)
const rotateLeft = (x: bigint, bits: bigint): bigint => u64((x << bits) | (x >> (64n - bits)))

export function splitmix64(counter: bigint): bigint {
  let z = u64(counter)
  z = u64((z ^ (z >> 30n)) * splitmixFactors[0])
  z = u64((z ^ (z >> 27n)) * splitmixFactors[1])
  return z ^ (z >> 31n)
}

/** One stream of sfc64 from the words a, b, c and the counter, as 64-bit outputs. */
export function* sfc64(seed: readonly bigint[]): Generator<bigint> {
  let [a, b, c, counter] = seed as [bigint, bigint, bigint, bigint]
  for (;;) {
    const output = u64(a + b + counter)
    counter = u64(counter + 1n)
    a = b ^ (b >> 11n)
    b = u64(c + u64(c << 3n))
    c = u64(rotateLeft(c, 24n) + output)
    yield output
  }
}

/** Where a stream starts: three consecutive outputs of splitmix64, and 1. */
export function streamSeed(key: bigint, block: number, lane: number): bigint[] {
  const words = [0, 1, 2].map((word) => splitmix64(key + (16n * BigInt(block) + BigInt(4 * lane + word) + 1n) * goldenGamma))
  return [...words, 1n]
}

/** The numbers of one block. */
export function randomBlock(distribution: 'uniform' | 'normal', key: bigint, block: number): number[] {
  const streams = [0, 1, 2, 3].map((lane) => sfc64(streamSeed(key, block, lane)))
  const numbers: number[] = []
  while (numbers.length < blockLength) {
    const four = streams.map((stream) => Number((stream.next().value as bigint) >> 12n) * 2 ** -52)
    numbers.push(...(distribution === 'uniform' ? four : normal(four)))
  }
  return numbers
}

function normal(uniform: readonly number[]): number[] {
  const [a, b, c, d] = uniform as [number, number, number, number]
  const radius = [a, b].map((u) => Math.sqrt(-2 * Math.log(1 - u))) as [number, number]
  const angle = [c, d].map((v) => v * 2 * Math.PI) as [number, number]
  return [
    radius[0] * Math.cos(angle[0]),
    radius[1] * Math.cos(angle[1]),
    radius[0] * Math.sin(angle[0]),
    radius[1] * Math.sin(angle[1]),
  ]
}
