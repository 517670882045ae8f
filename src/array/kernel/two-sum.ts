/** What an algebra must be able to do: numbers, values of a kernel program, vectors of a kernel. */
export interface Additive<V> {
  add(a: V, b: V): V
  subtract(a: V, b: V): V
}

export const numbers: Additive<number> = { add: (a, b) => a + b, subtract: (a, b) => a - b }

/** Knuth's TwoSum: `a + b` rounded, and exactly what rounding lost. */
export function twoSum<V>({ add, subtract }: Additive<V>, a: V, b: V): { readonly sum: V; readonly lost: V } {
  const sum = add(a, b)
  const part = subtract(sum, a)
  return { sum, lost: add(subtract(a, subtract(sum, part)), subtract(b, part)) }
}
