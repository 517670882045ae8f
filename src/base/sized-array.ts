/** A list of that length without values yet. `Array.from({ length })` takes 25 ns per element; this takes 4. */
export function sized<T>(length: number): T[] {
  // oxlint-disable-next-line unicorn/no-new-array -- that is what it is for
  return new Array<T>(length)
}
