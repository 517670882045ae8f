/** Files of other orders, units and byte orders, and files that claim more than they hold. */
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileSystemStore } from '@zarrita/storage'
import { DurationSecond, TimestampMicrosecond, TimestampMillisecond, TimestampNanosecond, TimestampSecond } from 'apache-arrow'
import { Int64, Uint64, vectorFromArray } from 'apache-arrow'
import { parquetMetadata } from 'hyparquet'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { create, set } from 'zarrita'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as da from '../index.ts'
import { processorTime } from '../../../test/support/processor-time.ts'

const here = { threads: 0 } as const
let folder = ''
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'heddle-readers-'))))
afterAll(() => rm(folder, { recursive: true }))

const values = async (x: da.NDArray): Promise<unknown> => {
  const result = await x.compute(here)
  return result instanceof da.Dense ? result.toArray() : result
}

/** A Zarr array of version 2, with chunks as given. */
async function zarr2(name: string, metadata: object, chunks: Readonly<Record<string, Uint8Array>>): Promise<string> {
  const path = join(folder, name)
  await mkdir(path)
  const plain = { zarr_format: 2, compressor: null, filters: null, fill_value: 0, order: 'C' }
  await writeFile(join(path, '.zarray'), JSON.stringify({ ...plain, ...metadata }))
  for (const [key, data] of Object.entries(chunks)) await writeFile(join(path, key), data)
  return path
}

const bytes = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)

test('Zarr whose metadata are text without end is refused before it is parsed', async () => {
  const path = await zarr2('endless', { shape: [1], chunks: [1], dtype: '<f8' }, {})
  await writeFile(join(path, '.zarray'), '['.repeat(2 ** 24 + 1))
  await expect(da.loadZarr(path)).rejects.toMatchObject({
    code: 'HEDDLE_FILE_REFUSED',
    message: expect.stringMatching(/metadata may have 1[67]/),
  })
})

test('Zarr of order F, in chunks that reach beyond the end', async () => {
  // [[0, 1, 2], [3, 4, 5], [6, 7, 8]] in chunks of 2 × 2, each column by column.
  const chunk = (...columns: number[]): Uint8Array => bytes(Float64Array.from(columns))
  const path = await zarr2(
    'fortran',
    { shape: [3, 3], chunks: [2, 2], dtype: '<f8', order: 'F' },
    { '0.0': chunk(0, 3, 1, 4), '0.1': chunk(2, 5, 9, 9), '1.0': chunk(6, 9, 7, 9), '1.1': chunk(8, 9, 9, 9) },
  )
  expect(await values(await da.loadZarr(path))).toEqual([
    [0, 1, 2],
    [3, 4, 5],
    [6, 7, 8],
  ])
})

test.each([
  ['C order', undefined],
  [
    'transposed',
    [
      { name: 'transpose', configuration: { order: [2, 0, 1] } },
      { name: 'bytes', configuration: { endian: 'little' } },
    ],
  ],
  [
    'transposed, big-endian',
    [
      { name: 'transpose', configuration: { order: [1, 2, 0] } },
      { name: 'bytes', configuration: { endian: 'big' } },
    ],
  ],
] as const)('Zarr of version 3, %s', async (name, codecs) => {
  const path = join(folder, name)
  const shape = [3, 4, 5]
  const array = await create(new FileSystemStore(path), {
    shape,
    chunkShape: [2, 3, 5],
    dtype: 'float64',
    ...(codecs && { codecs: codecs as never }),
  })
  await set(array, null, { data: Float64Array.from({ length: 60 }, (_, i) => i), shape, stride: [20, 5, 1] })
  expect((await (await da.loadZarr(path)).compute(here)).data).toEqual(Float64Array.from({ length: 60 }, (_, i) => i))
})

test('Zarr without axes, with missing chunks, big-endian, and in slashed keys', async () => {
  const single = await zarr2('single', { shape: [], chunks: [], dtype: '<f8' }, { 0: bytes(Float64Array.of(42)) })
  expect(await values(await da.loadZarr(single))).toBe(42)
  const holes = await zarr2('holes', { shape: [5], chunks: [2], dtype: '<i4', fill_value: 7 }, { 1: bytes(Int32Array.of(1, 2)) })
  expect(await values(await da.loadZarr(holes))).toEqual([7, 7, 1, 2, 7])
  const big = await zarr2('big', { shape: [2], chunks: [2], dtype: '>i4' }, { 0: Uint8Array.of(0, 0, 0, 1, 255, 255, 255, 255) })
  expect(await values(await da.loadZarr(big))).toEqual([1, -1])
  const slashes = await zarr2('slashes', { shape: [2, 1], chunks: [1, 1], dtype: '|u1', dimension_separator: '/' }, {})
  await mkdir(join(slashes, '1'))
  await writeFile(join(slashes, '1', '0'), Uint8Array.of(9))
  expect(await values(await da.loadZarr(slashes))).toEqual([[0], [9]])
})

