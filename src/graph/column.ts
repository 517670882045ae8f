/** A typed array that grows at its end: a graph of a million tasks is a few of these instead of a million objects. */
export class Column<A extends Uint32Array | Float64Array> {
  #data: A
  length = 0

  constructor(empty: A) {
    this.#data = empty
  }

  push(value: number): void {
    if (this.length === this.#data.length) this.#grow()
    this.#data[this.length++] = value
  }

  at(index: number): number {
    return this.#data[index] as number
  }

  /** What has been pushed so far, without a copy; later pushes do not show in it. */
  view(): A {
    return this.#data.subarray(0, this.length) as A
  }

  #grow(): void {
    const larger = new (this.#data.constructor as new (length: number) => A)(Math.max(16, this.#data.length * 2))
    larger.set(this.#data)
    this.#data = larger
  }
}
