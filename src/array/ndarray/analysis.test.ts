import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as da from '../index.ts'
import { interpret } from '../reference/interpret.reference.ts'
import { runs } from '../../../test/support/runs.ts'

const here = { threads: 0 } as const

/** Long enough for many chunks of one block, with ties, NaN and infinities where asked for. */
function sample(seed: number, length: number, specials = false): Float64Array {
  const values = new Float64Array(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    values[i] = i % 3 === 0 ? Math.floor(state / 2 ** 28) : state / 2 ** 31 - 1
  }
  if (specials) values.set([Number.NaN, Number.NEGATIVE_INFINITY, -0, 0, Number.NaN], Math.floor(length / 2))
  return values
}

const chunked = (values: Float64Array): da.NDArray<'f64', 'array'> => da.from(values, { chunks: 4_096 })
/** −0 compares equal to 0. */
const positive = (values: readonly (number | bigint)[]): unknown[] => values.map((v) => (v === 0 ? 0 : v))
const numbers = async (x: da.NDArray): Promise<number[]> =>
  Array.from((await x.compute(here)) instanceof da.Dense ? (((await x.compute(here)) as da.Dense).data as Iterable<number>) : [])

test('a mask keeps what it shows, and expressions go on from there', async () => {
  const values = sample(1, 20_000)
  const x = chunked(values)
  const kept = x.get(x.greater(0.25) as da.NDArray<'bool', 'array'>)
  const expected = values.filter((v) => v > 0.25)
  expect(kept.shape).toEqual([Number.NaN])
  expect(await numbers(kept)).toEqual([...expected])
  expect(await kept.count().compute(here)).toBe(expected.filter((v) => v !== 0).length)
  expect(await kept.multiply(2).max().compute(here)).toBe(2 * Math.max(...expected))
  expect(await numbers(kept.get(':').reshape(-1, 1).T)).toEqual([...expected])
  expect(await numbers(x.get(x.greater(1e9) as da.NDArray<'bool', 'array'>))).toEqual([])
})

test('cumsum over everything and along axes', async () => {
  const values = sample(2, 20_000)
  const sums = await numbers(da.cumsum(chunked(values)))
  let sum = 0
  expect(sums.every((got, i) => Math.abs(got - (sum += values[i] as number)) < 1e-9)).toBe(true)
  const table = da.from([
    [1, 2, 3],
    [4, 5, 6],
  ])
  expect((await da.cumsum(table, { axis: 0 }).compute()).toArray()).toEqual([
    [1, 2, 3],
    [5, 7, 9],
  ])
  expect((await da.cumsum(table, { axis: 1 }).compute()).toArray()).toEqual([
    [1, 3, 6],
    [4, 9, 15],
  ])
  const long = da.from(
    BigInt64Array.from({ length: 9_000 }, (_, i) => BigInt(i) - 100n),
    { chunks: 4_096 },
  )
  const last = (await da.cumsum(long).compute(here)).item(8_999)
  expect(last).toBe((8_999n * 9_000n) / 2n - 900_000n)
  const rows = da.from(sample(3, 30_000), { shape: [3, 10_000] })
  const byRow = await numbers(da.cumsum(rows, { axis: 1 }))
  const reference = interpret(da.cumsum(rows, { axis: 1 }).node) as number[]
  expect(byRow.every((got, i) => Math.abs(got - (reference[i] as number)) < 1e-9)).toBe(true)
})

test('histogram counts as NumPy does, edges included', async () => {
  // The edge at 3 × 0.1 lies above 0.3: numpy.histogram([0, 0.1, 0.2, 0.3, 0.5, 1, nan, 2, -1], bins=10, range=(0, 1))
  const x = da.from(Float64Array.of(0, 0.1, 0.2, 0.3, 0.5, 1, Number.NaN, 2, -1))
  const { counts, edges } = da.histogram(x, { range: [0, 1] })
  expect(await numbers(counts)).toEqual([1, 1, 2, 0, 0, 1, 0, 0, 0, 1])
  expect((await numbers(edges)).at(-1)).toBe(1)
  const values = sample(4, 30_000)
  const found = da.histogram(chunked(values), { bins: 37 })
  const [n, e] = [await numbers(found.counts), await numbers(found.edges)]
  expect(n.reduce((a, b) => a + b)).toBe(30_000)
  const expected = n.map(
    (_, bin) =>
      values.filter((v) => v >= (e[bin] as number) && (v < (e[bin + 1] as number) || (bin === 36 && v === e[37]))).length,
  )
  expect(n).toEqual(expected)
  expect(await numbers(da.histogram(da.from([5, 5]), { bins: 2 }).counts)).toEqual([0, 2])
})

test('quantile is exact', async () => {
  const values = sample(5, 30_001)
  const q = [0, 0.001, 0.25, 0.5, 0.9, 0.999_99, 1]
  expect(await numbers(da.quantile(chunked(values), q))).toEqual(interpret(da.quantile(chunked(values), q).node))
  expect(await da.quantile(da.from([3, 1, 2]), 0.5).compute(here)).toBe(2)
  expect(await da.quantile(chunked(sample(6, 9_000, true)), 0.5).compute(here)).toBeNaN()
  expect(await da.quantile(da.from(new Float64Array(0)), 0.5).compute(here)).toBeNaN()
  expect(() => da.quantile(da.from([1]), 2)).toThrow('Expected `q` to be a number from 0 to 1 or a list of them, got 2 (number)')
})

