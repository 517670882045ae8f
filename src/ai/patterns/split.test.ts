import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { InvalidOption } from '../../base/errors.ts'
import { splitText } from './split.ts'
import { estimateTokens } from '../model/tokens.ts'
import { runs } from '../../../test/support/runs.ts'

test('parts cover the text, and none has more than maxTokens', () => {
  const words = fc.array(fc.constantFrom('word', 'another', '. ', '\n\n', '\n', ' ', '漢字', '😀', 'x'.repeat(60)), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(words, fc.integer({ min: 2, max: 40 }), fc.boolean(), (list, maxTokens, overlapping) => {
      const text = list.join(' ')
      const overlap = overlapping ? Math.floor(maxTokens / 3) : 0
      const parts = splitText(text, { maxTokens, overlap })
      let end = 0
      for (const part of parts) {
        expect(estimateTokens(part.text)).toBeLessThanOrEqual(maxTokens)
        expect(text.slice(part.start, part.end)).toBe(part.text)
        expect(part.start).toBeLessThanOrEqual(end)
        expect(part.end).toBeGreaterThan(end)
        end = part.end
      }
      expect(end).toBe(text.length)
    }),
  )
})

test('cuts at paragraphs where it can', () => {
  const text = 'First paragraph here.\n\nSecond one. With two sentences.\n\nThird.'
  expect(splitText(text, { maxTokens: 9 }).map((part) => part.text.trim())).toEqual(text.split('\n\n'))
  const [first, second] = splitText('One two three. Four five six.', { maxTokens: 5, overlap: 2 })
  expect(first?.end).toBeGreaterThan(second?.start as number)
  expect(() => splitText('x', { maxTokens: 10, overlap: 6 })).toThrow(InvalidOption)
})

/** Counts as a byte pair encoding does, roughly: words by fours, all else by itself. */
const likeATokenizer = (text: string): number => text.match(/\p{L}{1,4}|\s+|./gsu)?.length ?? 0

const words = 'the loom weaves a fabric of many threads, and nobody knows internationalization 2026 (or: 漢字 😀) until'.split(
  ' ',
)
const drawn = (n: number, between: (i: number) => string): string => {
  let text = ''
  for (let i = 0, x = 1; text.length < n; i++) {
    x = (x * 48_271) % 2_147_483_647
    text += (words[x % words.length] as string) + between(x)
  }
  return text.slice(0, n)
}

test('each character is counted about once or twice, and each part is well filled', () => {
  const size = runs(60_000, 300_000)
  const texts = {
    prose: drawn(size, (x) => (x % 90 === 0 ? '.\n\n' : x % 12 === 0 ? '. ' : ' ')),
    'one line': drawn(size, (x) => (x % 12 === 0 ? '. ' : ' ')),
    'one sentence': drawn(size, () => ' '),
    'no blanks': drawn(size, () => ''),
    // A third of it is one token: what was learned there says nothing about the rest.
    'blanks first': ' '.repeat(size / 3) + drawn((size / 3) * 2, () => ' '),
    'very short lines': drawn(size, () => '\n'),
  }
  for (const [kind, text] of Object.entries(texts)) {
    for (const [maxTokens, overlap] of [
      [100, 0],
      [1_000, 0],
      [8_000, 0],
      [1_000, 100],
    ] as const) {
      let [calls, characters] = [0, 0]
      const countTokens = (part: string): number => {
        calls++
        characters += part.length
        return likeATokenizer(part)
      }
      const parts = splitText(text, { maxTokens, overlap, countTokens })
      const [sent, filled] = [
        parts.reduce((sum, part) => sum + part.text.length, 0),
        parts.slice(0, -1).map((part) => likeATokenizer(part.text)),
      ]
      const mean = filled.reduce((sum, tokens) => sum + tokens, 0) / Math.max(1, filled.length) / maxTokens
      expect({ kind, maxTokens, overlap, characters: characters / sent, calls: calls / parts.length, mean }).toSatisfy(
        (seen: { characters: number; calls: number; mean: number }) =>
          seen.characters < (kind === 'blanks first' ? 4 : 2.2) && seen.calls < (overlap ? 4 : 3.5) && seen.mean > 0.75,
      )
      for (const part of parts) expect(likeATokenizer(part.text)).toBeLessThanOrEqual(maxTokens)
    }
  }
})

test('a counter that nothing can be learned from still ends, in a bounded number of counts', () => {
  for (const countTokens of [() => 0, () => 1, () => 7, (text: string) => text.length % 13, (text: string) => text.length ** 2]) {
    let calls = 0
    const parts = splitText(
      drawn(5_000, (x) => (x % 9 === 0 ? '.\n\n' : ' ')),
      {
        maxTokens: 6,
        overlap: 3,
        countTokens: (text) => {
          calls++
          return countTokens(text)
        },
      },
    )
    expect(parts.at(-1)?.end).toBe(5_000)
    expect(calls).toBeLessThan(parts.length * 120)
  }
})
