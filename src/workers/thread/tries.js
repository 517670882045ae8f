// @ts-check
/**
 * Functions of a chain that have `retry`. What such a function gets is kept as bytes until the call is over. Where calls fail, the item halts: what
 * came of it so far goes back to the caller's thread, which decides on another attempt, and sends it to {@link resumed}. Calls that gave something
 * are not made again.
 *
 * @typedef {import('../../run/shapes.ts').Called} Called
 * @typedef {import('../../run/shapes.ts').FailedCall} FailedCall
 * @typedef {import('../../run/shapes.ts').Halted} Halted
 * @typedef {import('./chain.js').BlockContext} BlockContext
 * @typedef {import('./chain.js').Chain} Chain
 * @typedef {import('./transport.ts').Loaded} Loaded
 */
import { isThenable } from '../../base/look.js'
import { findUncloneable } from '../../encoding/cloning.js'
import { packError, unpackError, unserializable } from '../../encoding/errors.js'
import { readWritten, written } from '../../encoding/written.js'
import { inOrder, manyOf, mark, onward } from './chain.js'

/**
 * @param {Chain} chain
 * @param {number} stage
 * @param {ArrayLike<unknown>} items
 * @param {BlockContext} context
 */
export function firstTries(chain, stage, items, context) {
  /** @type {FailedCall[]} */
  const calls = []
  for (let place = 0; place < items.length; place++) calls.push(kept(items[place], stage, place))
  return tries(chain, stage, calls, items, context)
}

/**
 * The rest of the way of an item that had halted.
 * @param {Chain} chain
 * @param {Halted} halted
 * @param {BlockContext} context
 */
export function resumed(chain, { halted, calls }, context) {
  if (context.marks) context.marks.push(...Array.from({ length: halted }, () => Number.NaN))
  return tries(chain, halted, calls, undefined, context)
}

/**
 * What the function gets, as it is now. Of the first function that is the item itself, which its sender has.
 * @param {unknown} item
 * @param {number} stage
 * @param {number} place
 * @returns {FailedCall}
 */
function kept(item, stage, place) {
  if (stage === 0) return { input: undefined, bytes: undefined, place, error: undefined }
  if (!isObject(item)) return { input: item, bytes: undefined, place, error: undefined }
  const bytes = written([item])
  return { input: bytes ? undefined : copied(item, place), bytes, place, error: undefined }
}

/** What cannot become bytes is copied as it would be on its way to another thread. @param {unknown} item @param {number} place */
function copied(item, place) {
  try {
    return structuredClone(item)
  } catch {
    const where = findUncloneable(item, place === 0 ? 'item' : `items[${place}]`) ?? 'it cannot be copied'
    throw unpackError(unserializable(where, 'item of a function with `retry`'), () => undefined)
  }
}

/** The value for another attempt, of its own: this may not be the last one. @param {FailedCall} call */
function again({ input, bytes }) {
  if (bytes) return readWritten(bytes)[0]
  return isObject(input) ? structuredClone(input) : input
}

/** @param {unknown} value */
function isObject(value) {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/**
 * Makes the calls that have given nothing yet, and goes on where all have.
 * @param {Chain} chain
 * @param {number} stage
 * @param {readonly (Called | FailedCall)[]} calls
 * @param {ArrayLike<unknown> | undefined} items what they get; undefined: what was kept of that
 * @param {BlockContext} context
 */
function tries(chain, stage, calls, items, context) {
  const op = chain.ops[stage]
  const { call } = /** @type {Loaded} */ (chain.fns[stage])
  context.part = stage
  /** @type {(Called | FailedCall)[]} */
  const tried = []
  for (let i = 0; i < calls.length; i++) {
    const one = /** @type {Called | FailedCall} */ (calls[i])
    if ('next' in one) {
      tried.push(one)
      continue
    }
    const input = items ? items[i] : again(one)
    context.place = one.place
    try {
      const value = call(input, context)
      const next = isThenable(value) ? value.then((settled) => nextOf(op, input, settled)) : nextOf(op, input, value)
      if (isThenable(next)) return triesLater(chain, stage, { calls, items, tried, first: next }, context)
      tried.push({ next: /** @type {ArrayLike<unknown>} */ (next) })
    } catch (error) {
      tried.push({ ...one, error: packError(error) })
    }
  }
  return after(chain, stage, tried, context)
}

/**
 * A function gave a promise: the calls that are left are under way a few at a time. All of them are made, also where one fails.
 * @param {Chain} chain
 * @param {number} stage
 * @param {object} under
 * @param {readonly (Called | FailedCall)[]} under.calls
 * @param {ArrayLike<unknown> | undefined} under.items
 * @param {readonly (Called | FailedCall)[]} under.tried the calls that are over
 * @param {unknown} under.first what the next one gives, later
 * @param {BlockContext} context
 */
async function triesLater(chain, stage, { calls, items, tried, first }, context) {
  const { call } = /** @type {Loaded} */ (chain.fns[stage])
  const op = chain.ops[stage]
  const at = tried.length
  const rest = await inOrder(calls.length - at, async (i) => {
    const one = /** @type {Called | FailedCall} */ (calls[at + i])
    if ('next' in one) return one
    try {
      if (i === 0) return { next: await first }
      const own = context.at(context.index)
      own.part = stage
      own.attempt = context.attempt
      own.place = one.place
      const input = items ? items[at + i] : again(one)
      return { next: await nextOf(op, input, await call(input, own)) }
    } catch (error) {
      return { ...one, error: packError(error) }
    }
  })
  return after(chain, stage, [...tried, .../** @type {(Called | FailedCall)[]} */ (rest)], context)
}

/**
 * @param {import('../../run/shapes.ts').Op | undefined} op
 * @param {unknown} input
 * @param {unknown} value
 */
function nextOf(op, input, value) {
  if (op === 'map') return [value]
  if (op === 'filter') return value ? [input] : []
  return manyOf(value)
}

/**
 * @param {Chain} chain
 * @param {number} stage
 * @param {readonly (Called | FailedCall)[]} tried
 * @param {BlockContext} context
 * @returns {ReturnType<typeof onward>}
 */
function after(chain, stage, tried, context) {
  const { marks } = context
  const stages = chain.ops.length
  if (tried.some((one) => !('next' in one))) {
    // As many as of an item that went through.
    if (marks) for (let i = marks.length; i < stages - 1; i++) marks.push(Number.NaN)
    return { halted: stage, calls: tried }
  }
  /** @type {unknown[]} */
  const items = []
  for (const { next } of /** @type {readonly Called[]} */ (tried)) for (let i = 0; i < next.length; i++) items.push(next[i])
  if (marks) mark(marks, stage, stages, items.length)
  context.attempt = 1
  return onward(chain, stage + 1, items, context)
}