test('topk and unique', async () => {
  const values = sample(7, 20_000, true)
  const x = chunked(values)
  for (const k of [1, 5, 5_000, -1, -7, 20_000])
    expect(await numbers(da.topk(x, k)), `k = ${k}`).toEqual(interpret(da.topk(x, k).node))
  const whole = da.from(
    BigInt64Array.from({ length: 9_000 }, (_, i) => ((BigInt(i) * 7_919n) % 9_001n) << 50n),
    { chunks: 1_000 },
  )
  for (const k of [0, 1, 40, -3])
    expect((await da.topk(whole, k).compute(here)).toArray(), `k = ${k}`).toEqual(interpret(da.topk(whole, k).node))
  expect(positive(await numbers(da.unique(x)))).toEqual(positive(interpret(da.unique(x).node)))
  expect((await da.unique(da.from(BigInt64Array.of(3n, -1n, 3n))).compute(here)).toArray()).toEqual([-1n, 3n])
  expect(await da.unique(x).count().compute(here)).toBe(interpret(da.unique(x).node).length - 1)
})

test('dot and matmul', async () => {
  const a = da.from([
    [1, 2],
    [3, 4],
    [5, 6],
  ])
  const b = da.from([
    [1, 0, 2],
    [0, 1, 3],
  ])
  expect((await da.matmul(a, b).compute(here)).toArray()).toEqual([
    [1, 2, 8],
    [3, 4, 18],
    [5, 6, 28],
  ])
  expect(await da.dot(da.from([1, 2, 3]), da.from([4, 5, 6])).compute(here)).toBe(32)
  expect((await da.matmul(a, da.from([1, 1])).compute(here)).toArray()).toEqual([3, 7, 11])
  expect(() => da.matmul(a, a)).toThrow('Shapes (3, 2) and (3, 2) cannot be multiplied as matrices')
})

test('matmul in tiles and segments, of views, and of every dtype, as the reference has it', async () => {
  const short = fc.integer({ min: 0, max: 6 })
  const length = fc.oneof(short, fc.integer({ min: 60, max: 70 }))
  await fc.assert(
    fc.asyncProperty(length, fc.oneof(short, fc.constant(2_050)), short, fc.boolean(), async (m, k, n, turned) => {
      // In memory: the reference makes random numbers slowly.
      const left = await da.integers(-9, 9, [m, k], { seed: m }).persist(here)
      const right = turned
        ? (await da.integers(-9, 9, [n, 2 * k], { seed: n }).persist(here)).get(':', '::-2').T
        : await da.integers(-9, 9, [k, n], { seed: n }).persist(here)
      const product = da.matmul(left, right)
      // Whole numbers: exact, whatever the order.
      expect(positive(await numbers(product))).toEqual(positive(interpret(product.node) as number[]))
    }),
    { numRuns: runs(5, 12) },
  )
  const floats = [
    await da.normal([70, 600], { seed: 1 }).persist(here),
    await da.normal([600, 67], { seed: 2 }).persist(here),
  ] as const
  const found = await numbers(da.matmul(...floats))
  const expected = interpret(da.matmul(...floats).node) as number[]
  expect(found.every((x, i) => Math.abs(x - (expected[i] as number)) < 1e-11)).toBe(true)
  const small = da.from(Float32Array.of(1.5, 2, 3, 4), { shape: [2, 2] }) as da.NDArray<'f32', 'array'>
  expect(da.matmul(small, small).dtype).toBe('f32')
  expect(await numbers(da.matmul(small, small))).toEqual([8.25, 11, 16.5, 22])
  const big = da.from(BigInt64Array.of(2n ** 62n, 1n, 0n, 1n), { shape: [2, 2] })
  expect((await da.matmul(big, big).compute(here)).toArray()).toEqual([
    [0n, 2n ** 62n + 1n],
    [0n, 1n],
  ])
  const large = da.from(Int32Array.of(2 ** 20, 2 ** 20), { shape: [1, 2] })
  expect(await numbers(da.matmul(large, large.T))).toEqual([2 ** 41])
  expect(await numbers(da.matmul(large.T, large))).toEqual([2 ** 40, 2 ** 40, 2 ** 40, 2 ** 40])
})

test('a product needs its inputs in memory, and says what it does', async () => {
  const x = da.random([100, 80], { seed: 1 })
  const gram = da.matmul(x.T, x)
  expect(gram.explain()).toContain('product of (80, 100) f64 and (100, 80) f64')
  expect(gram.explain()).toContain('3 passes')
  const trace = await da
    .matmul(x.add(1), da.ones([80, 1]))
    .sum()
    .compute(here)
  expect(trace).toBeCloseTo(await x.add(1).sum().compute(here), 8)
})
