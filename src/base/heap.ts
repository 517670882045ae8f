/** A binary heap: adding, and taking the foremost, cost the logarithm of how many there are. */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #before: (a: T, b: T) => boolean

  /** @param before whether `a` is to be taken before `b` */
  constructor(before: (a: T, b: T) => boolean) {
    this.#before = before
  }

  get size(): number {
    return this.#items.length
  }

  /** The foremost; undefined when there is none. */
  get top(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let at = items.length
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!this.#before(item, items[above] as T)) break
      items[at] = items[above] as T
      at = above
    }
    items[at] = item
  }

  /** Takes the foremost out; undefined when there is none. */
  pop(): T | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    const { length } = items
    if (last === undefined || length === 0) return top
    let at = 0
    for (let below = 1; below < length; below = 2 * at + 1) {
      if (below + 1 < length && this.#before(items[below + 1] as T, items[below] as T)) below++
      if (!this.#before(items[below] as T, last)) break
      items[at] = items[below] as T
      at = below
    }
    items[at] = last
    return top
  }
}
