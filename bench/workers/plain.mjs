/** The same functions for every pool. */

export function double(/** @type {number} */ x) {
  return x * 2
}

/** Keeps the processor busy: about 1.3 ns per step. */
export function spin(/** @type {number} */ steps) {
  let x = steps | 0
  for (let i = 0; i < steps; i++) x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0
  return x
}

/** Tokenises a passage, and counts its words and how many of them are different. */
export function countWords(/** @type {string} */ text) {
  const seen = new Map()
  let words = 0
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []) {
    seen.set(word, (seen.get(word) ?? 0) + 1)
    words++
  }
  return words * 1_000 + (seen.size % 1_000)
}
