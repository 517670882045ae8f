/** Seeds of random arrays. */
import { randomBytes } from 'node:crypto'
import { describe, InvalidOption } from '../../base/errors.ts'

/** A whole number, a bigint, or a list of them: `[experiment, repetition]` gives independent numbers for each pair. */
export type Seed = number | bigint | readonly (number | bigint)[]

/**
 * The 64 bits that a random array starts from. Hashed with the finalizer of MurmurHash3 (Appleby 2011), which is not the mixer of the
 * streams, so that neighbouring seeds do not give neighbouring counters.
 * @throws {InvalidOption} when it is not a seed
 */
export function keyOfSeed(seed: Seed | undefined): bigint {
  if (seed === undefined) return randomBytes(8).readBigUInt64LE()
  const parts = (Array.isArray(seed) ? seed : [seed]) as readonly unknown[]
  return parts.reduce<bigint>((key, part) => {
    if (typeof part !== 'bigint' && !Number.isSafeInteger(part)) {
      throw new InvalidOption(`Expected \`seed\` to be a whole number, a bigint or a list of them, got ${describe(seed)}`)
    }
    return finalize(key ^ BigInt.asUintN(64, BigInt(part as number | bigint)))
  }, 0x6865_6464_6c65n)
}

function finalize(value: bigint): bigint {
  let h = value
  h = BigInt.asUintN(64, (h ^ (h >> 33n)) * 0xff51afd7ed558ccdn)
  h = BigInt.asUintN(64, (h ^ (h >> 33n)) * 0xc4ceb9fe1a85ec53n)
  return h ^ (h >> 33n)
}
