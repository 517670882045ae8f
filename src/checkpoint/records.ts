/** The records of a journal by key: values stay where they were read, and a record costs its key and three numbers. */
import { nothing } from './format.ts'

/** Numbers for the first records; the room doubles when it is full. */
const roomAtFirst = 1_024

export class Records {
  /** The number of a record. */
  readonly #numbers = new Map<string, number>()
  readonly #pieces: Uint8Array[] = []
  /** Piece, begin and end of each value. */
  #places = new Float64Array(3 * roomAtFirst)
  #count = 0

  get size(): number {
    return this.#numbers.size
  }

  has(key: string): boolean {
    return this.#numbers.has(key)
  }

  keys(): IterableIterator<string> {
    return this.#numbers.keys()
  }

  /** The value as JSON; undefined when the step gave undefined, or is not recorded. */
  get(key: string): Uint8Array | undefined {
    const number = this.#numbers.get(key)
    if (number === undefined) return undefined
    const from = this.#places[3 * number + 1] as number
    if (from === nothing) return undefined
    const piece = this.#pieces[this.#places[3 * number] as number]
    return piece?.subarray(from, this.#places[3 * number + 2])
  }

  *[Symbol.iterator](): Generator<readonly [string, Uint8Array | undefined]> {
    for (const key of this.#numbers.keys()) yield [key, this.get(key)]
  }

  /** Of two records with one key the later counts. */
  set(key: string, piece: Uint8Array, from: number, to: number): void {
    if (this.#pieces.at(-1) !== piece) this.#pieces.push(piece)
    const at = 3 * this.#count
    if (at === this.#places.length) this.#grow()
    this.#places[at] = this.#pieces.length - 1
    this.#places[at + 1] = from
    this.#places[at + 2] = to
    this.#numbers.set(key, this.#count++)
  }

  #grow(): void {
    const places = new Float64Array(2 * this.#places.length)
    places.set(this.#places)
    this.#places = places
  }
}
