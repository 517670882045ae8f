// @ts-check
/**
 * One batch at work.
 *
 * A synchronous function is one loop over the items. A function that gives promises has all items of its batch under way at
 * once (the host keeps such batches small), and each result is sent as soon as the event loop turns. Between items the loop
 * looks at a shared counter for control messages, so that a cancellation reaches a thread that is busy.
 *
 * @typedef {import('../protocol.ts').RunMessage} RunMessage
 * @typedef {import('../protocol.ts').CancelMessage} CancelMessage
 * @typedef {import('../../encoding/encoded.ts').WireError} WireError
 * @typedef {import('../../encoding/encoded.ts').PackedValues} PackedValues
 * @typedef {import('./transport.ts').Transport} Transport
 * @typedef {import('./transport.ts').Loaded} Loaded
 */
import { clearTimeout, performance, setImmediate, setTimeout } from '../../base/globals.js'
import { isThenable } from '../../base/look.js'
import { withContext } from '../../base/with-context.js'
import { progress as cell } from '../progress.js'
import { broadcastHere } from './broadcasts.js'
import { WorkerContext } from './context.js'
import { mergeNeighbours } from './merging.js'
import { Outbox } from './outbox.js'
import { isPacked, unpackTexts } from '../../encoding/texts.js'
import { unpackError } from '../../encoding/errors.js'
import { putBack } from '../../encoding/broadcast.js'
import { unseal } from '../../encoding/sealed.js'
import { isWritten, readWritten } from '../../encoding/written.js'

const epoch = performance.timeOrigin
/** Stands for arguments that are bytes as yet. @type {readonly unknown[]} */
const unread = []
/** `meta` holds index and attempt of each item. */
const metaWidth = 2

export class BatchRun {
  /** @type {RunMessage} */
  message
  /** @type {ArrayLike<unknown>} */
  #items
  /** @type {Transport} */
  #transport
  /** @type {() => void} */
  #poll
  /** @type {Outbox} */
  #outbox
  /** Reasons of items that were cancelled. @type {Map<number, WireError>} */
  #cancelled = new Map()
  /** @type {WireError | undefined} */
  #cancelledAll
  /** The item that the loop is at; undefined while its context says that (see `#many`). @type {number | undefined} */
  #loopAt = -1
  /** The context of that item. @type {WorkerContext | undefined} */
  #current
  /** Contexts of items whose promise is pending. @type {Map<number, WorkerContext>} */
  #pending = new Map()
  #async = false
  #stuck = false
  #busyMs = 0
  #flushing = false
  #finished = false
  /** Merges the results of neighbours. @type {Loaded | undefined} */
  #merge
  /** It is at that: a function that ends the thread now loses the results that it was merging. */
  #merging = false

  /**
   * @param {RunMessage} message
   * @param {Transport} transport
   * @param {() => void} poll
   */
  constructor(message, transport, poll) {
    this.message = message
    const { items } = message
    this.#items = isWritten(items) ? unread : isPacked(items) ? unpackTexts(items) : items
    this.#transport = transport
    this.#poll = poll
    this.#outbox = new Outbox(message.batch, message.observed, message.stay?.seal === true, transport)
  }

