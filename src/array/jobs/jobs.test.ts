/** Whole little programs, as people write them, against plain loops. */
import { expect, test } from 'vitest'
import * as da from '../index.ts'

const here = { threads: 0 } as const
const list = async (x: da.NDArray): Promise<number[]> => {
  const result = await x.compute(here)
  return result instanceof da.Dense ? Array.from(result.data as Iterable<number>) : [Number(result)]
}
/** The largest distance between two lists; infinite where their lengths differ. */
const distance = (got: readonly number[], expected: readonly number[]): number =>
  got.length === expected.length ? Math.max(...got.map((value, i) => Math.abs(value - (expected[i] as number)))) : Infinity

test('k-means, its twelve rounds as one expression', async () => {
  const [n, k] = [90, 3]
  const noise = await da.normal([n, 2], { seed: 2, scale: 0.3 }).persist(here)
  const label = da.arange(n).remainder(k).reshape(n, 1)
  const centres = da.from([
    [0, 0],
    [5, 5],
    [0, 8],
  ])
  const points = await [0, 1, 2]
    .reduce<da.NDArray>((sum, c) => sum.add(label.equal(c).multiply(centres.get(c))), noise)
    .persist(here)
  const round = (means: da.NDArray): da.NDArray => {
    const distances = points
      .get(':', null, ':')
      .subtract(means.get(null, ':', ':'))
      .square()
      .sum({ axis: 2 })
    const belongs = distances.argmin({ axis: 1 }).reshape(n, 1).equal(da.arange(k)).astype('f64')
    return da.matmul(belongs.T, points).divide(belongs.sum({ axis: 0 }).reshape(k, 1).maximum(1))
  }
  let means: da.NDArray = points.get(':3')
  for (let i = 0; i < 12; i++) means = round(means)
  const plain = Array.from({ length: k }, () => [0, 0])
  const all = await list(points)
  all.forEach((value, i) => {
    const mean = plain[Math.floor(i / 2) % k] as number[]
    mean[i % 2] = (mean[i % 2] as number) + value / (n / k)
  })
  expect(distance(await list(means), plain.flat())).toBeLessThan(1e-8)
})

test('principal component by power iteration', async () => {
  const x = await da
    .normal([200, 4], { seed: 3 })
    .multiply(da.from([5, 1, 1, 1]))
    .persist(here)
  const centred = x.subtract(x.mean({ axis: 0 }))
  const covariance = da.matmul(centred.T, centred).divide(199)
  let v: da.NDArray = da.ones([4])
  for (let i = 0; i < 40; i++) {
    const next = da.matmul(covariance, v)
    v = next.divide(next.square().sum().sqrt())
  }
  const value = da.dot(v, da.matmul(covariance, v))
  // What it is turned into is a multiple of it.
  expect(distance(await list(da.matmul(covariance, v).subtract(v.multiply(value))), [0, 0, 0, 0])).toBeLessThan(1e-8)
  expect(await list(value)).toEqual([expect.closeTo(23.3, -1)])
})

test('equalising the histogram of an image', async () => {
  const image = await da.integers(10, 120, [64, 64], { seed: 4, dtype: 'u8' }).persist(here)
  const { counts } = da.histogram(image, { bins: 256, range: [0, 256] })
  const running = da.cumsum(counts)
  const table = await list(running.divide(running.get(-1)).multiply(255).round())
  const pixels = await list(image)
  expect(
    distance(
      table,
      table.map((_, level) => {
        const share = (255 * pixels.filter((pixel) => pixel <= level).length) / pixels.length
        return share % 1 === 0.5 ? 2 * Math.round(share / 2) : Math.round(share)
      }),
    ),
  ).toBeLessThan(1e-8)
})

test('moving mean and deviation', async () => {
  const x = await da.normal([300], { seed: 5, loc: 3 }).persist(here)
  const sums = (a: da.NDArray<'f64', 'array'>): da.NDArray => {
    const running = da.concat([da.zeros([1]), da.cumsum(a)])
    return running.get('20:').subtract(running.get(':-20'))
  }
  const mean = sums(x).divide(20)
  const deviation = sums(x.square()).divide(20).subtract(mean.square()).sqrt()
  const values = await list(x)
  const windows = Array.from({ length: 281 }, (_, i) => values.slice(i, i + 20))
  const plainMeans = windows.map((window) => window.reduce((a, b) => a + b) / 20)
  const squares = windows.map((window, i) => window.reduce((a, b) => a + (b - (plainMeans[i] as number)) ** 2, 0) / 20)
  const [gotMean, gotDeviation] = await da.compute([mean, deviation], here)
  expect(distance(Array.from((gotMean as da.Dense<'f64'>).data), plainMeans)).toBeLessThan(1e-8)
  expect(distance(Array.from((gotDeviation as da.Dense<'f64'>).data), squares.map(Math.sqrt))).toBeLessThan(1e-8)
})

test('columns of CSV, grouped by masks', async () => {
  const csv = Array.from({ length: 50 }, (_, i) => `${i % 4},${i * 1.5}`).join('\n')
  const table = da.from(csv.split('\n').map((line) => line.split(',').map(Number)))
  const [key, value] = [table.get(':', 0), table.get(':', 1)]
  const groups = [0, 1, 2, 3].map((group) => value.get(key.equal(group)))
  expect(
    await da.compute(
      groups.map((group) => group.mean()),
      here,
    ),
  ).toEqual([36, 37.5, 36, 37.5])
  expect(
    await da.compute(
      groups.map((group) => group.max()),
      here,
    ),
  ).toEqual([72, 73.5, 69, 70.5])
  expect(await list(da.unique(key))).toEqual([0, 1, 2, 3])
})

test('one long row is sorted by buckets, with NaN last and zeros of both signs', async () => {
  const length = 600_000
  const elements = await da.random([length], { seed: 3 }).multiply(2).subtract(1).power(9).compute(here)
  const { data } = elements
  for (let i = 0; i < 40; i++)
    data[i * 1_000] = [Number.NaN, -0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][i % 5] as number
  const expected = Float64Array.from(data).sort()
  for (const threads of [0, 2]) {
    const sorted = await da.sort(da.from(elements)).compute({ threads })
    expect(sorted.data.every((value, i) => Object.is(value, expected[i]))).toBe(true)
  }
  const same = await da.sort(da.full([length], 5)).compute(here)
  expect(same.data.every((value) => value === 5)).toBe(true)
})
