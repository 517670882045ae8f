/**
 * Cuts a text into parts of a bounded number of tokens: at paragraphs where possible, then lines, sentences, words, characters.
 *
 * A real tokenizer takes longer than everything else here, so each part is guessed and then counted, once as a rule: how far it reaches is
 * estimated from the tokens per character of what was counted last. A guess that is too long is made shorter in proportion. No boundary
 * costs a count, and no piece is counted by itself.
 */
import { InvalidOption } from '../../base/errors.ts'
import { type CountTokens, estimateTokens } from '../model/tokens.ts'

/** A part of a text, and where it stands there. */
export interface TextPart {
  readonly text: string
  /** In UTF-16 units: `whole.slice(start, end) === text`. */
  readonly start: number
  readonly end: number
}

/** Options of {@link splitText}. */
export interface SplitOptions {
  /** Of each part, its overlap included. */
  readonly maxTokens: number
  /** How much of the end of a part the next one begins with again, in tokens. @default 0 */
  readonly overlap?: number
  /** Gets each character of the text about once or twice. @default an estimate, see `estimateTokens` */
  readonly countTokens?: CountTokens
}

/** From the most natural boundary to the least; each ends the piece that stands before it. */
const boundaries = [/\n\s*\n+/g, /\n/g, /(?<=[.!?。！？])\s+|(?<=[。！？])/gu, /\s+/g] as const
const sentence = 2
/** A part this full is full: filling it up would cost a count for a twentieth of a part. */
const full = 0.95
/** Guesses are a little low, because one that is too long costs a count. */
const prudence = 0.98
/** Where the tokens per character change so much that guesses fail, halving finds the end. */
const mostGuesses = 4
/** Words of ordinary texts have up to five or six. */
const mostCharactersPerToken = 8
/** How many characters the first guess is made from. */
const sampleCharacters = 1_000

/**
 * The parts of a `text`, in order. Together they cover it, and none has more than `maxTokens` (only a single character can).
 *
 * @throws {InvalidOption} when the overlap leaves no room
 * @example
 * for (const part of splitText(book, { maxTokens: 2_000, overlap: 100 })) …
 */
export function splitText(text: string, options: SplitOptions): TextPart[] {
  const { maxTokens, overlap = 0, countTokens = estimateTokens } = options
  if (overlap * 2 > maxTokens) {
    throw new InvalidOption(`Expected \`overlap\` to be at most half of \`maxTokens\`, got ${overlap} of ${maxTokens}`)
  }
  const splitter = new Splitter(text, countTokens)
  const parts: TextPart[] = []
  for (let covered = 0; covered < text.length;) {
    let start = overlap === 0 || covered === 0 ? covered : splitter.overlapStart(covered, parts.at(-1)?.start ?? 0, overlap)
    let end = splitter.endOf(start, covered, maxTokens)
    if (end === undefined) {
      // Not even a character fits behind the overlap.
      start = covered
      end = splitter.endOf(start, covered, maxTokens) ?? splitter.nextCharacter(covered)
    }
    parts.push({ text: text.slice(start, end), start, end })
    covered = end
  }
  return parts
}

/** Where a part could end, and how many tokens it would have. */
interface Reached {
  readonly end: number
  readonly tokens: number
}

class Splitter {
  readonly #text: string
  readonly #count: CountTokens
  /** Where pieces end, per boundary; found when they are first needed. */
  readonly #ends: (readonly number[] | undefined)[] = []
  #tokensPerCharacter: number
  /** The longest slice that had no more tokens than a part may have. */
  #longest = 0

  constructor(text: string, count: CountTokens) {
    this.#text = text
    this.#count = count
    const sample = text.slice(0, sampleCharacters)
    this.#tokensPerCharacter = Math.max(count(sample), 1) / Math.max(1, sample.length)
  }

