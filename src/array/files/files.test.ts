import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import * as da from '../index.ts'
import { encodeHeader, parseHeader } from './npy-header.ts'
import { runs } from '../../../test/support/runs.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-array-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string): string => join(folder, name)
const here = { threads: 0 } as const

test.each(['f64', 'f32', 'i64', 'i32', 'u32', 'u8', 'bool'] as const)('%s goes to a file and comes back', async (dtype) => {
  const x = da.arange(30_000).remainder(251).astype(dtype).reshape(3, 10_000)
  await da.save(file(`${dtype}.npy`), x, here)
  const back = await da.load(file(`${dtype}.npy`), { chunks: 1 })
  expect([back.dtype, back.shape]).toEqual([dtype, [3, 10_000]])
  expect(
    Buffer.compare(Buffer.from((await back.compute(here)).data.buffer), Buffer.from((await x.compute(here)).data.buffer)),
  ).toBe(0)
  expect((await back.get('::-1', '9990:').compute(here)).toArray()).toEqual(
    (await x.get('::-1', '9990:').compute(here)).toArray(),
  )
  expect(await back.astype('f64').mean().compute(here)).toBe(await x.astype('f64').mean().compute(here))
})

test.each(['f64', 'f32', 'i32', 'u8'] as const)(
  'reductions of a file of %s in many pieces equal those of memory',
  async (dtype) => {
    const x = da.from((await da.random([3, 300_007], { seed: 5 }).multiply(250).astype(dtype).compute()) as da.Dense)
    await da.save(file('pieces.npy'), x)
    const stored = await da.load(file('pieces.npy'))
    const tail = await da.fromfile(file('pieces.npy'), { dtype, offset: 128 + 8 * 777 })
    const inMemory = x.ravel().get(`${(8 * 777) / (dtype === 'f64' ? 8 : dtype === 'u8' ? 1 : 4)}:`)
    for (const options of [here, { threads: 2 }]) {
      for (const reduce of [(a: da.NDArray) => a.sum(), (a: da.NDArray) => a.max()]) {
        expect(await reduce(stored).compute(options)).toBe(await reduce(x).compute(options))
        expect(await reduce(tail).compute(options)).toBe(await reduce(inMemory).compute(options))
      }
      const both = (a: da.NDArray) => [a.mean({ axis: 1 }), a.std({ axis: 1 })] as const
      const [mean, deviation] = await da.compute(both(stored), options)
      const expected = await da.compute(both(x), options)
      expect([mean.toArray(), deviation.toArray()]).toEqual(expected.map((a) => a.toArray()))
    }
  },
)

test('raw files have any offset and any shape', async () => {
  const x = da.random([1_000], { seed: 1 })
  await da.tofile(file('raw'), x, here)
  const tail = await da.fromfile(file('raw'), { offset: 8 * 990, shape: [2, 5] })
  expect((await tail.compute(here)).toArray()).toEqual((await x.get('990:').reshape(2, 5).compute(here)).toArray())
  await expect(da.fromfile(file('raw'), { offset: 3 })).rejects.toThrow('not a whole number of f64 after byte 3')
  await expect(da.fromfile(file('raw'), { shape: [1_001] })).rejects.toThrow(
    /is cut off: \(1001,\) f64 needs 8\.0 kB \(8008 bytes\), and the file has 8000/,
  )
})

test('big-endian and Fortran order are read as NumPy means them', async () => {
  const header = Buffer.from("{'descr': '>i4', 'fortran_order': True, 'shape': (2, 3), }".padEnd(117) + '\n', 'latin1')
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 2, 0, 118, 0, 0, 0])
  const data = Buffer.alloc(24)
  ;[1, 4, 2, 5, 3, 6].forEach((value, i) => data.writeInt32BE(value, 4 * i))
  writeFileSync(file('fortran.npy'), Buffer.concat([start, header, data]))
  const x = await da.load(file('fortran.npy'))
  expect((await x.compute(here)).toArray()).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ])
})

