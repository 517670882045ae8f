/**
 * How many tokens a text has, without a tokenizer: an estimate for reservations, splitting and simulation.
 *
 * The rule of thumb of the providers is four characters of English per token; the scripts without spaces between words (Chinese,
 * Japanese, Korean …) come close to one token per character. Pass a real tokenizer where a figure must be exact.
 */

/** Gives the number of tokens of a text. */
export type CountTokens = (text: string) => number

const charactersPerToken = 4

/** Characters that are about a token each: CJK, kana, hangul, emoji, and everything outside the first plane. */
const dense = /[\u2E80-\u9FFF\uAC00-\uD7AF\uF900-\uFAFF\uFF00-\uFFEF]|[\uD800-\uDBFF][\uDC00-\uDFFF]/g

/** An estimate of the tokens of a `text`; 0 only for the empty text. O(length). Never throws. */
export function estimateTokens(text: string): number {
  if (text === '') return 0
  // Most texts have no such character at all, and the search for the first is fast.
  const first = text.search(dense)
  if (first === -1) return Math.ceil(text.length / charactersPerToken)
  let count = 0
  let units = 0
  for (const match of text.matchAll(dense)) {
    count++
    units += match[0].length
  }
  return Math.ceil((text.length - units) / charactersPerToken) + count
}