  /** How far a part reaches that begins at `start` and must end behind `covered`; undefined when nothing fits. */
  endOf(start: number, covered: number, most: number): number | undefined {
    let end = covered
    for (let level = 0; level < boundaries.length; level++) {
      const further = this.#furthest(start, this.#endsOf(level), end, most)
      end = further?.end ?? end
      // A part less than half full goes on with a piece of what follows, so that a heading is not a part of its own.
      if (further && (further.tokens > most / 2 || end === this.#text.length)) return end
    }
    return end > covered ? end : this.#cutHard(start, covered, most)
  }

  /**
   * Where a part begins that repeats up to `overlap` tokens of what ends at `covered`: at a sentence, a line or a paragraph, else at a word.
   * @param after the part before began there
   */
  overlapStart(covered: number, after: number, overlap: number): number {
    const from = Math.max(after, covered - Math.ceil(overlap / this.#tokensPerCharacter) - 1)
    for (const levels of [[0, 1, sentence], [sentence + 1]]) {
      const places = levels.flatMap((level) => within(this.#endsOf(level), from, covered)).sort((a, b) => a - b)
      for (let i = 0; i < places.length; i = i * 2 + 1) {
        if (this.#tokens(places[i] as number, covered) <= overlap) return places[i] as number
      }
    }
    return covered
  }

  nextCharacter(at: number): number {
    const first = this.#text.charCodeAt(at)
    return Math.min(this.#text.length, at + (first >= 0xd800 && first <= 0xdbff ? 2 : 1))
  }

  /** The furthest of the ends behind `covered` that a part can reach, and its tokens. Interpolation search. */
  #furthest(start: number, ends: readonly number[], covered: number, most: number): Reached | undefined {
    const first = indexAfter(ends, covered)
    // A piece that is far too long need not be counted.
    if (first < ends.length && this.#estimate(start, ends[first] as number) > most * 1.5) return undefined
    let [low, high] = [first - 1, indexAfter(ends, start + this.#farthest(most))]
    let fits: Reached = { end: start, tokens: 0 }
    let tooLong: Reached | undefined
    for (let guesses = 0; low + 1 < high; guesses++) {
      // Between two counts the text is as dense as they say; behind the last one as it was before.
      const density = tooLong ? densityOf(fits, tooLong) : this.#tokensPerCharacter
      const target = fits.end + reach(most - fits.tokens, density)
      const guess = guesses < mostGuesses ? indexAfter(ends, target) - 1 : (low + high) >> 1
      const index = Math.min(high - 1, Math.max(low + 1, guess))
      const end = ends[index] as number
      const reached = { end, tokens: this.#count(this.#text.slice(start, end)) }
      // A few characters more say little.
      const from = (end - fits.end) * 2 < end - start ? { end: start, tokens: 0 } : fits
      this.#tokensPerCharacter = densityOf(from, reached)
      if (reached.tokens > most) {
        high = index
        tooLong = reached
        continue
      }
      low = index
      fits = reached
      this.#longest = Math.max(this.#longest, end - start)
      const next = ends[index + 1] ?? Number.POSITIVE_INFINITY
      if (reached.tokens >= most * full || reached.tokens + this.#estimate(end, next) > most) break
    }
    return low < first ? undefined : fits
  }

  /** No boundary is left: cuts by length, never inside a surrogate pair. */
  #cutHard(start: number, covered: number, most: number): number | undefined {
    const least = this.nextCharacter(covered)
    let end = Math.min(this.#text.length, start + Math.min(this.#reach(most), this.#farthest(most)))
    for (let guesses = 1; ; guesses++) {
      const last = this.#text.charCodeAt(end - 1)
      if (last >= 0xd800 && last <= 0xdbff && end < this.#text.length) end--
      end = Math.max(least, end)
      if (this.#tokens(start, end) <= most) {
        this.#longest = Math.max(this.#longest, end - start)
        return end
      }
      if (end === least) return undefined
      end = Math.min(start + this.#reach(most), guesses < mostGuesses ? end - 1 : (covered + end) >> 1)
    }
  }

  /** Nothing longer is counted: a run of blanks that is one token would have the rest of the text counted for every part. */
  #farthest(most: number): number {
    return Math.max(most * mostCharactersPerToken, this.#longest * 4)
  }

  #reach(tokens: number): number {
    return reach(tokens, this.#tokensPerCharacter)
  }

  #estimate(start: number, end: number): number {
    return (end - start) * this.#tokensPerCharacter
  }

  #tokens(start: number, end: number): number {
    const tokens = this.#count(this.#text.slice(start, end))
    this.#tokensPerCharacter = densityOf({ end: start, tokens: 0 }, { end, tokens })
    return tokens
  }

  #endsOf(level: number): readonly number[] {
    const known = this.#ends[level]
    if (known) return known
    const ends: number[] = []
    for (const match of this.#text.matchAll(boundaries[level] as RegExp)) {
      const end = match.index + match[0].length
      if (end > 0 && end < this.#text.length) ends.push(end)
    }
    ends.push(this.#text.length)
    this.#ends[level] = ends
    return ends
  }
}

/** Tokens per character between two places; never 0. */
function densityOf(from: Reached, to: Reached): number {
  return Math.max(to.tokens - from.tokens, 0.001) / Math.max(1, to.end - from.end)
}

/** How many characters the given number of tokens probably takes. */
function reach(tokens: number, density: number): number {
  return Math.max(1, Math.floor((tokens * prudence) / density))
}

/** The index of the first place behind `at`. */
function indexAfter(places: readonly number[], at: number): number {
  let [low, high] = [0, places.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((places[middle] as number) > at) high = middle
    else low = middle + 1
  }
  return low
}

/** The places behind `from` and before `to`. */
function within(places: readonly number[], from: number, to: number): readonly number[] {
  return places.slice(indexAfter(places, from), indexAfter(places, to - 1))
}
