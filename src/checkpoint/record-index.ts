/**
 * The records of a journal by key. Keys and values stay where they were read: a record costs six numbers and its place in a hash table,
 * where a text and its entry in a `Map` would cost as much as all the rest of reading it.
 *
 * The table is open, with linear probing, and at most half full. Keys come from data, so the hash begins with a number that nobody can know.
 */
import { nothing } from './format.ts'

/** Numbers of a record: its hash, its piece, and where in that its key and its value begin and end. */
const width = 6
const [atPiece, atKey, atKeyEnd, atValue, atValueEnd] = [1, 2, 3, 4, 5] as const
/** Records that there is room for at first; the room doubles when it is full. */
const roomAtFirst = 1_024
const free = -1

const seed = Math.floor(Math.random() * 2 ** 32) | 0
/** FNV-1a, with a seed of its own. */
const prime = 0x01000193

export class RecordIndex {
  readonly #pieces: Uint8Array[] = []
  #numbers: Int32Array = new Int32Array(width * roomAtFirst)
  #count = 0
  /** Numbers of records by hash. */
  #table: Int32Array = new Int32Array(4 * roomAtFirst).fill(free)
  #size = 0
  /** The key that is asked for, as bytes. */
  #asked = Buffer.alloc(256)

  /** How many keys there are. */
  get size(): number {
    return this.#size
  }

  /** @param key as `keyText` gives it */
  has(key: string): boolean {
    return this.#find(key) !== free
  }

  /** The value as JSON; undefined when the step gave undefined, or is not recorded. */
  get(key: string): Uint8Array | undefined {
    const record = this.#find(key)
    return record === free ? undefined : this.#value(record)
  }

  *keys(): Generator<string> {
    for (const [key] of this) yield key
  }

  *[Symbol.iterator](): Generator<readonly [key: string, value: Uint8Array | undefined]> {
    for (const record of this.#table.filter((number) => number !== free).sort()) {
      const [from, to] = [this.#numbers[record * width + atKey], this.#numbers[record * width + atKeyEnd]]
      const key = this.#piece(record).subarray(from, to)
      yield [Buffer.from(key.buffer, key.byteOffset, key.length).toString('utf8'), this.#value(record)]
    }
  }

  /** Of two records with one key the later counts. @param valueFrom where the value begins, or {@link nothing} */
  add(piece: Uint8Array, keyFrom: number, keyTo: number, valueFrom: number, valueTo: number): void {
    if (this.#pieces.at(-1) !== piece) this.#pieces.push(piece)
    const record = this.#count++
    let numbers = this.#numbers
    if (record * width === numbers.length) numbers = this.#grow()
    const hash = hashOf(piece, keyFrom, keyTo)
    const at = record * width
    numbers[at] = hash
    numbers[at + atPiece] = this.#pieces.length - 1
    numbers[at + atKey] = keyFrom
    numbers[at + atKeyEnd] = keyTo
    numbers[at + atValue] = valueFrom
    numbers[at + atValueEnd] = valueTo
    const place = this.#place(hash, piece, keyFrom, keyTo)
    if (this.#table[place] === free) this.#size++
    this.#table[place] = record
  }

  #find(key: string): number {
    if (this.#size === 0) return free
    if (key.length * 3 > this.#asked.length) this.#asked = Buffer.alloc(key.length * 6)
    const length = this.#asked.write(key)
    return this.#table[this.#place(hashOf(this.#asked, 0, length), this.#asked, 0, length)] as number
  }

  /** Where the key is in the table, or would be. */
  #place(hash: number, bytes: Uint8Array, from: number, to: number): number {
    const [table, numbers] = [this.#table, this.#numbers]
    const mask = table.length - 1
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const record = table[place] as number
      if (record === free || (numbers[record * width] === hash && this.#isKey(record, bytes, from, to))) return place
    }
  }

  #isKey(record: number, bytes: Uint8Array, from: number, to: number): boolean {
    const own = this.#numbers[record * width + atKey] as number
    if ((this.#numbers[record * width + atKeyEnd] as number) - own !== to - from) return false
    const piece = this.#piece(record)
    for (let i = 0; i < to - from; i++) if (piece[own + i] !== bytes[from + i]) return false
    return true
  }

  #piece(record: number): Uint8Array {
    return this.#pieces[this.#numbers[record * width + atPiece] as number] as Uint8Array
  }

  #value(record: number): Uint8Array | undefined {
    const from = this.#numbers[record * width + atValue] as number
    if (from === nothing) return undefined
    return this.#piece(record).subarray(from, this.#numbers[record * width + atValueEnd])
  }

  #grow(): Int32Array {
    const numbers = new Int32Array(2 * this.#numbers.length)
    numbers.set(this.#numbers)
    const before = this.#table
    const table = new Int32Array(2 * before.length).fill(free)
    const mask = table.length - 1
    for (const record of before) {
      if (record === free) continue
      let place = (numbers[record * width] as number) & mask
      while (table[place] !== free) place = (place + 1) & mask
      table[place] = record
    }
    this.#table = table
    this.#numbers = numbers
    return numbers
  }
}

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = seed
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ (bytes[i] as number), prime)
  // A difference at the end of a key must reach the lower bits as well as the upper.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}
