/** Archives that NumPy has written are read, and NumPy reads those that are written here; what is damaged is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { FileRefused } from '../../base/errors.ts'
import { hasNumpy, runNumpy } from '../../../test/support/numpy.ts'
import { runs } from '../../../test/support/runs.ts'
import * as da from '../index.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-npz-'))
afterAll(() => rmSync(folder, { recursive: true }))
const installed = hasNumpy()
const here = { threads: 0 } as const

const dtypes = ['f8', 'f4', 'f2', 'i8', 'i4', 'i2', 'i1', 'u8', 'u4', 'u2', 'u1', '?'] as const

test.skipIf(!installed)('NumPy’s archives, compressed and not, of every dtype, in both orders and both byte orders', async () => {
  const script = `
import numpy as np
base = ${JSON.stringify(folder)}
arrays = {"a_" + d.replace("?", "bool"): (np.arange(12) % 5).astype(d).reshape(3, 4) for d in ${JSON.stringify(dtypes)}}
arrays["fortran"] = np.asfortranarray(np.arange(6.0).reshape(2, 3))
arrays["big"] = np.arange(5).astype(">i2")
arrays["none"] = np.zeros((0, 3))
arrays["one"] = np.array(7.5)
np.savez(base + "/plain.npz", **arrays)
np.savez_compressed(base + "/packed.npz", **arrays)
print("done")
`
  runNumpy(script, '')
  for (const name of ['plain', 'packed']) {
    const arrays = await da.loadNpz(join(folder, `${name}.npz`))
    expect(Object.keys(arrays)).toHaveLength(dtypes.length + 4)
    for (const dtype of dtypes) {
      const found = await (arrays[`a_${dtype.replace('?', 'bool')}`] as da.NDArray<da.DType, 'array'>).astype('f64').compute(here)
      const expected = Array.from({ length: 12 }, (_, i) => (dtype === '?' ? Number(i % 5 !== 0) : i % 5))
      expect([dtype, found.shape, [...found.data]]).toEqual([dtype, [3, 4], expected])
    }
    const values = async (key: string): Promise<unknown> => {
      const result = await (arrays[key] as da.NDArray).compute(here)
      return result instanceof da.Dense ? result.toArray() : result
    }
    expect(await values('fortran')).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ])
    expect(await values('big')).toEqual([0, 1, 2, 3, 4])
    expect([await values('none'), await values('one')]).toEqual([[], 7.5])
  }
})

test.skipIf(!installed)('NumPy reads what is written here', async () => {
  const path = join(folder, 'written.npz')
  const x = da.arange(10_000)
  await da.saveNpz(path, { x, half: x.get(':3').astype('f16'), kept: x.get(x.greater(9_997)), one: x.sum() }, here)
  const script = `
import numpy as np, zipfile
print(zipfile.ZipFile(${JSON.stringify(path)}).testzip())
with np.load(${JSON.stringify(path)}) as z:
    print(sorted(z.files), z["x"].sum(), z["half"].dtype, z["half"].tolist(), z["kept"].tolist(), z["one"])
`
  expect(runNumpy(script, '')).toEqual([
    'None',
    "['half', 'kept', 'one', 'x'] 49995000.0 float16 [0.0, 1.0, 2.0] [9998.0, 9999.0] 49995000.0",
  ])
  const again = await da.loadNpz(path)
  expect(await (again['x'] as da.NDArray).sum().compute(here)).toBe(49_995_000)
})

test('a damaged archive is read or refused, never anything else', async () => {
  const path = join(folder, 'whole.npz')
  await da.saveNpz(path, { a: da.arange(3), b: da.from([true, false]) }, here)
  const whole = readFileSync(path)
  const damaged = join(folder, 'damaged.npz')
  const others: unknown[] = []
  const tryIt = async (bytes: Uint8Array): Promise<void> => {
    writeFileSync(damaged, bytes)
    try {
      for (const array of Object.values(await da.loadNpz(damaged))) await array.compute(here)
    } catch (error) {
      if (!(error instanceof FileRefused)) others.push(error)
    }
  }
  for (let length = 0; length < whole.length; length += 7) await tryIt(whole.subarray(0, length))
  for (let at = 0; at < whole.length; at++) {
    // Each byte in one way after every change, in both ways in the long run.
    for (const bits of runs(1, 2) === 2 ? [0xff, 0x01] : [at % 2 ? 0xff : 0x01]) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] as number) ^ bits
      await tryIt(changed)
    }
  }
  expect(others).toEqual([])
  await expect(da.loadNpz(join(folder, 'missing.npz'))).rejects.toThrow(/ENOENT|no such file/)
  await expect(da.saveNpz(path, [] as never)).rejects.toThrow('Expected saveNpz to get a record of arrays')
})
