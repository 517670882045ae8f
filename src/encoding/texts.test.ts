import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isWide, packTexts, unpackTexts } from './texts.js'
import { runs } from '../../test/support/runs.ts'

/** Pieces of one text in which a single character needs two bytes. */
const pieces = (count: number, length: number): string[] => {
  const text = `’${'heddle '.repeat(Math.ceil((count * length) / 7) + 1)}`
  return Array.from({ length: count }, (_, i) => text.slice(1 + i * length, 1 + (i + 1) * length))
}
const roundTrip = (texts: readonly string[]): string[] =>
  unpackTexts(structuredClone(packTexts(texts) ?? expect.fail('not packed')))

describe('long texts', () => {
  test('that are kept with two bytes per character come out with one where that will do', () => {
    const texts = [...pieces(10, 4_000), `’${'x'.repeat(4_000)}`]
    expect(texts.map(isWide)).toEqual(texts.map(() => true))
    const back = roundTrip(texts)
    expect(back).toEqual(texts)
    expect(back.map(isWide)).toEqual(texts.map((_, i) => i === 10))
  })

  test('come out as they were, whatever is in them', () => {
    const piece = fc.string({
      unit: fc.oneof(fc.constantFrom('\0', '\ud800', '\udc00', 'é', 'ÿ', 'Ā', '😀'), fc.string({ unit: 'binary' })),
      maxLength: 50,
    })
    const filler = pieces(10, 4_000)
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (some) => {
        // What is looked at is the first, the one in the middle and the last.
        const texts = [...filler, ...some]
        expect(roundTrip(texts)).toEqual(texts)
      }),
      { numRuns: runs(60, 400) },
    )
  })

  test('may be parts that have not been put together yet', () => {
    const texts = pieces(10, 4_000).map((piece, i) => piece + (i % 2 === 0 ? '“' : '') + piece)
    expect(roundTrip(texts)).toEqual(texts)
  })

  test('are left alone where a clone does as well', () => {
    expect(packTexts(pieces(10, 4_000).map((piece) => Buffer.from(piece, 'latin1').toString('latin1')))).toBeUndefined()
    expect(packTexts(pieces(3, 4_000))).toBeUndefined()
    expect(packTexts(pieces(1_000, 100))).toBeUndefined()
    expect(packTexts([])).toBeUndefined()
    expect(packTexts([...pieces(10, 4_000), 7])).toBeUndefined()
    expect(packTexts(Array.from({ length: 20 }, () => '’'.repeat(1_000_000)))).toBeUndefined()
  })
})
