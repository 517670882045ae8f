// @ts-check
/**
 * Code that divides rows of known fields by the partition of one of them. Written for those fields, it reads each once and looks nothing up, which takes half
 * the time of a loop that does for any row; it leaves off at the first row that is not like the others.
 *
 * @typedef {import('./growing-column.js').GrowingColumn} GrowingColumn
 * @typedef {{ readonly at: GrowingColumn, readonly columns: readonly GrowingColumn[] }} Divided
 * @typedef {(items: ArrayLike<unknown>, from: number, to: number, parts: readonly Divided[], next: number) => number} Divide
 * @typedef {(key: unknown, count: number) => number} PartitionOf
 */
import { isSimple } from './rows.js'

/** By key and fields. @type {Map<string, Divide | undefined>} */
const dividers = new Map()
/** Chosen, as for the readers of rows: a program has a few dozen shapes. */
const mostDividers = 256

/**
 * @param {readonly string[]} fields
 * @param {string} key
 * @param {PartitionOf} partitionOf
 * @returns {Divide | undefined} undefined where the rows have no such field, or the program forbids code from strings
 */
export function rowDivider(fields, key, partitionOf) {
  const name = JSON.stringify([key, ...fields])
  if (!dividers.has(name)) {
    if (dividers.size >= mostDividers) dividers.clear()
    dividers.set(name, fields.includes(key) ? compiled(fields, key, partitionOf) : undefined)
  }
  return dividers.get(name)
}

/**
 * @param {readonly string[]} fields
 * @param {string} key
 * @param {PartitionOf} partitionOf
 * @returns {Divide | undefined}
 */
function compiled(fields, key, partitionOf) {
  const each = (/** @type {(name: string, i: number) => string} */ line) =>
    fields.map((field, i) => line(JSON.stringify(field), i)).join('\n')
  const body = `
    for (let i = from; i < to; i++) {
      const item = items[i]
      if (typeof item !== 'object' || item === null || Object.getPrototypeOf(item) !== Object.prototype) return i
      let width = 0
      for (const field in item) {
        switch (width++) {
          ${each((name, i) => `case ${i}: if (field !== ${name}) return i; break`)}
          default: return i
        }
      }
      if (width !== ${fields.length}) return i
      ${each((name, i) => `const value${i} = item[${name}]`)}
      ${each((_, i) => `if (!isSimple(value${i})) return i`)}
      const { at, columns } = parts[partitionOf(value${fields.indexOf(key)}, parts.length)]
      at.push(next + i - from)
      ${each((_, i) => `columns[${i}].push(value${i})`)}
    }
    return to`
  try {
    const make = new Function('partitionOf', 'isSimple', `return (items, from, to, parts, next) => {${body}}`)
    return /** @type {Divide} */ (make(partitionOf, isSimple))
  } catch {
    return undefined
  }
}