test('Zarr that claims much and holds nothing takes no memory and no time', async () => {
  const before = process.memoryUsage().rss
  const took = processorTime()
  const huge = await da.loadZarr(await zarr2('huge', { shape: [2 ** 28], chunks: [2 ** 28], dtype: '<f8', fill_value: 1 }, {}))
  const many = await da.loadZarr(
    await zarr2('many', { shape: [2e6], chunks: [1], dtype: '<f8' }, { 5: bytes(Float64Array.of(3)) }),
  )
  expect(took()).toBeLessThan(3_000)
  expect(process.memoryUsage().rss - before).toBeLessThan(300e6)
  expect(huge.shape).toEqual([2 ** 28])
  expect(await values(huge.get(7))).toBe(1)
  expect(await values(many.get('4:7'))).toEqual([0, 3, 0])
})

test.each<readonly [string, object, RegExp]>([
  ['chunks of 16 TB', { shape: [2], chunks: [2 ** 41], dtype: '<f8' }, /larger than 2 GB/],
  ['more elements than numbers', { shape: [2 ** 40, 2 ** 40], chunks: [1, 1], dtype: '<f8' }, /do not make an array/],
  ['a negative length', { shape: [-1], chunks: [1], dtype: '<f8' }, /do not make an array/],
  ['chunks of nothing', { shape: [1], chunks: [0], dtype: '<f8' }, /do not make an array/],
  ['fewer axes of chunks', { shape: [2, 2], chunks: [1], dtype: '<f8' }, /do not make an array/],
  ['1 TB of memory', { shape: [2 ** 37], chunks: [1], dtype: '<f8' }, /needs 1\.1 TB of memory/],
  ['text', { shape: [1], chunks: [1], dtype: '<U4' }, /which an array cannot hold/],
])('Zarr with %s is refused', async (name, metadata, message) => {
  const path = await zarr2(`refused ${name}`, metadata, { 0: new Uint8Array(8) })
  const read = async (): Promise<unknown> => (await da.loadZarr(path)).compute(here)
  await expect(read()).rejects.toThrow(message)
  await expect(read()).rejects.toMatchObject({ code: 'HEDDLE_FILE_REFUSED' })
})

test('limits of memory are asked before anything is allocated', async () => {
  const path = await zarr2('limited', { shape: [1_000], chunks: [1], dtype: '<f8' }, { 0: new Uint8Array(8) })
  const limited = await da.loadZarr(path, { memoryLimit: 7_999 })
  await expect(limited.compute(here)).rejects.toThrow('needs 8.0 kB of memory, and 8.0 kB are allowed')
  expect(await limited.get('10:20').sum().compute(here)).toBe(0)
  expect((await da.loadZarr(path, { memoryLimit: '1MB' })).size).toBe(1_000)
  await expect(da.loadZarr(path, { memoryLimit: 'much' as never })).rejects.toThrow('Expected `memoryLimit` to be')
  const table = join(folder, 'limited.parquet')
  await writeFile(table, new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'x', data: [1, 2], type: 'INT32' }] })))
  const column = await da.loadParquet(table, 'x', { memoryLimit: 7 })
  await expect(column.compute(here)).rejects.toThrow(/needs 8 B of memory, and 7 B are allowed/)
})

test('Zarr keeps whole numbers of every width', async () => {
  for (const [dtype, data] of [
    ['<u8', BigUint64Array.of(2n ** 64n - 1n, 1n)],
    ['<i2', Int16Array.of(-32_768, 5)],
    ['<u2', Uint16Array.of(65_535, 5)],
    ['|i1', Int8Array.of(-128, 5)],
  ] as const) {
    const array = await da.loadZarr(
      await zarr2(`width ${dtype.slice(1)}`, { shape: [2], chunks: [2], dtype }, { 0: bytes(data) }),
    )
    expect([array.dtype, await values(array)]).toEqual([
      `${dtype[1]}${8 * Number(dtype[2])}`,
      [...(data as Iterable<number | bigint>)],
    ])
  }
})

test('Arrow: unsigned numbers keep their type; those that f64 would round are refused', async () => {
  expect(await values(da.fromArrow(vectorFromArray([2n ** 64n - 1n], new Uint64())))).toEqual([2n ** 64n - 1n])
  expect(await values(da.fromArrow(vectorFromArray([2n ** 63n - 1n], new Uint64())))).toEqual([2n ** 63n - 1n])
  expect(() => da.fromArrow(vectorFromArray([2n ** 53n + 1n, null], new Int64()))).toThrow('which f64 would round')
  expect(await values(da.fromArrow(vectorFromArray([2n ** 60n, null], new Int64())))).toEqual([2 ** 60, Number.NaN])
})

