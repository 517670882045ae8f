/** Arrays that do not fit into `memoryLimit`: read in parts, and put into files that go with the computation. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as da from '../index.ts'

let folder = ''
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'arrays-'))))
afterAll(() => rmSync(folder, { recursive: true }))

const here = { threads: 0 }

/** Blocks of whole numbers below 1,000,003, each made when it is needed. */
function lazy(shape: [number, number], chunks: [number, number]): da.NDArray<'f64', 'array'> {
  return da.fromDelayed(
    shape,
    ({ start, shape: [rows = 0, columns = 0] }) => {
      const elements = new Float64Array(rows * columns)
      const [top = 0, left = 0] = start
      for (let i = 0, k = 0; i < rows; i++)
        for (let j = 0; j < columns; j++) elements[k++] = ((top + i) * 7_919 + (left + j) * 104_729) % 1_000_003
      return elements
    },
    { chunks },
  )
}

test.each([
  ['blocks of rows and columns', [500, 1_000], [undefined, 0]],
  ['blocks of columns', [-1, 500], [1]],
] as const)(
  'reductions stream: %s',
  async (_, chunks, axes) => {
    const x = lazy([2_125, 2_000], [...chunks])
    const inMemory = await x.persist(here)
    for (const axis of axes) {
      const of = (y: da.NDArray<'f64', 'array'>): da.NDArray<da.DType, 'array'>[] => {
        const options = axis === undefined ? {} : { axis }
        return [y.std(options), y.sum(options), y.argmax(options), y.min(options)].map((r) => r.reshape(-1))
      }
      const [streamed, known] = [await da.compute(of(x), { ...here, memoryLimit: '400MB' }), await da.compute(of(inMemory), here)]
      streamed.forEach((result, i) => {
        const expected = (known[i] as da.Dense<'f64'>).data
        expect(result.data).toHaveLength(expected.length)
        const apart = Array.from(result.data as Float64Array, (value, at) => Math.abs(value / (expected[at] as number) - 1))
        // Only the deviation is rounded otherwise; of zeros the ratio is not a number.
        expect(Math.max(0, ...apart.filter((ratio) => ratio === ratio))).toBeLessThan(i > 0 ? Number.MIN_VALUE : 1e-12)
      })
    }
    expect(await x.add(1).mean().compute(here)).toBe(await x.add(1).mean().compute({ threads: 2 }))
  },
  60_000,
)

test('a row is sorted through files, and saved', async () => {
  const x = lazy([1_000, 400], [250, 100])
  const doubled = da.floorDivide(x, 100).reshape(-1)
  const special = da.concat([doubled, da.from([Number.NaN, -0, 0, Number.POSITIVE_INFINITY, Number.NaN])], 0)
  const sorted = (await da.sort(special).compute(here)).data
  const [path, spill] = [join(folder, 'sorted.npy'), join(folder, 'spill')]
  await import('node:fs/promises').then(({ mkdir }) => mkdir(spill))
  await da.save(path, da.sort(special), { ...here, memoryLimit: '3MB', spill })
  const read = await (await da.load(path)).compute(here)
  expect(read.shape).toEqual([400_005])
  expect([...read.data]).toEqual([...sorted])
  expect(readdirSync(spill)).toEqual([])
})

test('a transposed file is written slab by slab', async () => {
  const path = join(folder, 'matrix.npy')
  const matrix = await lazy([700, 300], [700, 300]).persist(here)
  await da.save(path, matrix)
  const stored = await da.load(path)
  for (const column of [stored.get(':100', 7), stored.get('::2', [0]), da.stack([stored.get(':', 7), stored.get(':', 299)])])
    expect(await column.sum().compute(here)).toBe(await (await column.persist(here)).sum().compute(here))
  expect([...(await stored.get(':100', 7).compute(here)).data]).toEqual([...(await matrix.get(':100', 7).compute(here)).data])
  const turned = join(folder, 'turned.npy')
  await da.save(turned, (await da.load(path)).transpose().multiply(2), { ...here, memoryLimit: '1MB' })
  const read = await (await da.load(turned)).compute(here)
  expect(read.shape).toEqual([300, 700])
  expect([...read.data]).toEqual([...(await matrix.transpose().multiply(2).compute(here)).data])
})

test('what several results need is kept in a file where it does not fit', async () => {
  const x = lazy([500, 400], [500, 50])
  const limited = { ...here, memoryLimit: 1_000_000 }
  const path = join(folder, 'whole.npy')
  await da.save(path, x, limited)
  expect([...(await (await da.load(path)).compute(here)).data]).toEqual([...(await x.compute(here)).data])
  const best = da.topk(x.reshape(-1), 3)
  expect([...(await best.compute(limited)).data]).toEqual([...(await best.compute(here)).data])
  await expect(x.compute(limited)).rejects.toThrow('The computation needs 1.6 MB at once')
  await expect(da.take(x.reshape(-1), [5, 3]).compute(limited)).rejects.toThrow('does not fit')
})

test('a computation that is cancelled leaves no files', async () => {
  const spill = join(folder, 'cancelled')
  await import('node:fs/promises').then(({ mkdir }) => mkdir(spill))
  const stop = new AbortController()
  const x = lazy([1_000, 400], [10, 400]).reshape(-1)
  const saved = da.save(join(folder, 'none.npy'), da.sort(x), { ...here, memoryLimit: '2MB', spill, signal: stop.signal })
  setTimeout(() => stop.abort(), 30)
  await expect(saved).rejects.toThrow('cancelled')
  expect(readdirSync(spill)).toEqual([])
  expect(readdirSync(folder)).not.toContain('none.npy')
})
