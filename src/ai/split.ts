/** Cuts a text into parts of a bounded number of tokens: at paragraphs where possible, then lines, sentences, words, characters. */
import { InvalidOption } from '../base/errors.ts'
import { type CountTokens, estimateTokens } from './tokens.ts'

/** A part of a text, and where it stands there. */
export interface TextPart {
  readonly text: string
  /** In UTF-16 units: `whole.slice(start, end) === text`. */
  readonly start: number
  readonly end: number
}

export interface SplitOptions {
  /** Of each part, its overlap included. */
  readonly maxTokens: number
  /** How much of the end of a part the next one begins with again, in tokens. @default 0 */
  readonly overlap?: number
  /** @default an estimate, see `estimateTokens` */
  readonly countTokens?: CountTokens
}

/** From the most natural boundary to the least; each ends the piece that stands before it. */
const boundaries = [/\n\s*\n+/g, /\n/g, /(?<=[.!?。！？])\s+|(?<=[。！？])/gu, /\s+/g] as const

/**
 * The parts of a text, in order. Together they cover it, and none has more than `maxTokens`.
 * @throws {InvalidOption} when the overlap leaves no room
 */
export function splitText(text: string, options: SplitOptions): TextPart[] {
  const { maxTokens, overlap = 0, countTokens = estimateTokens } = options
  if (overlap * 2 > maxTokens) {
    throw new InvalidOption(`Expected \`overlap\` to be at most half of \`maxTokens\`, got ${overlap} of ${maxTokens}`)
  }
  const pieces: TextPart[] = []
  cut(text, 0, 0, maxTokens - overlap, countTokens, pieces)
  const parts: TextPart[] = []
  for (let first = 0; first < pieces.length;) {
    const start =
      parts.length === 0 || overlap === 0
        ? (pieces[first] as TextPart).start
        : overlapStart(text, pieces, first, overlap, countTokens)
    let last = first
    // Take as many pieces as fit; the first always does.
    while (last + 1 < pieces.length && countTokens(text.slice(start, (pieces[last + 1] as TextPart).end)) <= maxTokens) last++
    const { end } = pieces[last] as TextPart
    parts.push({ text: text.slice(start, end), start, end })
    first = last + 1
  }
  return parts
}

/** Adds pieces of at most `most` tokens that cover the text, cut at the boundary of that level or finer ones. */
function cut(text: string, offset: number, level: number, most: number, count: CountTokens, out: TextPart[]): void {
  if (text === '') return
  if (count(text) <= most) {
    out.push({ text, start: offset, end: offset + text.length })
    return
  }
  const boundary = boundaries[level]
  if (!boundary) return cutHard(text, offset, most, count, out)
  let from = 0
  const ends = [...text.matchAll(boundary)].map((match) => (match.index as number) + match[0].length)
  for (const end of [...ends, text.length]) {
    if (end > from) cut(text.slice(from, end), offset + from, level + 1, most, count, out)
    from = end
  }
}

/** No boundary is left: cuts by length, never inside a surrogate pair. */
function cutHard(text: string, offset: number, most: number, count: CountTokens, out: TextPart[]): void {
  for (let from = 0; from < text.length;) {
    let length = text.length - from
    while (length > 1 && count(text.slice(from, from + length)) > most) length = Math.ceil(length / 2)
    const last = text.charCodeAt(from + length - 1)
    if (last >= 0xd800 && last <= 0xdbff && from + length < text.length) length += length > 1 ? -1 : 1
    out.push({ text: text.slice(from, from + length), start: offset + from, end: offset + from + length })
    from += length
  }
}

/** Where a part begins that repeats up to `overlap` tokens of the one before: at a piece, else at a sentence, else at a word. */
function overlapStart(text: string, pieces: readonly TextPart[], first: number, overlap: number, count: CountTokens): number {
  const { start } = pieces[first] as TextPart
  let at = start
  for (let i = first - 1; i >= 0 && count(text.slice((pieces[i] as TextPart).start, start)) <= overlap; i--)
    at = (pieces[i] as TextPart).start
  if (at < start) return at
  const before = pieces[first - 1] as TextPart
  for (const boundary of [boundaries[2], boundaries[3]]) {
    for (const match of before.text.matchAll(boundary)) {
      const begin = before.start + match.index + match[0].length
      if (begin < start && count(text.slice(begin, start)) <= overlap) return begin
    }
  }
  return start
}