  /** @param {CancelMessage} message */
  cancel({ index, reason }) {
    if (index < 0) this.#cancelledAll = reason
    else this.#cancelled.set(index, reason)
    const error = unpackError(reason, () => undefined)
    if (index < 0 || index === this.#currentAt()) this.#current?.abort(error)
    for (const [at, context] of this.#pending) if (index < 0 || at === index) context.abort(error)
  }

  #currentAt() {
    return this.#loopAt ?? /** @type {WorkerContext} */ (this.#current).index - this.message.first
  }

  /** @param {WireError} error the module could not be loaded */
  failAll(error) {
    this.#finished = true
    const { progress } = this.#transport
    const ours = this.#transport.begin(this.message.batch)
    if (progress) Atomics.store(progress, cell.looping, 0)
    if (ours) this.#transport.post({ type: 'load-failed', batch: this.message.batch, fn: this.message.fn, error })
  }

  /**
   * @param {Loaded} fn
   * @param {Loaded | undefined} merge what merges the results of neighbours
   * @returns {void | Promise<void>} a promise when items are still under way
   */
  run(fn, merge) {
    this.#merge = merge
    const { flush, timeoutMs } = this.message
    const { progress, startedAt } = this.#transport
    if (!this.#transport.begin(this.message.batch)) {
      this.#finished = true
      return
    }
    if (this.#items === unread && !this.#read(/** @type {PackedValues} */ (this.message.items))) return this.#finish()
    if (this.message.broadcasts) putBack(this.#items, this.message.broadcasts, broadcastHere)
    if (this.message.stay) this.#open(this.message.stay.sealed)
    let attention = progress ? Atomics.load(progress, cell.attention) : 0
    this.#poll()
    const begin = performance.now()
    // The ends of the parts are noted call by call.
    const marked = fn.parts !== undefined && this.message.observed
    const plain = !flush && !this.message.meta && !this.message.direct && timeoutMs === undefined
    for (let at = 0; at < this.#items.length; at++) {
      if (progress) {
        if (startedAt && timeoutMs !== undefined) startedAt[0] = epoch + performance.now()
        // In this order: a host that cancels and then looks must not take an item that is about to start for one that will not.
        Atomics.store(progress, cell.started, at + 1)
        if (Atomics.load(progress, cell.attention) !== attention) {
          attention = Atomics.load(progress, cell.attention)
          this.#poll()
        }
      }
      if (this.#cancelledAll || (this.#cancelled.size > 0 && this.#cancelled.has(at))) {
        this.#outbox.skip(at)
        continue
      }
      if (plain && progress && fn.promises === 'never' && this.#cancelled.size === 0 && !marked) {
        at = this.#many(fn, at, progress, attention)
        continue
      }
      this.#one(fn, at)
      if (flush) this.flush(false)
    }
    if (progress) Atomics.store(progress, cell.looping, 0)
    this.#loopAt = -1
    this.#busyMs += performance.now() - begin
    if (this.#pending.size === 0) return this.#finish()
    return this.#rest()
  }

  /**
   * The arguments, when they are needed: other batches may come first.
   * @param {PackedValues} items
   * @returns {boolean} false where they cannot be read, as without memory
   */
  #read({ count, bytes }) {
    const begin = performance.now()
    try {
      this.#items = readWritten(bytes)
    } catch (error) {
      for (let at = 0; at < count; at++) this.#outbox.fail(at, error, epoch + begin)
    }
    // They are not held twice.
    this.message = { ...this.message, items: [] }
    this.#outbox.copyMs += performance.now() - begin
    return this.#items !== unread
  }

  /**
   * Bytes among the arguments become the values that they stand for.
   * @param {readonly import('../protocol.ts').SealedPlace[]} places
   */
  #open(places) {
    const { spread } = this.message
    for (const { at, argument, key } of places) {
      const holder = spread ? /** @type {any} */ (this.#items[at]) : this.#items
      const index = spread ? argument : at
      if (key === undefined) holder[index] = unseal(holder[index].bytes)
      else holder[index][key] = unseal(holder[index][key].bytes)
    }
  }

  async #rest() {
    const before = performance.eventLoopUtilization()
    await new Promise((resolve) => (this.#allSettled = () => resolve(undefined)))
    this.#busyMs += performance.eventLoopUtilization(before).active
    await this.#finish()
  }
  #allSettled = () => {}

  /**
   * @param {(...args: unknown[]) => unknown} fn
   * @param {unknown} item an item of a map; of direct calls the only argument, or all of them
   * @param {WorkerContext} context
   */
  #call(fn, item, context) {
    const { spread, direct } = this.message
    if (!direct || (!spread && fn.length === 2)) return fn(item, context)
    return fn(...withContext(fn.length, spread ? /** @type {unknown[]} */ (item) : [item], context))
  }

  /**
   * Calls a synchronous function for the items from `from` on, at a few nanoseconds beyond the call, until one gives something that is not
   * plain, throws or looks at its signal, or until a control message is waiting. Gives the last item that was called.
   * @param {Loaded} fn
   * @param {number} from
   * @param {Int32Array} progress
   * @param {number} attention
   */
  #many(fn, from, progress, attention) {
    const { first } = this.message
    const context = this.#contextFor(fn, from)
    // None has been called yet.
    context.index = first + from - 1
    this.#current = context
    this.#loopAt = undefined
    fn.ambient?.set(context)
    try {
      const values = this.#outbox.valuesFrom(from)
      const other = this.message.observed
        ? callManyTimed(fn.call, this.#items, context, from, first, values, this.#outbox.times, progress, attention)
        : callMany(fn.call, this.#items, context, from, first, values, progress, attention)
      if (other) this.#settle(fn, context.index - first, context, this.#outbox.times.next, other.value)
    } catch (error) {
      this.#fail(context.index - first, context, this.#outbox.times.next, error)
    }
    return context.index - first
  }

  /**
   * @param {Loaded} fn
   * @param {number} at
   */
  #one(fn, at) {
    const startedAt = this.message.observed ? epoch + performance.now() : 0
    const context = this.#contextFor(fn, at)
    const item = this.#items[at]
    if (fn.parts !== undefined && this.message.observed) context.marks = []
    this.#current = context
    this.#loopAt = at
    try {
      let value
      if (fn.promises === 'never') {
        // A synchronous function is done before anybody else could look: a plain assignment serves.
        fn.ambient?.set(context)
        value = this.#call(fn.call, item, context)
      } else {
        const body = () => this.#call(fn.call, item, context)
        value = fn.ambient ? fn.ambient.enter(context, body) : body()
      }
      this.#settle(fn, at, context, startedAt, value)
    } catch (error) {
      this.#fail(at, context, startedAt, error)
    }
  }

  /**
   * @param {Loaded} fn
   * @param {number} at
   * @param {WorkerContext} context
   * @param {number} startedAt
   * @param {unknown} value
   */
  #settle(fn, at, context, startedAt, value) {
    if (isThenable(value)) {
      fn.promises = 'yes'
      this.#later(at, context, startedAt, value)
      return
    }
    if (fn.promises === 'unknown') fn.promises = 'never'
    this.#store(at, context, startedAt, value)
  }

  /**
   * A synchronous function is done with its context when it returns, so that the next item gets the same object, unless it was
   * asked for its signal.
   * @param {Loaded} fn
   * @param {number} at
   */
  #contextFor(fn, at) {
    const { meta, first, deadline, direct, key } = this.message
    const keys = typeof key === 'object' ? key : undefined
    const index = meta ? /** @type {number} */ (meta[at * metaWidth]) : direct ? 0 : first + at
    const attempt = meta ? /** @type {number} */ (meta[at * metaWidth + 1]) : 1
    const last = this.#current
    if (last && fn.promises === 'never' && last.untouched) {
      last.index = index
      last.attempt = attempt
      if (keys) last.key = keys[at]
      return last
    }
    const context = new WorkerContext(index, attempt, deadline - epoch, this.#poll, this.message.batch, this.message.depth)
    context.whole = keys !== undefined
    context.key = keys ? keys[at] : /** @type {string | undefined} */ (key)
    return context
  }

  /**
   * @param {number} at
   * @param {WorkerContext} context
   * @param {number} startedAt
   * @param {PromiseLike<unknown>} value
   */
  #later(at, context, startedAt, value) {
    const { timeoutMs, graceMs } = this.message
    this.#async = true
    this.#pending.set(at, context)
    /** @type {NodeJS.Timeout | undefined} */
    let grace
    const settle = (/** @type {() => void} */ store) => {
      if (!this.#pending.delete(at)) return
      clearTimeout(timeout)
      clearTimeout(grace)
      store()
      this.#flushSoon()
      if (this.#pending.size === 0) this.#allSettled()
    }
    const timeout = timeoutMs === undefined ? undefined : setTimeout(() => context.abort(timedOut(timeoutMs)), timeoutMs)
    context.onAbort((reason) => {
      grace = setTimeout(() => {
        this.#stuck = true
        settle(() => this.#fail(at, context, startedAt, reason))
      }, graceMs)
    })
    value.then(
      (result) => settle(() => this.#store(at, context, startedAt, result)),
      (error) => settle(() => this.#fail(at, context, startedAt, error)),
    )
  }

  /**
   * @param {number} at
   * @param {WorkerContext} context
   * @param {number} startedAt
   * @param {unknown} value
   */
  #store(at, context, startedAt, value) {
    if (context.aborted) return this.#fail(at, context, startedAt, context.aborted.reason)
    this.#outbox.succeed(at, value, startedAt, context.marks)
  }

  /**
   * @param {number} at
   * @param {WorkerContext} context
   * @param {number} startedAt
   * @param {unknown} error
   */
  #fail(at, context, startedAt, error) {
    this.#outbox.fail(at, context.aborted ? context.aborted.reason : error, startedAt, context.marks)
  }

  /** All that settle in one turn of the event loop travel together. */
  #flushSoon() {
    // Results that are to be merged wait for their neighbours.
    if (this.#flushing || this.#merge) return
    this.#flushing = true
    setImmediate(() => {
      this.#flushing = false
      if (!this.#finished) this.flush(false)
    })
  }

  /** @returns {void | Promise<void>} */
  #finish() {
    const later = this.#merge && this.#mergeResults(this.#merge)
    if (later) return later.then(() => this.#finish())
    this.#merging = false
    this.flush(true)
    this.#finished = true
  }

  /**
   * @param {Loaded} merge
   * @returns {Promise<void> | undefined}
   */
  #mergeResults(merge) {
    this.#merge = undefined
    this.#merging = true
    const { whole } = this.#outbox
    if (!whole || this.#cancelledAll) return undefined
    const { first, deadline } = this.message
    const { from, values } = whole
    const context = new WorkerContext(first + from, 1, deadline - epoch, this.#poll)
    this.#current = context
    const call = (/** @type {unknown} */ left, /** @type {unknown} */ right) => {
      if (context.aborted) throw context.aborted.reason
      const takesContext = merge.call.length > 2
      if (!takesContext && !merge.ambient) return merge.call(left, right)
      const body = () => merge.call(...withContext(merge.call.length, [left, right], context))
      return merge.ambient ? merge.ambient.enter(context, body) : body()
    }
    const stored = (/** @type {import('./merging.js').Merged} */ { levels, positions, values: merged }) =>
      this.#outbox.merged({ items: values.length, levels, positions }, merged)
    const failed = (/** @type {unknown} */ error) => this.#outbox.failMerged(from, values.length, error)
    const begin = performance.now()
    try {
      const merged = mergeNeighbours(first + from, values, call)
      if (isThenable(merged)) return Promise.resolve(merged).then(stored, failed)
      stored(merged)
    } catch (error) {
      failed(error)
    }
    this.#busyMs += performance.now() - begin
    return undefined
  }

  /**
   * Sends what has been computed and not been sent.
   * @param {boolean} last
   */
  flush(last) {
    if (this.#finished || this.#merging || (!last && this.#outbox.empty)) return
    this.#outbox.send({ stuck: this.#stuck, last, busyMs: this.#busyMs, async: this.#async })
  }
}

/**
 * The loop by itself: inside a method it would share its registers with everything else there, and a function that is inlined
 * into it would pay for that.
 * @param {(...args: unknown[]) => unknown} call
 * @param {ArrayLike<unknown>} items
 * @param {WorkerContext} context its index ends as the last item that was called
 * @param {number} from
 * @param {number} first
 * @param {unknown[]} values
 * @param {Int32Array} progress
 * @param {number} attention
 * @returns {{ value: unknown } | undefined} the last result, where it has not been put into `values`
 */
function callMany(call, items, context, from, first, values, progress, attention) {
  const { length } = items
  for (let at = from; at < length; at++) {
    Atomics.store(progress, cell.started, at + 1)
    if (Atomics.load(progress, cell.attention) !== attention) return undefined
    context.index = first + at
    const value = call(items[at], context)
    if (!isPlain(value) || !context.untouched) return { value }
    values.push(value)
  }
  return undefined
}

/**
 * The same with times: each item begins when the one before ended, so that the clock is read once for each.
 * @param {(...args: unknown[]) => unknown} call
 * @param {ArrayLike<unknown>} items
 * @param {WorkerContext} context
 * @param {number} from
 * @param {number} first
 * @param {unknown[]} values
 * @param {import('./outbox.js').Times} times
 * @param {Int32Array} progress
 * @param {number} attention
 * @returns {{ value: unknown } | undefined}
 */
function callManyTimed(call, items, context, from, first, values, times, progress, attention) {
  const { length } = items
  times.next = epoch + performance.now()
  for (let at = from; at < length; at++) {
    Atomics.store(progress, cell.started, at + 1)
    context.index = first + at
    const value = call(items[at], context)
    if (!isPlain(value) || !context.untouched) return { value }
    values.push(value)
    times.startedAt.push(times.next)
    times.next = epoch + performance.now()
    times.settledAt.push(times.next)
    if (Atomics.load(progress, cell.attention) !== attention) return undefined
  }
  return undefined
}

/** What is neither a promise nor anything that may be hard to send. @param {unknown} value */
function isPlain(value) {
  const type = typeof value
  return type === 'number' || type === 'string' || type === 'boolean' || type === 'undefined'
}

/** @param {number} timeoutMs */
function timedOut(timeoutMs) {
  const error = new Error(`The task did not finish within its timeout of ${timeoutMs} ms`)
  Object.defineProperty(error, 'name', { value: 'TimedOut', configurable: true })
  return Object.assign(error, { clock: 'timeout', limitMs: timeoutMs })
}
