// @ts-check
/**
 * Long texts that V8 keeps with two bytes per character.
 *
 * Every piece of a text with a single curly quote in it has two bytes per character, also where the piece itself would do with one;
 * a clone keeps them. Passed on as their characters, pieces that would do come out with one: half the memory, and functions that
 * search or change them take about two thirds of the time (measured on passages of Markdown, `npm run bench -- workers-text`).
 *
 * @typedef {import('./encoded.ts').PackedTexts} PackedTexts
 */
import { lazily } from '../base/builtin.js'

const v8 = lazily('node:v8')

/** Packing costs two calls per text, a clone of a shorter one less. */
const shortestMean = 256
/** For less than this, looking at how it is kept would be felt. */
const fewestUnits = 16_384
/** More is not worth a second copy that is there all at once. */
const mostUnits = 16_777_216

/**
 * Undefined where a clone does as well, or where something is not text.
 * @param {ArrayLike<unknown>} values
 * @returns {PackedTexts | undefined}
 */
export function packTexts(values) {
  const { length } = values
  let total = 0
  for (let i = 0; i < length; i++) {
    const value = values[i]
    if (typeof value !== 'string') return undefined
    total += value.length
  }
  if (total < fewestUnits || total > mostUnits || total < length * shortestMean) return undefined
  const texts = /** @type {ArrayLike<string>} */ (values)
  // One batch is mostly of one kind.
  if (![0, length >> 1, length - 1].some((at) => isWide(/** @type {string} */ (texts[at])))) return undefined
  const units = new Uint16Array(total)
  const bytes = Buffer.from(units.buffer)
  const ends = new Uint32Array(length)
  let end = 0
  for (let i = 0; i < length; i++) {
    end += bytes.write(/** @type {string} */ (texts[i]), 2 * end, 'utf16le') / 2
    ends[i] = end
  }
  return { units, ends }
}

/** @param {ArrayLike<unknown> | PackedTexts | import('./encoded.ts').PackedValues} items of a message @returns {items is PackedTexts} */
export function isPacked(items) {
  return 'units' in items
}

/** @param {PackedTexts} packed @returns {string[]} */
export function unpackTexts({ units, ends }) {
  const bytes = Buffer.from(units.buffer, units.byteOffset, units.byteLength)
  /** @type {string[]} */
  const texts = []
  let from = 0
  for (const end of ends) {
    texts.push(bytes.toString('utf16le', 2 * from, 2 * end))
    from = end
  }
  return texts
}

/**
 * Is a text kept with two bytes per character? Nothing says so, but its serialized form has as many.
 * @param {string} text
 */
export function isWide(text) {
  const piece = text.slice(0, 64)
  return v8().serialize(piece).length >= 2 * piece.length && piece.length > 16
}
