// @ts-check
/**
 * All numbers travel as one typed array: a copy of memory instead of one tagged value after the other. Integers stay integers: read from a
 * `Float64Array`, one would come out as a boxed double, and a loop that counts up to it runs up to twice as long.
 * @param {ArrayLike<unknown>} values
 */
export function packNumbers(values) {
  const { length } = values
  if (length < 8) return undefined
  const integers = new Int32Array(length)
  for (let i = 0; i < length; i++) {
    const value = values[i]
    if (typeof value !== 'number') return undefined
    if (!isInteger32(value)) return packDoubles(values)
    integers[i] = value
  }
  return integers
}

/** @param {ArrayLike<unknown>} values */
function packDoubles(values) {
  const { length } = values
  const doubles = new Float64Array(length)
  for (let i = 0; i < length; i++) {
    const value = values[i]
    if (typeof value !== 'number') return undefined
    doubles[i] = value
  }
  return doubles
}

/** Minus zero is none. @param {number} value */
function isInteger32(value) {
  return (value | 0) === value && (value !== 0 || 1 / value > 0)
}
