/** A queue in an array that wraps around: adding and taking cost the same at any length, where `shift` of an array copies the rest. */
export class Ring<T> {
  #slots: (T | undefined)[] = Array.from({ length: smallest })
  #first = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The oldest; undefined when there is none. */
  get head(): T | undefined {
    return this.#slots[this.#first]
  }

  /** The one that came `place` after the oldest; only for a place below {@link size}. */
  at(place: number): T {
    return this.#slots[(this.#first + place) & (this.#slots.length - 1)] as T
  }

  push(value: T): void {
    if (this.#size === this.#slots.length) this.#grow()
    this.#slots[(this.#first + this.#size) & (this.#slots.length - 1)] = value
    this.#size++
  }

  /** Takes the oldest out; only when there is one. */
  shift(): T {
    const value = this.#slots[this.#first] as T
    this.#slots[this.#first] = undefined
    this.#first = (this.#first + 1) & (this.#slots.length - 1)
    this.#size--
    return value
  }

  clear(): void {
    this.#slots = Array.from({ length: smallest })
    this.#first = this.#size = 0
  }

  /** The length stays a power of two, so that wrapping around is a mask. */
  #grow(): void {
    const old = this.#slots
    this.#slots = Array.from({ length: old.length * 2 })
    for (let i = 0; i < this.#size; i++) this.#slots[i] = old[(this.#first + i) & (old.length - 1)]
    this.#first = 0
  }
}

const smallest = 8