test('Arrow: dates and times are in the column’s unit, with and without missing values', async () => {
  const when = Date.UTC(2020, 1, 3)
  const units = [
    [new TimestampSecond(), 1e-3],
    [new TimestampMillisecond(), 1],
    [new TimestampMicrosecond(), 1e3],
  ] as const
  for (const [type, perMs] of units) {
    expect(await values(da.fromArrow(vectorFromArray([when, 1000], type)))).toEqual([BigInt(when * perMs), BigInt(1000 * perMs)])
    expect(await values(da.fromArrow(vectorFromArray([when, null, 1000], type)))).toEqual([
      when * perMs,
      Number.NaN,
      1000 * perMs,
    ])
  }
  const nanoseconds = vectorFromArray([1000, null], new TimestampNanosecond())
  expect(await values(da.fromArrow(nanoseconds))).toEqual([1e9, Number.NaN])
  expect(await values(da.fromArrow(vectorFromArray([1000], new TimestampNanosecond()).slice(0, 1)))).toEqual([10n ** 9n])
  expect(await values(da.fromArrow(vectorFromArray([5n, 6n, null], new DurationSecond()).slice(1)))).toEqual([6, Number.NaN])
})

/** As Arrow's C++ wrote pages before ARROW-10353 was fixed: compressed, and saying that they are not. */
function withWrongFlag(file: ArrayBuffer): Buffer {
  const whole = Buffer.from(file)
  const page = whole.indexOf(Buffer.from([0x15, 0, 0, 0]), 4)
  const flagged = Buffer.concat([whole.subarray(0, page + 2), Buffer.from([0x12]), whole.subarray(page + 2)])
  const size = Number(parquetMetadata(file).row_groups[0]?.columns[0]?.meta_data?.total_compressed_size)
  const varint = (n: number): number[] => (n < 128 ? [n] : [(n % 128) + 128, ...varint(Math.floor(n / 128))])
  // The field, its value, and the next field: the pages begin at byte 4.
  const entry = (n: number): Buffer => Buffer.from([0x16, ...varint(2 * n), 0x26, 8])
  const at = flagged.indexOf(entry(size))
  expect([page > 0, at > 0, entry(size).length === entry(size + 1).length]).toEqual([true, true, true])
  entry(size + 1).copy(flagged, at)
  return flagged
}

test('Parquet pages that wrongly say that they are not compressed', async () => {
  const data = Array.from({ length: 200 }, (_, i) => i + 1)
  const file = parquetWriteBuffer({
    codec: 'SNAPPY',
    statistics: false,
    columnData: [{ name: 'x', data, type: 'INT32', encoding: 'PLAIN' as never }],
  })
  const path = join(folder, 'wrong-flag.parquet')
  await writeFile(path, withWrongFlag(file))
  expect(await values(await da.loadParquet(path, 'x'))).toEqual(data)
})

test('a column of Parquet with missing values refuses numbers that f64 would round', async () => {
  const path = join(folder, 'gaps.parquet')
  for (const data of [
    [2n ** 53n + 1n, null],
    [null, 2n ** 53n + 1n],
  ]) {
    await writeFile(path, new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'x', data, type: 'INT64' }] })))
    await expect(da.loadParquet(path, 'x').then((x) => x.compute(here))).rejects.toThrow(
      'holds 9007199254740993, which f64 would round',
    )
  }
})

test('what is not a regular file is refused before it is opened', async () => {
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  for (const path of [pipe, folder, '/dev/zero']) {
    for (const read of [da.load, da.fromfile, (p: string) => da.loadParquet(p, 'x')]) {
      await expect(read(path)).rejects.toThrow(`${path} is not a regular file`)
    }
  }
  for (const read of [da.load, da.fromfile, da.loadZarr, (p: string) => da.loadParquet(p, 'x')]) {
    await expect(read(undefined as never)).rejects.toThrow('Expected `path` to be text that is not empty, got undefined')
  }
  await expect(da.save('x.npy', 5 as never)).rejects.toThrow('Expected save to get an array, got 5 (number)')
})

test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
  'a .npy file of type "%s" is refused by its name',
  async (name) => {
    const header = `{'descr': '<${name}', 'fortran_order': False, 'shape': (1,), }\n`
    const path = join(folder, 'type.npy')
    await writeFile(
      path,
      Buffer.concat([
        Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
        Buffer.from([header.length, 0]),
        Buffer.from(header),
        new Uint8Array(8),
      ]),
    )
    await expect(da.load(path)).rejects.toThrow(`its dtype is '<${name}'`)
  },
)
