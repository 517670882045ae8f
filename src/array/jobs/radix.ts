/**
 * The order of elements by a stable radix sort (least significant digit first): the keys are whole numbers of 32 or 64 bits without a sign that are
 * in the order of the elements; NaN comes last, and −0 equals 0.
 */
import { bytesPer, type DType, isUnsigned, type TypedArray } from '../expression/dtype.ts'

/** Digits of 16 bits take 65,536 counters, which is too much for short rows. */
const longRow = 1 << 15
const insertionLength = 24

/** Scratch for the longest row so far on this thread. */
let scratch = { length: 0, keys: new Uint32Array(0), others: new Uint32Array(0) }

/**
 * Writes the indices that sort the elements into `result`; those of equal elements ascend.
 * @param elements f16 must have become f32 before
 */
export function ordered(dtype: DType, elements: TypedArray, result: Float64Array): void {
  const { length } = elements
  // Upper words, lower words, indices: of 4 bytes each.
  if (scratch.length < length) scratch = { length, keys: new Uint32Array(3 * length), others: new Uint32Array(3 * length) }
  const words = bytesPer(dtype) === 8 ? 2 : 1
  let [from, to] = [columns(scratch.keys, length), columns(scratch.others, length)]
  writeKeys(dtype, elements, from)
  if (length <= insertionLength) insertion(from)
  else {
    const bits = length >= longRow ? 16 : 8
    for (let digit = 0; digit * bits < 32 * words; digit++) {
      const shift = (digit * bits) % 32
      if (passed(from, to, digit * bits < 32 && words === 2 ? 'lower' : 'upper', shift, bits, words)) [from, to] = [to, from]
    }
  }
  for (let i = 0; i < length; i++) result[i] = from.index[i] as number
}

interface Columns {
  readonly upper: Uint32Array
  readonly lower: Uint32Array
  readonly index: Uint32Array
}

const columns = (words: Uint32Array, length: number): Columns => ({
  upper: words.subarray(0, length),
  lower: words.subarray(length, 2 * length),
  index: words.subarray(2 * length, 3 * length),
})

function writeKeys(dtype: DType, elements: TypedArray, { upper, lower, index }: Columns): void {
  const { length } = elements
  for (let i = 0; i < length; i++) index[i] = i
  if (bytesPer(dtype) < 8) lower.fill(0)
  if (dtype === 'f64' || dtype === 'f32') return writeFloatKeys(dtype, elements as Float64Array, upper, lower)
  if (bytesPer(dtype) === 8) {
    const words = new Uint32Array(elements.buffer, elements.byteOffset, 2 * length)
    const turn = dtype === 'i64' ? 0x8000_0000 : 0
    for (let i = 0; i < length; i++) {
      upper[i] = (words[2 * i + 1] as number) ^ turn
      lower[i] = words[2 * i] as number
    }
    return
  }
  const turn = isUnsigned(dtype) || dtype === 'bool' ? 0 : 0x8000_0000
  for (let i = 0; i < length; i++) upper[i] = (elements[i] as number) ^ turn
}

/** Bits of floats order as those of whole numbers with sign and size do. */
function writeFloatKeys(dtype: 'f64' | 'f32', values: Float64Array, upper: Uint32Array, lower: Uint32Array): void {
  const width = dtype === 'f64' ? 2 : 1
  const words = new Int32Array(values.buffer, values.byteOffset, width * values.length)
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number
    if (value === 0) {
      upper[i] = 0x8000_0000
      lower[i] = 0
    } else if (value !== value) {
      upper[i] = 0xffff_ffff
      lower[i] = 0xffff_ffff
    } else {
      const high = words[width * i + width - 1] as number
      const mask = high >> 31
      upper[i] = high ^ (mask | 0x8000_0000)
      if (width === 2) lower[i] = (words[2 * i] as number) ^ mask
    }
  }
}

function insertion({ upper, lower, index }: Columns): void {
  for (let i = 1; i < upper.length; i++) {
    const [high, low, own] = [upper[i] as number, lower[i] as number, index[i] as number]
    let at = i - 1
    for (; at >= 0; at--) {
      const there = upper[at] as number
      if (there < high || (there === high && (lower[at] as number) <= low)) break
      upper[at + 1] = there
      lower[at + 1] = lower[at] as number
      index[at + 1] = index[at] as number
    }
    upper[at + 1] = high
    lower[at + 1] = low
    index[at + 1] = own
  }
}

