/** Knuth's TwoSum, for what builds code and for numbers. */

/** What builds sums and differences: values of a kernel program, vectors of a kernel. */
export interface Additive<V> {
  add(a: V, b: V): V
  subtract(a: V, b: V): V
}

/** `a + b` rounded, and exactly what rounding lost. */
export function twoSum<V>({ add, subtract }: Additive<V>, a: V, b: V): { readonly sum: V; readonly lost: V } {
  const sum = add(a, b)
  const part = subtract(sum, a)
  return { sum, lost: add(subtract(a, subtract(sum, part)), subtract(b, part)) }
}

/**
 * The same for numbers: what `sum`, the rounded `a + b`, lacks. Written out, because states are merged by the ten thousand: through the functions of an
 * algebra, sums of 4,000 columns took half as long again.
 */
export function lostIn(sum: number, a: number, b: number): number {
  const part = sum - a
  return a - (sum - part) + (b - part)
}
