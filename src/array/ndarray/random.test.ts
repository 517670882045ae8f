/**
 * A small battery for the random streams: the reference vectors of the generators, uniformity (chi-squared and Kolmogorov–Smirnov), serial
 * correlation, the moments of the normal distribution (Knuth, The Art of Computer Programming 2, section 3.3), and streams that do
 * not overlap. The seeds are fixed, so that nothing here can fail by chance.
 */
import { expect, test } from 'vitest'
import * as da from '../index.ts'
import { interpret } from '../reference/interpret.reference.ts'
import { randomBlock, sfc64, splitmix64, streamSeed } from '../reference/interpret-random.reference.ts'
import { blockLength } from '../kernel/ir.ts'
import { goldenGamma } from '../kernel/random.ts'
import { keyOfSeed } from '../expression/seed.ts'
import { runs } from '../../../test/support/runs.ts'

const n = 500_000
const here = { threads: 0 } as const
const uniform = async (seed: da.Seed, length = n): Promise<Float64Array> =>
  (await da.random([length], { seed }).compute(here)).data

test('splitmix64 and sfc64 give their published outputs', () => {
  // https://rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64, seed 1234567
  const outputs = [1, 2, 3, 4, 5].map((i) => splitmix64(1_234_567n + BigInt(i) * goldenGamma))
  expect(outputs).toEqual([
    6457827717110365317n,
    3203168211198807973n,
    9817491932198370423n,
    4593380528125082431n,
    16408922859458223821n,
  ])
  // sfc64 from the state 1, 2, 3 and counter 4, as NumPy 2.4 continues it.
  const stream = sfc64([1n, 2n, 3n, 4n])
  const found = Array.from({ length: 10 }, () => stream.next().value as bigint)
  expect(found).toEqual([
    7n,
    34n,
    452984928n,
    7599825881358712n,
    25336469023883162n,
    240669917008063140n,
    2867843273600992353n,
    7240731414128234765n,
    15821902064770144921n,
    17713508104007409768n,
  ])
})

test('kernels and reference give the same numbers, for any chunks and any slice', async () => {
  const whole = interpret(da.random([10_000], { seed: 5 }).node)
  expect([...(await uniform(5, 10_000))]).toEqual(whole)
  expect([...(await da.random([10_000], { seed: 5, chunks: 4_096 }).compute(here)).data]).toEqual(whole)
  expect([...(await da.random([100, 100], { seed: 5 }).get('3:70', '20:30').compute(here)).data]).toEqual(
    Array.from({ length: 67 }, (_, row) => whole.slice((row + 3) * 100 + 20, (row + 3) * 100 + 30)).flat(),
  )
  const normals = (await da.normal([5_000], { seed: 6 }).compute(here)).data
  const expected = interpret(da.normal([5_000], { seed: 6 }).node) as number[]
  expect(normals.every((x, i) => Math.abs(x - (expected[i] as number)) < 1e-14 * 10)).toBe(true)
})

/** Chi-squared of counts that should be equal, in standard deviations from its mean. */
function chiSquaredDeviation(counts: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b)
  const expected = total / counts.length
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  const degrees = counts.length - 1
  return (statistic - degrees) / Math.sqrt(2 * degrees)
}

test('the sum of uniform numbers is exact', async () => {
  for (const length of [1, 5, 4_096, 4_099, 20_001]) {
    const whole = [...(await uniform(8, length))].reduce((sum, x) => sum + BigInt(x * 2 ** 52), 0n)
    expect(await da.random([length], { seed: 8 }).sum().compute(here)).toBe(Number(whole) * 2 ** -52)
  }
})

