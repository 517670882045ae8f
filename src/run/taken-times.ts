/** When items under way were taken, by batch: a few numbers for a thousand items. */
export class TakenTimes {
  readonly #batches: { readonly first: number; readonly end: number; readonly at: number; left: number }[] = []

  take(first: number, count: number, at: number): void {
    this.#batches.push({ first, end: first + count, at, left: count })
  }

  /** Undefined for an item that is not under way. */
  at(index: number): number | undefined {
    return this.#batches[this.#find(index)]?.at
  }

  /** So many items from the first on have come back; they may belong to batches next to each other. */
  forget(first: number, count: number): void {
    for (let index = first; index < first + count;) {
      const found = this.#find(index)
      const batch = this.#batches[found]
      if (!batch) return
      const end = Math.min(batch.end, first + count)
      batch.left -= end - index
      if (batch.left <= 0) this.#batches.splice(found, 1)
      index = end
    }
  }

  /** Batches are taken in ascending order. */
  #find(index: number): number {
    let [low, high] = [0, this.#batches.length - 1]
    while (low <= high) {
      const middle = (low + high) >>> 1
      const { first, end } = this.#batches[middle] as { readonly first: number; readonly end: number }
      if (index < first) high = middle - 1
      else if (index >= end) low = middle + 1
      else return middle
    }
    return -1
  }
}
