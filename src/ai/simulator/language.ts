/** A little language sense for a model that is none: sentences, names, key words, mood. */

const positive = new Set(
  'good great excellent happy love loved wonderful fast clear helpful success succeeded win improved reliable pleased thanks best'.split(
    ' ',
  ),
)
const negative = new Set(
  'bad poor terrible sad hate hated awful slow unclear broken fail failed failure loss worse worst angry late refund problem bug'.split(
    ' ',
  ),
)
const plain = new Set(
  'a an and are as at be been but by can did do for from had has have he her his how i if in into is it its me my no not of on or our she so than that the their them then there these they this those to up us was we were what when where which who why will with would you your'.split(
    ' ',
  ),
)

export function sentencesOf(text: string): string[] {
  return text
    .split(/(?<=[.!?])\s+|\n+/)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '')
}

export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? []
}

export function sentimentOf(text: string): 'positive' | 'negative' | 'neutral' {
  let score = 0
  for (const word of wordsOf(text)) score += positive.has(word) ? 1 : negative.has(word) ? -1 : 0
  return score > 0 ? 'positive' : score < 0 ? 'negative' : 'neutral'
}

/** Runs of capitalised words that do not merely open a sentence, in order of first appearance. */
export function entitiesOf(text: string): string[] {
  const found = text.matchAll(/(?<![.!?]\s|^|\n)\b\p{Lu}[\p{L}\p{N}]+(?:\s+\p{Lu}[\p{L}\p{N}]+)*/gu)
  return [...new Set([...found].map((match) => match[0]))]
}

/** The words that are used most, the longest first among equals. */
export function keywordsOf(text: string): string[] {
  const counts = new Map<string, number>()
  for (const word of wordsOf(text)) if (word.length > 3 && !plain.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1)
  return [...counts]
    .sort((a, b) => b[1] - a[1] || b[0].length - a[0].length)
    .slice(0, 8)
    .map(([word]) => word)
}
