// @ts-check
/**
 * What comes of one item when functions in a row map it, filter it and take it apart. One item at a time goes through all of them, so that what lies
 * between two functions is bounded by what comes of one item. Nothing is copied: each function owns what it gets. What a function with `retry` gets is
 * the exception: it is kept beside as bytes, see `tries.js`.
 *
 * @typedef {import('../../run/shapes.ts').Op} Op
 * @typedef {import('../../run/shapes.ts').Halted} Halted
 * @typedef {import('./transport.ts').Callable} Callable
 * @typedef {import('./transport.ts').Loaded} Loaded
 */
import { performance } from '../../base/globals.js'
import { isThenable } from '../../base/look.js'

/** Calls of functions that wait, of one item or of one block: as many as most servers take from one client. */
export const mostWaiting = 16

/** How often a loop over items asks whether it is time to look for a cancellation, and how often it then does. */
export const looksEvery = 256
const lookMs = 2

const epoch = performance.timeOrigin

/** An item of a block as its function sees it. */
export class BlockContext {
  #outer
  /** Position in the input. */
  index = 0
  /** Which of the functions has it, and for which of the items that came of that position: each is a call of its own. */
  part = 0
  place = 0
  /** While somebody observes: when each function but the last was done with what came of the item. @type {number[] | undefined} */
  marks

  /** @param {import('./context.js').WorkerContext} outer the context of the whole block */
  constructor(outer) {
    this.#outer = outer
    this.batch = outer.batch
    /** Of the function at hand. */
    this.attempt = outer.attempt
    this.deadline = outer.deadline
  }

  get signal() {
    return this.#outer.signal
  }

  get idempotencyKey() {
    return `${this.#outer.idempotencyKey}/${this.index}/${this.part}/${this.place}`
  }

