// @ts-check
/**
 * Blocks of items on the worker that computes them: what comes of them is divided by partition, and sent off as bytes; or it is folded right here.
 *
 * @typedef {import('../../run/shapes.ts').Op} Op
 * @typedef {import('./transport.ts').Loaded} Loaded
 * @typedef {import('./chain.js').BlockContext} BlockContext
 * @typedef {import('../../run/shapes.ts').Block} Block
 * @typedef {(values: ArrayLike<unknown>, from: number, to: number) => number} Many takes values at once, and gives where it left off
 */
import { performance } from '../../base/globals.js'
import { isThenable } from '../../base/look.js'
import { itemsOf, Partitions } from '../../encoding/partitions.js'
import { seal } from '../../encoding/sealed.js'
import { copyOf, inOrder, looksEvery, through } from './chain.js'
import { keep } from './gather.js'

/**
 * Calls `each` with everything that comes of the items of a block, in order. A promise where a function gives one.
 * @param {readonly Op[]} ops
 * @param {readonly Loaded[]} fns
 * @param {Block} block
 * @param {BlockContext} context
 * @param {(value: unknown) => unknown} each may give a promise
 * @param {Many} [many]
 * @returns {void | Promise<void>}
 */
export function overBlock(ops, fns, block, context, each, many) {
  const items = itemsOf(block)
  const { first } = block
  let seen = 0
  for (let i = many && ops.length === 0 ? allThat(items, many, context) : 0; i < items.length; i++) {
    context.index = first + i
    if (ops.length === 0) {
      if (++seen % looksEvery === 0) context.look()
      context.part = -1
      const later = each(items[i])
      if (isThenable(later)) return overRest(ops, fns, items, i, [items[i]], 0, later, block, context, each)
      continue
    }
    context.look()
    const values = through(ops, fns, items[i], context)
    if (isThenable(values)) return overRest(ops, fns, items, i, values, -1, undefined, block, context, each)
    for (let j = many ? allThat(values, many, context) : 0; j < values.length; j++) {
      if (++seen % looksEvery === 0) context.look()
      context.part = -1
      context.place = j
      const later = each(values[j])
      if (isThenable(later)) return overRest(ops, fns, items, i, values, j, later, block, context, each)
    }
  }
}

/** Rows that are divided between two looks for a cancellation: less than a millisecond. */
const manyAtOnce = 16 * looksEvery

/**
 * What `many` takes from the beginning on.
 * @param {ArrayLike<unknown>} values
 * @param {Many} many
 * @param {BlockContext} context
 */
function allThat(values, many, context) {
  for (let at = 0; at < values.length; context.look()) {
    const to = Math.min(values.length, at + manyAtOnce)
    const end = many(values, at, to)
    if (end < to) return end
    at = to
  }
  return values.length
}

/**
 * The same from item `at` on, with functions that wait. What comes of a few items is awaited at once; `each` gets it in order.
 * @param {readonly Op[]} ops
 * @param {readonly Loaded[]} fns
 * @param {ArrayLike<unknown>} items
 * @param {number} at
 * @param {ArrayLike<unknown> | PromiseLike<ArrayLike<unknown>>} values what comes of item `at`
 * @param {number} done how far `each` has got in there
 * @param {unknown} pending what it waits for
 * @param {Block} block
 * @param {BlockContext} context
 * @param {(value: unknown) => unknown} each
 */
async function overRest(ops, fns, items, at, values, done, pending, { first }, context, each) {
  await pending
  const lists = await inOrder(items.length - at, async (i) =>
    i === 0 ? values : through(ops, fns, items[at + i], context.at(first + at + i)),
  )
  for (const [i, list] of lists.entries()) {
    context.look()
    context.index = first + at + i
    const from = i === 0 ? done + 1 : 0
    const { length } = /** @type {ArrayLike<unknown>} */ (list)
    context.part = -1
    for (let j = from; j < length; context.place = ++j) await each(/** @type {ArrayLike<unknown>} */ (list)[j])
  }
}

/**
 * @param {import('../../run/shapes.ts').ScatterShape} shape
 * @param {readonly Loaded[]} parts
 * @returns {(block: Block, context: BlockContext) => unknown}
 */
export function scattering({ ops, key: field, partial, start }, parts) {
  const fns = parts.slice(0, ops.length)
  const rest = parts.slice(ops.length)
  const keyOf = field === undefined ? /** @type {Loaded} */ (rest.shift()).call : undefined
  const [fold, begin] = rest
  return (block, context) => {
    const began = performance.now()
    const partitions = new Partitions(block.partitions, keyOf !== undefined || partial)
    const folding = partial ? new Map() : undefined
    const add = (/** @type {unknown} */ key, /** @type {unknown} */ item) => {
      if (!folding) return void partitions.add(key, item)
      const { call } = /** @type {Loaded} */ (fold)
      const before = folding.has(key)
        ? folding.get(key)
        : start === 'function'
          ? /** @type {Loaded} */ (begin).call(key, context)
          : copyOf(block.start)
      if (isThenable(before)) return Promise.resolve(before).then((value) => store(key, call(value, item, context)))
      return store(key, call(before, item, context))
    }
    const store = (/** @type {unknown} */ key, /** @type {unknown} */ value) => {
      if (isThenable(value)) return Promise.resolve(value).then((settled) => void folding?.set(key, settled))
      folding?.set(key, value)
      return undefined
    }
    const each = keyOf
      ? (/** @type {unknown} */ item) => {
          const key = keyOf(item, context)
          return isThenable(key) ? Promise.resolve(key).then((settled) => add(settled, item)) : add(key, item)
        }
      : field === null
        ? (/** @type {unknown} */ item) => add(0, item)
        : (/** @type {any} */ item) => add(item[/** @type {string} */ (field)], item)
    const scattered = () => {
      if (folding) for (const [key, value] of folding) partitions.add(key, value)
      const chunks = partitions.chunks(block.block)
      const sent = chunks.map((chunk, partition) => {
        if (!chunk) return null
        return keep(block.shuffle, partition, chunk) ? chunk.at.length : (seal(chunk) ?? chunk)
      })
      return { chunks: sent, count: block.count, ms: performance.now() - began }
    }
    const many =
      typeof field === 'string' && !folding
        ? (/** @type {ArrayLike<unknown>} */ values, /** @type {number} */ from, /** @type {number} */ to) =>
            partitions.addRows(values, from, to, field)
        : undefined
    const later = overBlock(ops, fns, block, context, each, many)
    return later ? later.then(scattered) : scattered()
  }
}