const counters = new Uint32Array(1 << 16)

/** One pass over a digit. @returns whether it moved anything: a digit that all have in common does not */
function passed(from: Columns, to: Columns, word: 'upper' | 'lower', shift: number, bits: number, words: number): boolean {
  const { length } = from.upper
  const mask = 2 ** bits - 1
  const key = from[word]
  const counts = counters.subarray(0, mask + 1).fill(0)
  for (let i = 0; i < length; i++) {
    const digit = ((key[i] as number) >>> shift) & mask
    counts[digit] = (counts[digit] as number) + 1
  }
  if (counts[((key[0] as number) >>> shift) & mask] === length) return false
  for (let digit = 0, at = 0; digit <= mask; digit++) {
    const count = counts[digit] as number
    counts[digit] = at
    at += count
  }
  for (let i = 0; i < length; i++) {
    const digit = ((key[i] as number) >>> shift) & mask
    const at = counts[digit] as number
    counts[digit] = at + 1
    to.upper[at] = from.upper[i] as number
    if (words === 2) to.lower[at] = from.lower[i] as number
    to.index[at] = from.index[i] as number
  }
  return true
}

/** Below this the sort of the language is quicker. */
const shortDoubles = 2_048
const digitBits = 11
const digits = 6

/** Sorts doubles in place; NaN comes last, and −0 before 0. */
export function sortDoubles(values: Float64Array): void {
  const { length } = values
  if (length < shortDoubles || values[0] !== values[0]) {
    values.sort()
    return
  }
  if (scratch.length < length) scratch = { length, keys: new Uint32Array(3 * length), others: new Uint32Array(3 * length) }
  const own = new Uint32Array(values.buffer, values.byteOffset, 2 * length)
  let from = scratch.keys.subarray(0, 2 * length)
  let to = scratch.others.subarray(0, 2 * length)
  const counts = countDigits(own, from)
  for (let digit = 0; digit < digits; digit++) {
    const count = counts.subarray(digit << digitBits, (digit + 1) << digitBits)
    if (count[digitOf(digit, from[0] as number, from[1] as number)] === length) continue
    for (let value = 0, at = 0; value < count.length; value++) {
      const here = count[value] as number
      count[value] = at
      at += here
    }
    moveByDigit(digit, from, to, count)
    ;[from, to] = [to, from]
  }
  for (let i = 0; i < 2 * length; i += 2) {
    const high = from[i + 1] as number
    const mask = high >>> 31 ? 0 : 0xffff_ffff
    own[i] = (from[i] as number) ^ mask
    own[i + 1] = high ^ (mask | 0x8000_0000)
  }
}

/** The keys of doubles, and how often each digit is there. A NaN's sign is left out, so that it comes last. */
function countDigits(words: Uint32Array, keys: Uint32Array): Uint32Array {
  const counts = new Uint32Array(digits << digitBits)
  for (let i = 0; i < words.length; i += 2) {
    let [low, high] = [words[i] as number, words[i + 1] as number]
    const size = high & 0x7fff_ffff
    if (size > 0x7ff0_0000 || (size === 0x7ff0_0000 && low !== 0)) high = size
    const mask = high >> 31
    low = (low ^ mask) >>> 0
    high = (high ^ (mask | 0x8000_0000)) >>> 0
    keys[i] = low
    keys[i + 1] = high
    for (let digit = 0; digit < digits; digit++) {
      const at = (digit << digitBits) + digitOf(digit, low, high)
      counts[at] = (counts[at] as number) + 1
    }
  }
  return counts
}

/** Eleven bits of a key; the last digit has nine. */
function digitOf(digit: number, low: number, high: number): number {
  switch (digit) {
    case 0:
      return low & 2_047
    case 1:
      return (low >>> 11) & 2_047
    case 2:
      return ((low >>> 22) | (high << 10)) & 2_047
    case 3:
      return (high >>> 1) & 2_047
    case 4:
      return (high >>> 12) & 2_047
    default:
      return high >>> 23
  }
}

function moveByDigit(digit: number, from: Uint32Array, to: Uint32Array, next: Uint32Array): void {
  for (let i = 0; i < from.length; i += 2) {
    const [low, high] = [from[i] as number, from[i + 1] as number]
    const value = digitOf(digit, low, high)
    const at = next[value] as number
    next[value] = at + 1
    to[2 * at] = low
    to[2 * at + 1] = high
  }
}
