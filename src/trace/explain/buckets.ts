/** Items by group, in two arrays instead of an array of arrays: group `g` has `items` from `start[g]` up to `start[g + 1]`. */
export interface Buckets {
  readonly start: Uint32Array
  readonly items: Uint32Array
}

/** Puts every item of `order` into the group that it names, keeping their order; a group below 0 means the last one, `groups − 1`. */
export function bucketsOf(groupOf: Int32Array, groups: number, order: Uint32Array): Buckets {
  const start = new Uint32Array(groups + 1)
  const group = (item: number): number => {
    const g = groupOf[item] as number
    return g < 0 ? groups - 1 : g
  }
  for (const item of order) (start[group(item) + 1] as number)++
  for (let g = 1; g <= groups; g++) start[g] = (start[g] as number) + (start[g - 1] as number)
  const next = start.slice()
  const items = new Uint32Array(order.length)
  for (const item of order) items[(next[group(item)] as number)++] = item
  return { start, items }
}

/** The first position from `low` up to `high` whose item has a key above `limit`; there the keys ascend. */
export function firstAfter(items: Uint32Array, keys: Float64Array, low: number, high: number, limit: number): number {
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[items[middle] as number] as number) <= limit) low = middle + 1
    else high = middle
  }
  return low
}