test('the header is the one that NumPy writes', () => {
  // numpy.save of numpy.zeros((3, 4)): 128 bytes, "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }", padded with spaces.
  const header = Buffer.from(encodeHeader('f64', [3, 4]))
  expect(header.length).toBe(128)
  expect(header.toString('latin1', 10).trimEnd()).toBe("{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }")
  expect(header.readUInt16LE(8)).toBe(118)
})

const hostile: readonly (readonly [string, string, RegExp])[] = [
  ['object dtype', "{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", /dtype is '\|O'/],
  ['structured dtype', "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }", /cannot be understood at/],
  ['code', "{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (3,), }", /cannot be understood at/],
  ['negative length', "{'descr': '<f8', 'fortran_order': False, 'shape': (-3,), }", /cannot be understood at/],
  ['overflow', "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296), }", /shape is too large/],
  ['more than is there', "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000,), }", /is cut off/],
  ['a field twice', "{'descr': '<f8', 'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", /names `descr` twice/],
  ['a field missing', "{'descr': '<f8', 'shape': (3,), }", /has the fields descr,shape/],
  ['no dict', '[]', /not a dict/],
  ['__proto__', "{'__proto__': '<f8', 'fortran_order': False, 'shape': (3,), }", /has the fields/],
]
test.each(hostile)('a header with %s is refused', async (_, dict, message) => {
  const body = Buffer.from(`${dict}\n`)
  const length = Buffer.alloc(2)
  length.writeUInt16LE(body.length)
  writeFileSync(
    file('hostile.npy'),
    Buffer.concat([Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0]), length, body, Buffer.alloc(24)]),
  )
  await expect(da.load(file('hostile.npy'))).rejects.toThrow(message)
  await expect(da.load(file('hostile.npy'))).rejects.toMatchObject({ code: 'HEDDLE_FILE_REFUSED' })
})

test('every truncation and every changed byte of a file is read right or refused, never with another error', async () => {
  const whole = Buffer.concat([encodeHeader('f64', [2, 2]), Buffer.from(new Float64Array([1, 2, 3, 4]).buffer)])
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(file('torn.npy'), whole.subarray(0, length))
    await expect(da.load(file('torn.npy')), `${length} bytes`).rejects.toMatchObject({ code: 'HEDDLE_FILE_REFUSED' })
  }
  const codes = new Set<string>()
  fc.assert(
    fc.property(fc.nat(127), fc.nat(255), (at, byte) => {
      const damaged = Buffer.from(whole)
      damaged[at] = byte
      try {
        parseHeader(damaged, 'damaged')
        codes.add('read')
      } catch (error) {
        codes.add((error as { code: string }).code)
      }
    }),
    { numRuns: runs(500, 3_000) },
  )
  expect([...codes].sort()).toEqual(['HEDDLE_FILE_REFUSED', 'read'])
})

test('a file that shrinks while it is read gives an error that says where', async () => {
  await da.save(file('shrinking.npy'), da.ones([10_000]), here)
  const x = await da.load(file('shrinking.npy'))
  writeFileSync(file('shrinking.npy'), readFileSync(file('shrinking.npy')).subarray(0, 5_000))
  await expect(x.sum().compute(here)).rejects.toThrow(/ends at byte 5000, in the middle of the array/)
})

test('a save that fails leaves the old file, and nothing beside it', async () => {
  await da.save(file('kept.npy'), da.full([3], 7), here)
  const before = readFileSync(file('kept.npy'))
  const broken = await da.fromfile(file('raw'), {})
  rmSync(file('raw'))
  await expect(da.save(file('kept.npy'), broken.add(1), here)).rejects.toThrow('ENOENT')
  expect(readFileSync(file('kept.npy'))).toEqual(before)
  expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
})

test('a file can be saved over itself, and lengths that only the computation knows get their header', async () => {
  await da.save(file('self.npy'), da.arange(5_000), here)
  const x = await da.load(file('self.npy'))
  await da.save(file('self.npy'), x.multiply(2).get(x.greaterEqual(4_000) as da.NDArray<'bool', 'array'>), here)
  const after = await da.load(file('self.npy'))
  expect(after.shape).toEqual([1_000])
  expect(await after.min().compute(here)).toBe(8_000)
})
