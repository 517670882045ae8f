import { crc32 as zlibCrc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32, crc32OfTables } from './crc32.ts'

test('Node takes its own', () => {
  expect(crc32).toBe(zlibCrc32)
})

test('the tables say the same as zlib, wherever the bytes lie', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(9), (bytes, skipped) => {
      const piece = bytes.subarray(skipped)
      expect(crc32OfTables(piece)).toBe(zlibCrc32(piece))
    }),
  )
})
