/** What a plan says of its cost, and that plans of large graphs are made in bounded time. */
import { expect, test } from 'vitest'
import * as da from '../index.ts'
import { runs } from '../../../test/support/runs.ts'

const here = { threads: 0 } as const
/** 100,000 in the long tests. */
const most = runs(4_000, 100_000)

test('an estimate counts passes, bytes and memory', async () => {
  const x = await da.random([1_000_000], { seed: 1 }).persist(here)
  expect(x.add(1).sum().estimate()).toMatchObject({ passes: 1, bytesRead: 8e6, complete: true })
  const map = x.add(1).estimate()
  expect(map).toMatchObject({ passes: 1, bytesRead: 8e6, peakBytes: 8e6 })
  expect(map.expectedMs).toBeGreaterThan(0)
  const product = da.matmul(x.reshape(1_000, 1_000), x.reshape(1_000, 1_000)).estimate()
  expect(product).toMatchObject({ passes: 1, bytesRead: 16e6 })
  expect(x.get(x.greater(0.5)).sum().estimate()).toMatchObject({ complete: false })
  const lazy = da.fromDelayed([1_000_000], () => [], { chunks: 100_000 })
  expect(lazy.add(1).estimate()).toMatchObject({ passes: 2, peakBytes: 16e6 })
  expect(lazy.get(':5').add(1).estimate().bytesRead).toBeLessThan(2e6)
  expect(lazy.explain()).toMatch('10 blocks, 8.0 MB in all')
  expect(x.add(1).explain()).toMatch(/1 pass, reads 8\.0 MB, peak memory 8\.0 MB, expected/)
})

test('a plan of many passes shows the first ones', () => {
  const parts = Array.from({ length: 100 }, (_, i) => da.cumsum(da.ones([i + 1])).sum())
  const text = parts.reduce((sum, part) => sum.add(part)).explain()
  expect(text.split('\n').length).toBeLessThan(250)
  expect(text).toMatch(/… and [\d,]+ more/)
})

test(`graphs of ${most} operations are planned and computed: chains, wide sums, and parts that are shared`, async () => {
  const x = await da.ones([4]).persist(here)
  let chain: da.NDArray = x
  for (let i = 0; i < most; i++) chain = chain.add(1)
  expect(await chain.sum().compute(here)).toBe(4 * (most + 1))
  let level: da.NDArray[] = Array.from({ length: most / 2 }, (_, i) => x.add(i))
  while (level.length > 1)
    level = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) =>
      level[2 * i + 1] ? (level[2 * i] as da.NDArray).add(level[2 * i + 1] as da.NDArray) : (level[2 * i] as da.NDArray),
    )
  expect(await (level[0] as da.NDArray).get(0).compute(here)).toBe(most / 2 + ((most / 2 - 1) * most) / 4)
  let shared: da.NDArray = x
  for (let i = 0; i < most / 3; i++) shared = shared.add(shared).multiply(0.5).maximum(x)
  expect(await shared.sum().compute(here)).toBe(4)
}, 120_000)
