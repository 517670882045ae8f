/** Columns of Parquet, Arrow and Zarr, written by their own libraries. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileSystemStore } from '@zarrita/storage'
import { makeData, Int32, tableFromArrays, tableFromIPC, tableToIPC, vectorFromArray, Vector } from 'apache-arrow'
import { parquetWriteFile } from 'hyparquet-writer'
import { create, set } from 'zarrita'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as da from '../index.ts'
import { runs } from '../../../test/support/runs.ts'

const here = { threads: 0 } as const
const { NaN: missing } = Number
let folder = ''
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'heddle-columns-'))))
afterAll(() => rm(folder, { recursive: true }))

const values = async (x: da.NDArray): Promise<unknown> => ((await x.compute(here)) as da.Dense).toArray()

async function parquet(name: string, codec: 'SNAPPY' | 'UNCOMPRESSED' = 'SNAPPY'): Promise<string> {
  const path = join(folder, name)
  await parquetWriteFile({
    filename: path,
    codec,
    rowGroupSize: 3,
    columnData: [
      { name: 'f64', data: [1.5, -0, 3, 4, 1e300], type: 'DOUBLE' },
      { name: 'f32', data: [1.5, null, 3, 4, 5], type: 'FLOAT' },
      { name: 'i32', data: [1, -2, 3, 4, 5], type: 'INT32' },
      { name: 'i64', data: [1n, 2n ** 62n, 3n, 4n, -5n], type: 'INT64' },
      { name: 'gaps', data: [1, 2, 3, null, 5], type: 'INT32' },
      { name: 'bool', data: [true, false, true, true, false], type: 'BOOLEAN' },
      { name: 'when', data: [0, 1, 2, 3, 4].map((ms) => new Date(ms)), type: 'TIMESTAMP' },
      { name: 'text', data: ['a', 'b', 'c', 'd', 'e'], type: 'STRING' },
    ],
  })
  return path
}

test('columns of a Parquet file keep their types; missing values are NaN', async () => {
  const path = await parquet('all.parquet')
  const { f64, f32, i32, i64, gaps, bool, when } = await da.loadParquet(path, [
    'f64',
    'f32',
    'i32',
    'i64',
    'gaps',
    'bool',
    'when',
  ])
  expect([f64, f32, i32, i64, gaps, bool, when].map(({ dtype }) => dtype)).toEqual([
    'f64',
    'f32',
    'i32',
    'i64',
    'f64',
    'bool',
    'i64',
  ])
  expect(await values(f64)).toEqual([1.5, -0, 3, 4, 1e300])
  expect(await values(f32)).toEqual([1.5, missing, 3, 4, 5])
  expect(await values(i32)).toEqual([1, -2, 3, 4, 5])
  expect(await values(i64)).toEqual([1n, 2n ** 62n, 3n, 4n, -5n])
  expect(await values(gaps)).toEqual([1, 2, 3, missing, 5])
  expect(await values(bool)).toEqual([true, false, true, true, false])
  expect(await values(when)).toEqual([0n, 1n, 2n, 3n, 4n])
  const one = await da.loadParquet(path, 'i32', { chunks: 2 })
  expect(await one.sum().compute(here)).toBe(11)
})

test('what is no column of numbers, or no Parquet file, is refused', async () => {
  const path = await parquet('bad.parquet')
  await expect(da.loadParquet(path, 'text')).rejects.toThrow(
    /Column "text" of .* holds BYTE_ARRAY UTF8 values, which an array cannot hold/,
  )
  await expect(da.loadParquet(path, 'nobody')).rejects.toThrow(/has no column "nobody"; it has "f64", "f32"/)
  await expect(da.loadParquet(path, 1 as never)).rejects.toThrow(
    'Expected `columns` to be a name or a list of names, got 1 (number)',
  )
  await expect(da.loadParquet(join(folder, 'none.parquet'), 'x')).rejects.toThrow('ENOENT')
  const torn = join(folder, 'torn.parquet')
  await writeFile(torn, 'PAR1 and nothing else')
  await expect(da.loadParquet(torn, 'x')).rejects.toMatchObject({ code: 'HEDDLE_FILE_REFUSED' })
})

test('a Parquet file that was cut off is refused', async () => {
  const whole = await readFile(await parquet('plain.parquet', 'UNCOMPRESSED'))
  const damaged = join(folder, 'damaged.parquet')
  for (const length of [0, 3, 8, 100, whole.length - 9, whole.length - 1]) {
    await writeFile(damaged, whole.subarray(0, length))
    await expect(da.loadParquet(damaged, 'f64').then((x) => x.compute(here))).rejects.toMatchObject({
      code: 'HEDDLE_FILE_REFUSED',
    })
  }
})

test('a Parquet file with a byte changed anywhere is read or refused: it neither hangs nor fails elsewhere', async () => {
  const damaged = join(folder, 'flipped.parquet')
  for (const codec of ['SNAPPY', 'UNCOMPRESSED'] as const) {
    const whole = await readFile(await parquet('whole.parquet', codec))
    const codes = new Set<string | undefined>()
    let refused = 0
    // In the short tests every few bytes, of each kind of change.
    const step = runs(25, 1)
    for (let at = 0; at < whole.length; at += step) {
      const bytes = Buffer.from(whole)
      bytes[at] = (bytes[at] as number) ^ ([0x80, 0xff, 1][at % 3] as number)
      await writeFile(damaged, bytes)
      await da
        .loadParquet(damaged, ['f64', 'gaps', 'bool'])
        .then((columns) => da.compute(Object.values(columns), here))
        .catch((error: { code?: string }) => {
          codes.add(error.code)
          refused++
        })
    }
    expect([...codes]).toEqual(['HEDDLE_FILE_REFUSED'])
    expect(refused).toBeGreaterThan(whole.length / step / 10)
  }
}, 120_000)

test('of a column only the row groups are read that are needed', async () => {
  const path = join(folder, 'groups.parquet')
  const data = Array.from({ length: 10 }, (_, i) => i)
  await parquetWriteFile({
    filename: path,
    rowGroupSize: 4,
    codec: 'UNCOMPRESSED',
    columnData: [{ name: 'x', data, type: 'DOUBLE' }],
  })
  const x = await da.loadParquet(path, 'x')
  expect(x.chunks).toEqual([[4, 4, 2]])
  expect(await values(x.multiply(2))).toEqual(data.map((value) => 2 * value))
  // The pages of the second row group are overwritten: whoever reads the first or the last does not notice.
  const bytes = await readFile(path)
  const at = bytes.indexOf(Buffer.from(Float64Array.of(4, 5, 6, 7).buffer))
  bytes.fill(0xff, at - 12, at)
  await writeFile(path, bytes)
  const damaged = await da.loadParquet(path, 'x')
  expect(await values(damaged.get('1:4'))).toEqual([1, 2, 3])
  expect(await damaged.get('8:').sum().compute(here)).toBe(17)
  await expect(damaged.get('3:5').compute(here)).rejects.toMatchObject({ name: 'FileRefused' })
  await expect(damaged.sum().compute()).rejects.toMatchObject({ name: 'FileRefused' })
})

test('columns are read on other threads, and stay what they are', async () => {
  const { i64, gaps, bool } = await da.loadParquet(await parquet('threads.parquet'), ['i64', 'gaps', 'bool'])
  expect(((await i64.compute()) as da.Dense).toArray()).toEqual([1n, 2n ** 62n, 3n, 4n, -5n])
  expect(((await gaps.compute()) as da.Dense).toArray()).toEqual([1, 2, 3, missing, 5])
  expect(((await bool.compute()) as da.Dense).toArray()).toEqual([true, false, true, true, false])
})

test('Zarr from a store of your own, and over HTTP: only the chunks that are needed', async () => {
  const path = join(folder, 'remote.zarr')
  const array = await create(new FileSystemStore(path), { shape: [6, 4], chunkShape: [2, 4], dtype: 'int32' })
  await set(array, null, { data: Int32Array.from({ length: 24 }, (_, i) => i), shape: [6, 4], stride: [4, 1] })
  const asked: string[] = []
  const files = new FileSystemStore(path)
  const store: da.ZarrStore = { get: (key) => (asked.push(key), files.get(key)) }
  const x = await da.loadZarr(store)
  const metadata = asked.length
  expect(await values(x.get(3))).toEqual([12, 13, 14, 15])
  expect(asked.slice(metadata)).toEqual(['/c/1/0'])
  const server = createServer((request, response) => {
    void files
      .get((request.url ?? '') as `/${string}`)
      .then((body) => (body ? response.end(body) : response.writeHead(404).end()))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as AddressInfo
    const remote = await da.loadZarr(`http://127.0.0.1:${port}/`)
    expect(await values(remote.sum({ axis: 1 }))).toEqual([6, 22, 38, 54, 70, 86])
  } finally {
    server.close()
    server.closeAllConnections()
  }
  await expect(da.loadZarr({ get: async () => undefined })).rejects.toThrow('the store could not be read as Zarr')
})

test('columns of Arrow', async () => {
  const table = tableFromIPC(
    tableToIPC(
      tableFromArrays({
        f64: Float64Array.of(1.5, 2, 3),
        i64: BigInt64Array.of(1n, -2n, 3n),
        u8: Uint8Array.of(1, 2, 255),
        i16: Int16Array.of(-1, 2, 3),
        text: ['a', 'b', 'c'],
      }),
    ),
  )
  const column = (name: string): da.NDArray<da.DType, 'array'> => da.fromArrow(table.getChild(name as never) as da.ArrowColumn)
  expect(await values(column('f64'))).toEqual([1.5, 2, 3])
  expect(await values(column('i64'))).toEqual([1n, -2n, 3n])
  expect(column('u8').dtype).toBe('u8')
  expect(await values(column('i16'))).toEqual([-1, 2, 3])
  expect(await values(da.fromArrow(vectorFromArray([true, false, true])))).toEqual([true, false, true])
  expect(await values(da.fromArrow(vectorFromArray([1, null, 3], new Int32())))).toEqual([1, missing, 3])
  // Two batches are one column.
  const batch = makeData({ type: new Int32(), data: Int32Array.of(1, 2) })
  expect(await values(da.fromArrow(new Vector([batch, batch])))).toEqual([1, 2, 1, 2])
  expect(() => column('text')).toThrow('Expected an Arrow column of numbers or booleans')
  expect(() => da.fromArrow(table as never)).toThrow('Expected a column of an Arrow table')
})

test('arrays of Zarr', async () => {
  const path = join(folder, 'x.zarr')
  const store = new FileSystemStore(path)
  const array = await create(store, {
    shape: [3, 4],
    chunkShape: [2, 3],
    dtype: 'float64',
  })
  await set(array, null, { data: Float64Array.from({ length: 12 }, (_, i) => i), shape: [3, 4], stride: [4, 1] })
  const x = await da.loadZarr(path)
  expect(String(x)).toBe('NDArray (3, 4) f64, chunks 1 × 12, 96 B')
  expect(await values(x.get(1))).toEqual([4, 5, 6, 7])
  await expect(da.loadZarr(join(folder, 'none.zarr'))).rejects.toThrow('could not be read as Zarr')
})
