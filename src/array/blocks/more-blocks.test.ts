/** Overlapping blocks, named axes, reductions of one's own, and blocks that go elsewhere. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileSystemStore } from '@zarrita/storage'
import { get, open } from 'zarrita'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as da from '../index.ts'

const here = { threads: 0 } as const
let folder = ''
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'heddle-blocks-'))))
afterAll(() => rm(folder, { recursive: true }))

const list = async (x: da.NDArray): Promise<unknown> => {
  const result = await x.compute(here)
  return result instanceof da.Dense ? result.toArray() : result
}
const matrix = (rows: number, columns: number): da.NDArray<'f64', 'array'> => da.arange(rows * columns).reshape(rows, columns)

/** The sum of each element and its eight neighbours; those beyond the block count as 0. */
function around({ data, shape }: da.Block): Float64Array {
  const [rows, columns] = shape as readonly [number, number]
  return Float64Array.from(data as Float64Array, (_, at) => {
    let sum = 0
    for (let i = Math.max(0, Math.floor(at / columns) - 1); i <= Math.min(rows - 1, Math.floor(at / columns) + 1); i++)
      for (let j = Math.max(0, (at % columns) - 1); j <= Math.min(columns - 1, (at % columns) + 1); j++)
        sum += Number(data[i * columns + j])
    return sum
  })
}

/** The same of the whole array, padded as NumPy pads. */
async function expected(x: da.NDArray<'f64', 'array'>, index: (i: number, n: number) => number | undefined): Promise<number[][]> {
  const all = (await list(x)) as number[][]
  const [rows, columns] = [all.length, (all[0] as number[]).length]
  const at = (i: number, j: number): number => {
    const [r, c] = [index(i, rows), index(j, columns)]
    return r === undefined || c === undefined ? 0 : ((all[r] as number[])[c] as number)
  }
  return all.map((row, i) =>
    row.map((_, j) => [-1, 0, 1].flatMap((d) => [-1, 0, 1].map((e) => at(i + d, j + e))).reduce((a, b) => a + b)),
  )
}

test.each([
  ['reflect', (i: number, n: number) => (i < 0 ? -1 - i : i >= n ? 2 * n - 1 - i : i)],
  ['periodic', (i: number, n: number) => (i + n) % n],
  ['nearest', (i: number, n: number) => Math.min(n - 1, Math.max(0, i))],
  [0, (i: number, n: number) => (i < 0 || i >= n ? undefined : i)],
  ['none', (i: number, n: number) => (i < 0 || i >= n ? undefined : i)],
] as const)('blocks with their neighbours, boundary %s', async (boundary, index) => {
  const x = matrix(7, 9)
  for (const chunks of [
    3,
    [3, 4],
    [1, 1],
    [7, 9],
    [
      [5, 2],
      [1, 8],
    ],
  ] as da.Chunks[]) {
    const y = da.mapOverlap(x.rechunk(chunks), around, { depth: 1, boundary })
    expect(await list(y)).toEqual(await expected(x, index))
    expect(await list(y.get('2:5', 3))).toEqual((await expected(x, index)).slice(2, 5).map((row) => row[3]))
  }
})

test('neighbours of another depth for each axis, and without cutting off', async () => {
  const x = matrix(6, 8).rechunk([3, 4])
  const shapes = new Set<string>()
  const y = da.mapOverlap(
    x,
    ({ data, shape }, info) => {
      shapes.add(shape.join('×'))
      expect(info.shape).toEqual([3, 4])
      return Array.from({ length: 12 }, () => data.length)
    },
    { depth: [2, 0], boundary: 7, trim: false },
  )
  expect(await list(y)).toEqual(Array.from({ length: 6 }, () => Array.from({ length: 8 }, () => 28)))
  expect([...shapes]).toEqual(['7×4'])
  expect(() => da.mapOverlap(x, around, { depth: 7 })).toThrow('at most 6, the length of axis 0')
  expect(() => da.mapOverlap(x, around, { depth: [1] })).toThrow('one for each of 2 axes, got [1]')
  expect(() => da.mapOverlap(x, around, { depth: 1, boundary: 'mirror' as never })).toThrow("'reflect', 'periodic'")
})

test('neighbours of a lazy source are made once', async () => {
  let made = 0
  const x = da.fromDelayed([8, 4], ({ shape }) => (made++, Array.from({ length: 4 * (shape[0] as number) }, () => 1)), {
    chunks: 2,
  })
  expect(await da.mapOverlap(x.rechunk(2), around, { depth: 1, boundary: 0 }).sum().compute(here)).toBe((3 * 8 - 2) * (3 * 4 - 2))
  expect(made).toBe(4)
})

