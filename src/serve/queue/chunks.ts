/** Cuts a list of items into batches: those of one length next to each other, within the bounds. Pure; used in replicas, and at warm-up. */

/** Bounds of what is computed at once. */
export interface BatchLimits {
  readonly items: number
  /** The longest item times the number of items. */
  readonly tokens: number
}

/**
 * @param places numbers of the items, in the order of their length
 * @param tokens of each item, by its number
 * @returns neighbours that are within the bounds together; an item that is longer than the bound is alone
 */
export function chunks(places: readonly number[], tokens: ArrayLike<number>, limits: BatchLimits): number[][] {
  const all: number[][] = []
  let chunk: number[] = []
  for (const at of places) {
    const longest = tokens[at] as number
    const full = chunk.length >= limits.items || longest * (chunk.length + 1) > limits.tokens
    if (full && chunk.length > 0) {
      all.push(chunk)
      chunk = []
    }
    chunk.push(at)
  }
  if (chunk.length > 0) all.push(chunk)
  return all
}
