import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { runs } from '../../../test/support/runs.ts'
import * as da from '../index.ts'
import { homeOf, type Place, placeBytes, sharedElements, sharedMemory, takePlace } from './memory.ts'

// Large enough for a memory of its own, and no multiple of a block.
const length = 1_500_003

function foreign(data: ArrayLike<number>): da.NDArray<'f64', 'array'> {
  const elements = new Float64Array(new SharedArrayBuffer(8 * data.length))
  elements.set(data)
  return da.from(elements)
}

function homeOfData(data: Float64Array): NonNullable<ReturnType<typeof homeOf>> {
  const home = homeOf(data.buffer as unknown as SharedArrayBuffer)
  if (!home) throw new Error('the elements have no home')
  return home
}

const taken = (data: Float64Array): number =>
  new Int32Array(data.buffer, homeOfData(data).scratch, placeBytes / 4).reduce((sum, flag) => sum + flag, 0)

const dense = (await da.random([length], { seed: 11 }).compute()) as da.Dense<'f64'>
const x = da.from(dense)
// Elements in somebody else's shared memory are copied into the kernel's, block by block.
const copied = foreign(dense.data)

const reductions: Readonly<Record<string, (x: da.NDArray<'f64', 'array'>) => da.NDArray>> = {
  sum: (x) => x.sum(),
  'four reductions in one kernel': (x) => x.mean().add(x.std()).add(x.max()).subtract(x.min()),
  prod: (x) => x.add(0.63).prod(),
  any: (x) => x.greater(2).any(),
  'a slice that begins at an odd address': (x) => x.get('3:-2').sum(),
  'with the position': (x) => x.multiply(da.arange(length)).sum(),
  'whole numbers': (x) => x.multiply(1_000).astype('i32').sum(),
}

test.each(Object.entries(reductions))('%s: the same bits in place and copied, here and on threads', async (_, reduction) => {
  const expected = await reduction(copied).compute({ threads: 0 })
  for (const threads of [0, 1, 2]) expect(await reduction(x).compute({ threads })).toBe(expected)
  expect(taken(dense.data)).toBe(0)
  expect(reduction(x).explain()).toContain('in place')
  expect(reduction(copied).explain()).not.toContain('in place')
})

test.each(['f32', 'i32', 'u8', 'i64', 'bool'] as const)('%s is read in place', async (dtype) => {
  const ones = da.ones([6_000_001], { dtype })
  const elements = (await ones.compute()) as da.Dense
  expect(homeOf(elements.data.buffer as SharedArrayBuffer)).toBeDefined()
  expect(Number(await da.from(elements).sum().compute())).toBe(6_000_001)
})

test('without a free place the elements are copied, with the same result', async () => {
  const expected = await x.sum().compute()
  const places: Place[] = []
  for (let place = takePlace(homeOfData(dense.data)); place; place = takePlace(homeOfData(dense.data))) places.push(place)
  expect(places.length).toBeGreaterThan(6)
  expect(new Set(places.map(({ address }) => address)).size).toBe(places.length)
  for (const threads of [0, 2]) expect(await x.sum().compute({ threads })).toBe(expected)
  for (const place of places) place.release()
  expect(taken(dense.data)).toBe(0)
})

test('many computations at once on the same elements do not disturb each other', async () => {
  const expected = await copied.multiply(2).sum().compute({ threads: 0 })
  const results = await Promise.all(Array.from({ length: 20 }, () => x.multiply(2).sum().compute()))
  expect(new Set(results)).toEqual(new Set([expected]))
  expect(taken(dense.data)).toBe(0)
})

test('a place is given back when the computation is cancelled', async () => {
  const controller = new AbortController()
  const work = x.sin().add(x.exp()).cos().sum().compute({ signal: controller.signal })
  controller.abort(new Error('enough'))
  await expect(work).rejects.toThrow('enough')
  expect(taken(dense.data)).toBe(0)
})

test('elements have the length that was asked for, zeroed, however long the buffer is', () => {
  for (const count of [0, 1, 1_000, 524_288, 524_289, 700_001]) {
    const elements = sharedElements('f64', count)
    expect(elements.length).toBe(count)
    expect(elements.every((value) => value === 0)).toBe(true)
  }
  expect(sharedMemory(8).byteLength).toBe(8)
  expect(homeOf(sharedMemory(8))).toBeUndefined()
})

/** How much memory the process has at most, beyond what it has now, while `rounds` results are made and dropped. */
async function growth(rounds: number, options: da.ComputeOptions, afterEach = (): void => {}): Promise<number> {
  const startedAt = process.memoryUsage.rss()
  let most = 0
  for (let round = 0; round < rounds; round++) {
    await da.ones([10_000_000]).compute(options)
    afterEach()
    most = Math.max(most, process.memoryUsage.rss() - startedAt)
  }
  return most
}

test('results that nobody holds can be collected', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // 0.5 GB in all.
  expect(await growth(6, { threads: 0 }, collect)).toBeLessThan(3e8)
})

test.runIf(runs(0, 1))('results that nobody holds are collected without being asked', async () => {
  // 4.8 GB in all. V8 lets some of them lie, here and on the threads: 0.7 to 2.1 GB were seen, however many rounds there are.
  expect(await growth(60, {})).toBeLessThan(3.2e9)
})
