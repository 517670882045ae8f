/**
 * What an item probably counts for, before its replica has counted. The tokenizer is in the replica, which may be at work; so the queue goes by the
 * length of the texts in an item and by what items of that length have counted for lately. The replica counts exactly and holds the bounds of a batch.
 */

/** Of English text: four characters to a token. Replaced by what is measured. */
const firstTokensPerByte = 0.25
/** About as many of the latest items as decide; chosen. */
const memory = 200
/** Deeper, or of more parts, nothing is looked at: an item from outside must not hold the thread. */
const mostParts = 10_000

export class TokenEstimate {
  /** The model counts nothing: each item is 1. */
  readonly #counted: boolean
  #tokens = firstTokensPerByte
  #bytes = 1
  #seen = 0

  constructor(counted: boolean) {
    this.#counted = counted
  }

  /** A whole number from 1 up. */
  of(item: unknown): number {
    if (!this.#counted) return 1
    return Math.max(1, Math.ceil((textBytes(item) * this.#tokens) / this.#bytes))
  }

  /** That is what the item counted for. */
  learn(item: unknown, tokens: number): void {
    if (!this.#counted) return
    const bytes = textBytes(item)
    if (bytes === 0) return
    // The guess of the beginning is worth nothing beside a measurement.
    const keep = this.#seen++ === 0 ? 0 : 1 - 1 / memory
    this.#tokens = this.#tokens * keep + tokens
    this.#bytes = this.#bytes * keep + bytes
  }
}

/** Bytes of all texts in a value, as UTF-8: closer to tokens than characters are, where a character is a word. */
export function textBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value)
  if (typeof value !== 'object' || value === null) return 1
  if (ArrayBuffer.isView(value)) return value.byteLength
  let bytes = 0
  let parts = 0
  const open: unknown[] = [value]
  while (open.length > 0 && parts < mostParts) {
    const next = open.pop()
    parts++
    if (typeof next === 'string') bytes += Buffer.byteLength(next)
    else if (ArrayBuffer.isView(next)) bytes += next.byteLength
    else if (typeof next === 'object' && next !== null) {
      for (const part of Object.values(next)) if (open.push(part) > mostParts) break
    } else bytes++
  }
  return bytes
}