test('blocks by the names of their axes', async () => {
  const [a, b] = [matrix(4, 6).rechunk([2, 3]), matrix(6, 5).rechunk([2, 2])]
  const product = (x: da.Block, y: da.Block): number[] => {
    const [rows, inner, columns] = [x.shape[0] as number, x.shape[1] as number, y.shape[1] as number]
    return Array.from({ length: rows * columns }, (_, at) => {
      let sum = 0
      for (let k = 0; k < inner; k++)
        sum += Number(x.data[Math.floor(at / columns) * inner + k]) * Number(y.data[k * columns + (at % columns)])
      return sum
    })
  }
  const made = da.blockwise<'f64'>('ik', product, [a, 'ij', b, 'jk'])
  expect(made.chunks).toEqual([
    [2, 2],
    [2, 2, 1],
  ])
  expect(await list(made)).toEqual(await list(da.matmul(a, b)))
  const moved = da.blockwise<'f64'>(
    'ji',
    ({ data, shape }: da.Block) =>
      Array.from({ length: data.length }, (_, at) =>
        Number(data[(at % (shape[0] as number)) * (shape[1] as number) + Math.floor(at / (shape[0] as number))]),
      ),
    [a, 'ij'],
  )
  expect(await list(moved)).toEqual(await list(a.T))
  const wider = da.blockwise<'f64'>('ijn', ({ data }: da.Block) => [...data].flatMap((v) => [Number(v), -Number(v)]), [a, 'ij'], {
    newAxes: { n: 2 },
  })
  expect(await list(wider.get('...', 1))).toEqual(await list(a.negative()))
  expect(() => da.blockwise('ik', product, [a, 'ij', a, 'jk'])).toThrow(
    "The letter 'j' of blockwise stands for 6 and for 4 elements",
  )
  expect(() => da.blockwise('ix', product, [a, 'ij'])).toThrow("The letter 'x' of the output of blockwise is in no array")
  expect(() => da.blockwise('i', product, [a, 'i'])).toThrow('a letter of its own for each axis')
})

test("a reduction of one's own, over any axes", async () => {
  const x = matrix(13, 10).rechunk([2, 3])
  /** Sums over the axes whose block is longer than the result. */
  const sum = ({ data, shape }: da.Block, { shape: wanted }: da.BlockInfo): number[] => {
    const [rows, columns] = wanted as readonly [number, number]
    const out = Array.from({ length: rows * columns }, () => 0)
    data.forEach((value, at) => {
      const [i, j] = [Math.floor(at / (shape[1] as number)), at % (shape[1] as number)]
      out[(rows === 1 ? 0 : i) * columns + (columns === 1 ? 0 : j)] =
        (out[(rows === 1 ? 0 : i) * columns + (columns === 1 ? 0 : j)] as number) + Number(value)
    })
    return out
  }
  const steps = { chunk: sum, aggregate: sum }
  expect(await list(da.reduction(x, steps, { splitEvery: 2 }))).toBe((129 * 130) / 2)
  expect(await list(da.reduction(x, steps, { axis: 0, splitEvery: 2 }))).toEqual(await list(x.sum({ axis: 0 })))
  expect(await list(da.reduction(x, steps, { axis: -1, keepdims: true }))).toEqual(await list(x.sum({ axis: 1, keepdims: true })))
  expect(() => da.reduction(x, { chunk: sum } as never)).toThrow('Expected `combine` of reduction to be a function')
})

test('store hands over each block, and stops with its target', async () => {
  const x = matrix(7, 3).rechunk(2)
  const got: number[] = []
  await da.store(x, async ({ data, start }) => void got.push(...data, -Number(start[0])), here)
  expect(got).toEqual([0, 1, 2, 3, 4, 5, -0, 6, 7, 8, 9, 10, 11, -2, 12, 13, 14, 15, 16, 17, -4, 18, 19, 20, -6])
  await expect(
    da.store(
      x,
      () => {
        throw new Error('full')
      },
      here,
    ),
  ).rejects.toThrow('full')
})

test.each(['f64', 'f32', 'f16', 'i64', 'i16', 'u8', 'bool'] as const)(
  'a Zarr array of %s is written as others read it',
  async (dtype) => {
    const path = join(folder, `${dtype}.zarr`)
    // zarrita has halves only where the engine has.
    if (dtype === 'f16' && !('Float16Array' in globalThis)) return
    const x = matrix(5, 7).remainder(2).astype(dtype)
    for (const compressor of [undefined, 'gzip'] as const) {
      await da.toZarr(path, x, { chunks: [2, 3], ...(compressor && { compressor }), ...here })
      expect(await list(await da.loadZarr(path))).toEqual(await list(x))
    }
    if (dtype === 'f16') return
    const theirs = await get(await open(new FileSystemStore(path), { kind: 'array' }))
    expect(Array.from(theirs.data as Iterable<number>, Number)).toEqual(Array.from({ length: 35 }, (_, i) => i % 2))
  },
)

test('toZarr replaces a Zarr array and nothing else, and leaves nothing behind when it fails', async () => {
  const path = join(folder, 'kept.zarr')
  await da.toZarr(path, matrix(2, 2), here)
  const failing = da.mapBlocks(matrix(2, 2), () => {
    throw new Error('broken')
  })
  await expect(da.toZarr(path, failing, here)).rejects.toThrow('broken')
  expect(await list(await da.loadZarr(path))).toEqual([
    [0, 1],
    [2, 3],
  ])
  const other = join(folder, 'notes')
  await mkdir(other)
  await writeFile(join(other, 'a.txt'), 'mine')
  await expect(da.toZarr(other, matrix(2, 2), here)).rejects.toMatchObject({ name: 'FileRefused' })
  expect(await readFile(join(other, 'a.txt'), 'utf8')).toBe('mine')
  await da.toZarr(path, da.from(3), here)
  expect(await list(await da.loadZarr(path))).toBe(3)
  await da.toZarr(path, da.zeros([0, 3]), here)
  expect((await da.loadZarr(path)).shape).toEqual([0, 3])
})
