// @ts-check
/**
 * Merges the results of neighbours where they were made, in the tree that the input alone fixes: pairs of neighbours, as a binary counter does.
 * A block of `2 ** level` items is merged from its halves and from nothing else, so that neither the number of workers nor the cuts between
 * batches change a bit of the result.
 *
 * @typedef {{ levels: number[], positions: number[], values: unknown[] }} Merged
 */
import { isThenable } from '../../base/look.js'

/**
 * @param {number} first index of the first value among all items
 * @param {readonly unknown[]} values of items next to each other
 * @param {(left: unknown, right: unknown) => unknown} merge
 * @returns {Merged | Promise<Merged>} blocks from left to right; a promise where `merge` gives promises
 */
export function mergeNeighbours(first, values, merge) {
  /** @type {Merged} */
  const merged = { levels: [], positions: [], values: [] }
  return goOn(merged, first, values, 0, merge)
}

/**
 * @param {Merged} blocks
 * @param {number} first
 * @param {readonly unknown[]} values
 * @param {number} from
 * @param {(left: unknown, right: unknown) => unknown} merge
 * @returns {Merged | Promise<Merged>}
 */
function goOn(blocks, first, values, from, merge) {
  for (let at = from; at < values.length; at++) {
    // Two that are a pair make a block at once: half of all merges.
    const paired = (first + at) % 2 === 0 && at + 1 < values.length
    const value = paired ? merge(values[at], values[at + 1]) : values[at]
    blocks.levels.push(paired ? 1 : 0)
    blocks.positions.push(paired ? (first + at) / 2 : first + at)
    blocks.values.push(value)
    if (paired) at++
    if (paired && isThenable(value)) {
      const last = blocks.values.length - 1
      return Promise.resolve(value).then((settled) => {
        blocks.values[last] = settled
        const later = mergeLast(blocks, merge)
        return later ? later.then(() => goOn(blocks, first, values, at + 1, merge)) : goOn(blocks, first, values, at + 1, merge)
      })
    }
    const later = mergeLast(blocks, merge)
    if (later) return later.then(() => goOn(blocks, first, values, at + 1, merge))
  }
  return blocks
}

/**
 * As long as the last two blocks are the halves of one.
 * @param {Merged} blocks
 * @param {(left: unknown, right: unknown) => unknown} merge
 * @returns {Promise<void> | undefined}
 */
function mergeLast(blocks, merge) {
  const { levels, positions, values } = blocks
  for (let last = levels.length - 1; last > 0; last--) {
    const [level, position] = [/** @type {number} */ (levels[last]), /** @type {number} */ (positions[last])]
    if (levels[last - 1] !== level || position % 2 === 0 || positions[last - 1] !== position - 1) return undefined
    const right = values.pop()
    const value = merge(values[last - 1], right)
    levels.length = last
    positions.length = last
    levels[last - 1] = level + 1
    positions[last - 1] = (position - 1) / 2
    if (isThenable(value)) {
      return Promise.resolve(value).then((settled) => {
        values[last - 1] = settled
        return mergeLast(blocks, merge)
      })
    }
    values[last - 1] = value
  }
  return undefined
}
