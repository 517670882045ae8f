import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32 } from 'node:zlib'
import { checksumOf } from './checksum.ts'
import { nothing } from './format.ts'
import { RecordIndex } from './record-index.ts'
import { runs } from '../../test/support/runs.ts'

test('agree with a map, whatever the keys', () => {
  const record = fc.record({ key: fc.string({ unit: 'binary', maxLength: 6 }), value: fc.option(fc.string({ maxLength: 9 })) })
  fc.assert(
    fc.property(fc.array(fc.array(record, { maxLength: 40 }), { maxLength: 8 }), (pieces) => {
      const [records, model] = [new RecordIndex(), new Map<string, string | undefined>()]
      for (const piece of pieces) {
        const texts = piece.map(({ key, value }) => [Buffer.from(key), Buffer.from(value ?? '')] as const)
        const bytes = Buffer.concat(texts.flat())
        let at = 0
        for (const [i, [key, value]] of texts.entries()) {
          const behind = at + key.length
          const none = piece[i]?.value === null
          records.add(bytes, at, behind, none ? nothing : behind, behind + value.length)
          model.set(key.toString(), none ? undefined : value.toString())
          at = behind + value.length
        }
      }
      expect(records.size).toBe(model.size)
      for (const [key, value] of model) expect([records.has(key), text(records.get(key))]).toEqual([true, value])
      expect(new Map([...records].map(([key, value]) => [key, text(value)]))).toEqual(model)
      expect(records.has('another one')).toBe(false)
    }),
    { numRuns: runs(30, 300) },
  )
})

test('are found when there are many, and some are there twice', () => {
  const records = new RecordIndex()
  const bytes = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `${i % 15_000}`.padStart(8, '0')).join(''))
  for (let at = 0; at < bytes.length; at += 8) records.add(bytes, at, at + 8, at, at + 8)
  expect(records.size).toBe(15_000)
  for (let i = 0; i < 15_000; i++) expect(text(records.get(`${i}`.padStart(8, '0')))).toBe(`${i}`.padStart(8, '0'))
  expect([...records.keys()]).toHaveLength(15_000)
})

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString()
}

test('the checksum is that of zlib, for every length', () => {
  const bytes = Uint8Array.from({ length: 1_200 }, (_, i) => (i * 31 + (i >> 3)) & 255)
  for (let end = 1; end < bytes.length; end++) expect(checksumOf(bytes, 1, end)).toBe(crc32(bytes.subarray(1, end)))
})
