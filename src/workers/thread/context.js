// @ts-check
/**
 * What a worker function gets as its context, made cheap: the signal exists only once it is asked for, and a function that
 * holds the thread sees its cancellation too, because reading `signal.aborted` looks at the control port first.
 */

import { freshKey, itemKey } from '../../base/idempotency.js'

export class WorkerContext {
  /** @type {AbortController | undefined} */
  #controller
  /** @type {{ reason: unknown } | undefined} */
  #aborted
  /** @type {() => void} */
  #poll
  /** When the parts of a composed function ended but the last, in epoch milliseconds; kept only while somebody observes. @type {number[] | undefined} */
  marks
  /** Its idempotency key, or what that begins with. Undefined: it makes its own. @type {string | undefined} */
  key
  /** `key` is all of it. @type {boolean} */
  whole = false
  /** @type {string | undefined} */
  #own
  /** Which part of a composed function has it; each is a call of its own. */
  part = 0

  /**
   * @param {number} index
   * @param {number} attempt
   * @param {number} deadline milliseconds of `performance.now()` on this thread
   * @param {() => void} poll looks for control messages
   * @param {number} [batch] its number, for what the task forks
   * @param {number} [depth] where the task stands in the tree of forks
   */
  constructor(index, attempt, deadline, poll, batch, depth = 0) {
    this.batch = batch
    this.depth = depth
    this.index = index
    this.attempt = attempt
    this.deadline = deadline
    this.#poll = poll
  }

  get idempotencyKey() {
    const key = this.key === undefined ? (this.#own ??= freshKey()) : this.whole ? this.key : itemKey(this.key, this.index)
    return this.part === 0 ? key : `${key}/${this.part}`
  }

  get signal() {
    if (!this.#controller) {
      this.#controller = new AbortController()
      if (this.#aborted) this.#controller.abort(this.#aborted.reason)
      else pollOnRead(this.#controller.signal, this.#poll)
    }
    return this.#controller.signal
  }

  /** True while nobody has seen what is this item's alone, so that the object may serve another item. */
  get untouched() {
    return this.#controller === undefined && this.#aborted === undefined && this.#own === undefined
  }

  get aborted() {
    return this.#aborted
  }

  /**
   * Calls `run` when this is aborted, at once if it has been. One listener is enough here.
   * @param {(reason: unknown) => void} run
   */
  onAbort(run) {
    this.#listener = run
    if (this.#aborted) run(this.#aborted.reason)
  }
  /** @type {((reason: unknown) => void) | undefined} */
  #listener

  /** @param {unknown} reason */
  abort(reason) {
    if (this.#aborted) return
    this.#aborted = { reason }
    this.#controller?.abort(reason)
    this.#listener?.(reason)
  }
}

/**
 * @param {AbortSignal} signal
 * @param {() => void} poll
 */
function pollOnRead(signal, poll) {
  const { get } = /** @type {{ get: () => boolean }} */ (Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted'))
  Object.defineProperty(signal, 'aborted', {
    configurable: true,
    get() {
      if (!get.call(this)) poll()
      return get.call(this)
    },
  })
  Object.defineProperty(signal, 'throwIfAborted', {
    configurable: true,
    value() {
      if (this.aborted) throw this.reason
    },
  })
}