test.each([2n ** 63n, 1, 2, 3, 4, 5].slice(0, runs(3, 6)))('seed %s: uniform, alone and in pairs, near and far', async (seed) => {
  const x = await uniform(seed)
  const bins = Array.from<number>({ length: 1_000 }).fill(0)
  for (const value of x) (bins[Math.floor(value * 1_000)] as number)++
  expect(Math.abs(chiSquaredDeviation(bins))).toBeLessThan(4.5)
  // Neighbours in a stream are four apart; 16,384 is the same place of the same lane in another block.
  for (const lag of [1, 2, 3, 4, 5, 8, blockLength, 4 * blockLength]) {
    const pairs = Array.from<number>({ length: 400 }).fill(0)
    let product = 0
    for (let i = 0; i + lag < n; i++) {
      const [a, b] = [x[i] as number, x[i + lag] as number]
      ;(pairs[Math.floor(a * 20) * 20 + Math.floor(b * 20)] as number)++
      product += (a - 0.5) * (b - 0.5)
    }
    expect(Math.abs(chiSquaredDeviation(pairs)), `pairs at distance ${lag}`).toBeLessThan(4.5)
    // The correlation of independent numbers has standard deviation 1/√n.
    expect(Math.abs((12 * product) / n) * Math.sqrt(n), `correlation at distance ${lag}`).toBeLessThan(4.5)
  }
  const sorted = x.slice().sort()
  const distance = sorted.reduce((d, value, i) => Math.max(d, Math.abs(value - (i + 0.5) / n)), 0)
  // Kolmogorov–Smirnov: √n D exceeds 2.2 once in some 8,000 seeds.
  expect(distance * Math.sqrt(n)).toBeLessThan(2.2)
})

test('no number of one stream comes again in another, and neighbouring seeds share nothing', async () => {
  const seen = new Set<number>()
  let repeated = 0
  for (const seed of [0, 1, 2]) {
    for (const value of await uniform(seed, runs(60_000, 300_000))) {
      if (seen.has(value)) repeated++
      seen.add(value)
    }
  }
  // 900,000 numbers of 52 bits have 9 × 10⁻⁵ repetitions by chance; overlapping streams would have thousands.
  expect(repeated).toBe(0)
  const states = [0, 1].flatMap((block) => [0, 1, 2, 3].map((lane) => streamSeed(keyOfSeed(1), block, lane).join()))
  expect(new Set(states).size).toBe(8)
  expect(randomBlock('uniform', 1n, 0)).not.toEqual(randomBlock('uniform', 1n, 1))
})

test('normal numbers have the moments and the tails of the normal distribution', async () => {
  const { data } = await da.normal([n], { seed: 11 }).compute(here)
  const moment = (k: number): number => data.reduce((sum, x) => sum + x ** k, 0) / n
  // Expected 0, 1, 0, 3; the standard deviations of these means are 1, √2, √15 and √96 over √n.
  ;[0, 1, 0, 3].forEach((expected, i) => {
    const deviation = [1, Math.SQRT2, Math.sqrt(15), Math.sqrt(96)][i] as number
    expect(Math.abs(moment(i + 1) - expected) / (deviation / Math.sqrt(n)), `moment ${i + 1}`).toBeLessThan(4)
  })
  const beyond = data.reduce((count, x) => count + (Math.abs(x) > 3 ? 1 : 0), 0)
  expect(Math.abs(beyond - 1_349.9) / Math.sqrt(1_349.9)).toBeLessThan(4)
})

test('integers cover their range evenly', async () => {
  const { data } = await da.integers(-3, 7, [n], { seed: 12 }).compute(here)
  const counts = Array.from({ length: 10 }, (_, i) => data.reduce((count, x) => count + (x === i - 3 ? 1 : 0), 0))
  expect(counts.reduce((a, b) => a + b)).toBe(n)
  expect(Math.abs(chiSquaredDeviation(counts))).toBeLessThan(4.5)
  expect(() => da.integers(0, 300, [1], { dtype: 'u8' })).toThrow('Expected `low` and `high` to fit u8, got 299 (number)')
})

test('a seed is a whole number, a bigint or a list; without one the numbers are fresh', async () => {
  const first = async (options: da.RandomOptions): Promise<number> => (await da.random([1], options).compute(here)).item(0)
  expect(await first({ seed: 1 })).toBe(await first({ seed: 1n }))
  expect(await first({ seed: [1, 2] })).not.toBe(await first({ seed: [2, 1] }))
  expect(await first({})).not.toBe(await first({}))
  expect(() => da.random([1], { seed: 0.5 })).toThrow(
    'Expected `seed` to be a whole number, a bigint or a list of them, got 0.5 (number)',
  )
})
