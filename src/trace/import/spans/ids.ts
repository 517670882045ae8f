/**
 * A table from ids of 64 bits to numbers, by open addressing: a million spans take 24 MB here, where a `Map` of texts takes over 100.
 *
 * Ids of tracing systems are random, or hashes; two different ones among a million meet with a probability of one in thirty million.
 */
export class IdTable {
  #keys = new Int32Array(2 * 64)
  /** Number + 1; 0 is a free place. */
  #numbers = new Int32Array(64)
  #mask = 63
  count = 0

  /** The number of an id; -1 when it was never set. */
  get(high: number, low: number): number {
    return (this.#numbers[this.#place(high | 0, low | 0)] ?? 0) - 1
  }

  /** Gives the number that the id had before, or -1, in which case it has the new one from now on. */
  add(high: number, low: number, number: number): number {
    const place = this.#place(high | 0, low | 0)
    const before = (this.#numbers[place] ?? 0) - 1
    if (before >= 0) return before
    this.#keys[2 * place] = high | 0
    this.#keys[2 * place + 1] = low | 0
    this.#numbers[place] = number + 1
    if (2 * ++this.count > this.#mask) this.#grow()
    return -1
  }

  /** Where the id is, or would be. */
  #place(high: number, low: number): number {
    let place = (Math.imul(high, 0x9e3779b1) ^ Math.imul(low, 0x85ebca6b) ^ (low >>> 15)) & this.#mask
    while (this.#numbers[place] !== 0) {
      if (this.#keys[2 * place] === high && this.#keys[2 * place + 1] === low) return place
      place = (place + 1) & this.#mask
    }
    return place
  }

  #grow(): void {
    const [keys, numbers] = [this.#keys, this.#numbers]
    this.#mask = 2 * this.#mask + 1
    this.#keys = new Int32Array(2 * (this.#mask + 1))
    this.#numbers = new Int32Array(this.#mask + 1)
    for (let from = 0; from < numbers.length; from++) {
      if (numbers[from] === 0) continue
      const place = this.#place(keys[2 * from] as number, keys[2 * from + 1] as number)
      this.#keys[2 * place] = keys[2 * from] as number
      this.#keys[2 * place + 1] = keys[2 * from + 1] as number
      this.#numbers[place] = numbers[from] as number
    }
  }
}

/** Two halves of an id. */
export interface Id {
  high: number
  low: number
}

/** Takes the last 64 bits of a hexadecimal id; of any other text a hash. */
export function idOf(text: string, into: Id): Id {
  const from = Math.max(0, text.length - 16)
  let [high, low] = [0, 0]
  for (let i = from; i < text.length; i++) {
    const digit = hexDigit(text.charCodeAt(i))
    if (digit < 0) return hashed(text, into)
    high = (high << 4) | (low >>> 28)
    low = (low << 4) | digit
  }
  into.high = high | 0
  into.low = low | 0
  return into
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  if (code >= 97 && code <= 102) return code - 87
  if (code >= 65 && code <= 70) return code - 55
  return -1
}

/** FNV-1a, twice with different starts. */
function hashed(text: string, into: Id): Id {
  let [high, low] = [0x811c9dc5, 0x01000193]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    high = Math.imul(high ^ code, 0x01000193)
    low = Math.imul(low ^ code, 0x85ebca6b) ^ (low >>> 13)
  }
  into.high = high | 0
  into.low = low | 0
  return into
}