  /** @param {number} index */
  at(index) {
    const context = new BlockContext(this.#outer)
    context.index = index
    return context
  }

  /** Throws the reason when the block has been cancelled. To look costs a microsecond, so that it is done now and then. */
  look() {
    const now = performance.now()
    if (now - this.#looked < lookMs) return
    this.#looked = now
    if (this.#outer.signal.aborted) throw this.#outer.signal.reason
  }
  #looked = performance.now()
}

/**
 * The items that come of `item`; a promise where a function gives one.
 * @param {readonly Op[]} ops
 * @param {readonly Loaded[]} fns one for each of `ops`
 * @param {unknown} item
 * @param {BlockContext} context
 * @returns {ArrayLike<unknown> | Promise<ArrayLike<unknown>>}
 */
export function through(ops, fns, item, context) {
  return /** @type {ReturnType<typeof through>} */ (onward({ ops, fns }, 0, [item], context))
}

/**
 * Functions in a row.
 * @typedef {object} Chain
 * @property {readonly Op[]} ops
 * @property {readonly Loaded[]} fns
 * @property {readonly boolean[]} [keeps] which of them may be called again
 * @property {(chain: Chain, stage: number, items: ArrayLike<unknown>, context: BlockContext) => ReturnType<typeof onward>} [tries] calls one of those
 */

/**
 * What comes of `items` from function `from` on; {@link Halted} where one failed that may be called again.
 * @param {Chain} chain
 * @param {number} from
 * @param {ArrayLike<unknown>} items
 * @param {BlockContext} context
 * @returns {ArrayLike<unknown> | Halted | Promise<ArrayLike<unknown> | Halted>}
 */
export function onward(chain, from, items, context) {
  const { ops, fns, keeps, tries } = chain
  for (let s = from; s < ops.length; s++) {
    if (keeps && tries) {
      // An attempt is one of the function that it begins with.
      if (s > from) context.attempt = 1
      if (keeps[s]) return tries(chain, s, items, context)
    }
    const op = /** @type {Op} */ (ops[s])
    const { call } = /** @type {Loaded} */ (fns[s])
    /** @type {ArrayLike<unknown>} */
    let next = []
    context.part = s
    for (let i = 0; i < items.length; i++) {
      context.place = i
      const value = call(items[i], context)
      if (isThenable(value)) return later(chain, s, items, i, /** @type {unknown[]} */ (next), value, context)
      if (op === 'map') /** @type {unknown[]} */ (next).push(value)
      else if (op === 'filter') {
        if (value) /** @type {unknown[]} */ (next).push(items[i])
      } else if (items.length === 1 && Array.isArray(value)) next = value
      else {
        const many = manyOf(value)
        if (isThenable(many)) return later(chain, s, items, i, /** @type {unknown[]} */ (next), value, context)
        for (let j = 0; j < many.length; j++) /** @type {unknown[]} */ (next).push(many[j])
      }
    }
    items = next
    if (context.marks) mark(context.marks, s, ops.length, items.length)
  }
  return items
}

/**
 * A function is done; where nothing is left of the item, it was the last one that had it.
 * @param {number[]} marks
 * @param {number} stage
 * @param {number} stages
 * @param {number} left
 */
export function mark(marks, stage, stages, left) {
  if (stage === stages - 1 || marks.length > stage) return
  if (left > 0) marks.push(epoch + performance.now())
  else while (marks.length < stages - 1) marks.push(Number.NaN)
}

/**
 * A function gave a promise: its calls for the items that are left are under way a few at a time.
 * @param {Chain} chain
 * @param {number} stage
 * @param {ArrayLike<unknown>} items
 * @param {number} at the item that the promise is for
 * @param {unknown[]} done what came of the items before
 * @param {unknown} first the promise
 * @param {BlockContext} context
 * @returns {Promise<ArrayLike<unknown> | Halted>}
 */
async function later(chain, stage, items, at, done, first, context) {
  const { ops, fns } = chain
  const { call } = /** @type {Loaded} */ (fns[stage])
  const op = ops[stage]
  const values = await inOrder(items.length - at, async (i) => {
    const own = context.at(context.index)
    own.part = stage
    own.place = at + i
    const value = await (i === 0 ? first : call(items[at + i], own))
    return op === 'flatMap' ? manyOf(value) : value
  })
  for (const [i, value] of values.entries()) {
    if (op === 'map') done.push(value)
    else if (op === 'filter') {
      if (value) done.push(items[at + i])
    } else for (const part of /** @type {Iterable<unknown>} */ (value)) done.push(part)
  }
  if (context.marks) mark(context.marks, stage, ops.length, done.length)
  return onward(chain, stage + 1, done, context)
}

/**
 * The results of `count` calls, of which a few are under way at once.
 * @param {number} count
 * @param {(i: number) => Promise<unknown>} call
 */
export async function inOrder(count, call) {
  /** @type {unknown[]} */
  const values = Array.from({ length: count })
  let next = 0
  let failed = false
  const lane = async () => {
    while (next < count && !failed) {
      const i = next++
      try {
        values[i] = await call(i)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  // All of them: what is under way when one fails is over before the block is.
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(count, mostWaiting) }, lane))
  for (const outcome of lanes) if (outcome.status === 'rejected') throw outcome.reason
  return values
}

/**
 * The items of what `flatMap` is to take apart.
 * @param {unknown} value
 * @returns {ArrayLike<unknown> | Promise<unknown[]>}
 */
export function manyOf(value) {
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return /** @type {ArrayLike<unknown>} */ (/** @type {unknown} */ (value))
  if (typeof value === 'object' && value !== null) {
    if (Symbol.iterator in value || 'length' in value) return Array.from(/** @type {Iterable<unknown>} */ (value))
    if (Symbol.asyncIterator in value) return collected(/** @type {AsyncIterable<unknown>} */ (value))
  }
  throw new TypeError(
    `Expected the items of flatMap to be iterable, got ${typeof value === 'object' ? String(value) : typeof value}`,
  )
}

/** A start that is an object is one of its own for each fold. @param {unknown} value */
export function copyOf(value) {
  return typeof value === 'object' && value !== null ? structuredClone(value) : value
}

/** @param {AsyncIterable<unknown>} source */
async function collected(source) {
  const items = []
  for await (const item of source) items.push(item)
  return items
}
