import type { Origin } from './stage.ts'

/** The call whose turn it is has not settled. */
const open = Symbol('open')
/** The call has settled and gives no item. */
const dropped = Symbol('dropped')

/**
 * Results of calls that have not been taken yet: in the order in which the calls began, or in which they settled.
 *
 * A ring that doubles when full; how full it may become is up to the stage ({@link held}).
 */
export class Output {
  readonly #ordered: boolean
  #values: unknown[] = Array.from({ length: 16 })
  /** Kept only while somebody observes. */
  #origins: Origin[] | undefined
  #mask = 15
  /** Positions of the oldest place and behind the youngest; they only grow. */
  #head = 0
  #tail = 0
  /** Calls under way that have no place yet, because the order is that of settling. */
  #unplaced = 0
  /** Where the item that was taken last came from. */
  origin: Origin

  constructor(ordered: boolean, observed: boolean) {
    this.#ordered = ordered
    if (observed) this.#origins = []
  }

  /** How many items are in the stage: under way, or settled and not taken. */
  get held(): number {
    return this.#tail - this.#head + this.#unplaced
  }

  /** A call begins; gives its place, to hand back to {@link put} or {@link drop}. */
  begin(): number {
    if (this.#ordered) return this.#push(open)
    this.#unplaced++
    return -1
  }

  /** A call has given an item. */
  put(place: number, value: unknown, origin: Origin): void {
    let at = place
    if (this.#ordered) this.#values[place & this.#mask] = value
    else {
      this.#unplaced--
      at = this.#push(value)
    }
    if (this.#origins) this.#origins[at & this.#mask] = origin
  }

  /** A call has settled without an item. */
  drop(place: number): void {
    if (this.#ordered) {
      this.#values[place & this.#mask] = dropped
      this.#skip()
    } else this.#unplaced--
  }

  /** Whether an item can be taken. */
  ready(): boolean {
    return this.#head !== this.#tail && this.#values[this.#head & this.#mask] !== open
  }

  /** The next item; only when {@link ready}. */
  take(): unknown {
    const at = this.#head++ & this.#mask
    const value = this.#values[at]
    this.#values[at] = undefined
    if (this.#origins) this.origin = this.#origins[at]
    this.#skip()
    return value
  }

  /** Gives up the places of dropped items as soon as it is their turn: a stage that counted them would believe it is full. */
  #skip(): void {
    while (this.#head !== this.#tail && this.#values[this.#head & this.#mask] === dropped) {
      this.#values[this.#head++ & this.#mask] = undefined
    }
  }

  #push(value: unknown): number {
    if (this.#tail - this.#head > this.#mask) this.#grow()
    this.#values[this.#tail & this.#mask] = value
    return this.#tail++
  }

  /** Twice the room; every position keeps its number, only its place in the array changes. */
  #grow(): void {
    const mask = this.#mask * 2 + 1
    const values = Array.from<unknown>({ length: mask + 1 })
    const origins = Array.from<Origin>({ length: mask + 1 })
    for (let at = this.#head; at < this.#tail; at++) {
      values[at & mask] = this.#values[at & this.#mask]
      if (this.#origins) origins[at & mask] = this.#origins[at & this.#mask]
    }
    this.#values = values
    if (this.#origins) this.#origins = origins
    this.#mask = mask
  }
}
