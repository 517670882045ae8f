// @ts-check
/**
 * What a batch has computed and not sent yet. Most results travel together; one that cannot cross does not take the others with it.
 *
 * @typedef {import('../protocol.ts').Blocks} Blocks
 * @typedef {import('../protocol.ts').ResultMessage} ResultMessage
 * @typedef {import('../../encoding/encoded.ts').WireError} WireError
 * @typedef {import('../protocol.ts').WireFailure} WireFailure
 * @typedef {import('./transport.ts').Transport} Transport
 * @typedef {{ startedAt: number[], settledAt: number[], marks: number[], next: number }} Times
 */
import { performance } from '../../base/globals.js'
import { findUncloneable } from '../../encoding/cloning.js'
import { seal } from '../../encoding/sealed.js'
import { shown } from '../../encoding/shown.js'
import { forgetTransfer, movedWith, nothingMarked, transferOf } from '../../encoding/transfers.js'
import { packError, unserializable } from '../../encoding/errors.js'
import { packNumbers } from '../../encoding/numbers.js'
import { bytesToWrite, written } from '../../encoding/written.js'

const epoch = performance.timeOrigin

/** Results that are large leave in pieces of about this size: half a millisecond of reading, so that the host can stop in between. Chosen. */
const pieceBytes = 65_536

export class Outbox {
  /** @type {number} */
  #batch
  /** @type {boolean} */
  #observed
  /** @type {Transport} */
  #transport
  // One entry per item that succeeded, in the order of settling; times only when observed.
  /** @type {unknown[]} */
  #values = []
  /** Values `from` and on belong to the items `at` and on, up to the next run. @type {{ at: number, from: number }[]} */
  #runs = []
  /** Epoch milliseconds: of each value, and when the next item begins where they are called in a row. @type {Times} */
  times = { startedAt: [], settledAt: [], marks: [], next: 0 }
  /** @type {WireFailure[]} */
  #errors = []
  /** @type {number[]} */
  #skipped = []
  #seal = false
  /** Milliseconds for reading arguments and writing results. */
  copyMs = 0
  /** Set when the values are those of merged blocks. @type {Blocks | undefined} */
  #blocks

  /**
   * @param {number} batch
   * @param {boolean} observed
   * @param {boolean} sealed results leave as bytes where they can
   * @param {Transport} transport
   */
  constructor(batch, observed, sealed, transport) {
    this.#batch = batch
    this.#observed = observed
    this.#seal = sealed
    this.#transport = transport
  }

  get empty() {
    return this.#values.length === 0 && this.#errors.length === 0
  }

  /**
   * @param {number} at
   * @param {unknown} value
   * @param {number} startedAt
   * @param {readonly number[]} [marks] when the parts of a composed function ended but the last
   */
  succeed(at, value, startedAt, marks) {
    this.valuesFrom(at).push(value)
    if (!this.#observed) return
    if (marks) this.times.marks.push(...marks)
    this.times.startedAt.push(startedAt)
    this.times.settledAt.push(epoch + performance.now())
  }

  /**
   * The list to which the results of the items from `at` on are to be added, one after the other.
   * @param {number} at
   */
  valuesFrom(at) {
    const { length } = this.#values
    const run = this.#runs.at(-1)
    if (!run || at !== run.at + length - run.from) this.#runs.push({ at, from: length })
    return this.#values
  }

  /**
   * @param {number} at
   * @param {unknown} error
   * @param {number} startedAt
   * @param {readonly number[]} [marks]
   */
  fail(at, error, startedAt, marks) {
    const settledAt = this.#observed ? epoch + performance.now() : 0
    this.#errors.push({ at, error: packError(error, this.#transport.clones), startedAt, settledAt, ...(marks && { marks }) })
  }

  /** The results so far, where nothing failed and all lie next to each other: what can be merged. */
  get whole() {
    const one = this.#runs.length === 1 && this.#errors.length === 0 && this.#skipped.length === 0
    return one && this.#values.length > 1
      ? { from: /** @type {{ at: number }} */ (this.#runs[0]).at, values: this.#values }
      : undefined
  }

  /**
   * The results are merged.
   * @param {Blocks} blocks
   * @param {unknown[]} values
   */
  merged(blocks, values) {
    this.#blocks = blocks
    this.#values = values
  }

  /**
   * Merging them failed: none of the results can be used.
   * @param {number} from
   * @param {number} count
   * @param {unknown} error
   */
  failMerged(from, count, error) {
    const { startedAt } = this.times
    this.#values = []
    this.#runs = []
    this.times.startedAt = []
    this.times.settledAt = []
    for (let i = 0; i < count; i++) this.fail(from + i, error, startedAt[i] ?? 0)
  }

  /** @param {number} at an item that never starts */
  skip(at) {
    this.#skipped.push(at)
  }

  /**
   * Sends everything, and is empty then.
   * @param {Pick<ResultMessage, 'stuck' | 'last' | 'busyMs' | 'async'>} state
   */
  send({ stuck, last, busyMs, async }) {
    const [values, runs] = [this.#values, this.#runs]
    /** @type {ResultMessage} */
    const message = {
      type: 'result',
      batch: this.#batch,
      values,
      from: runs[0]?.at ?? 0,
      positions: runs.length > 1 ? positionsOf(runs, values.length) : undefined,
      startedAt: this.#observed ? Float64Array.from(this.times.startedAt) : undefined,
      settledAt: this.#observed ? Float64Array.from(this.times.settledAt) : undefined,
      errors: this.#errors.length > 0 ? this.#errors : undefined,
      skipped: this.#skipped.length > 0 ? this.#skipped : undefined,
      stuck,
      last,
      busyMs,
      async,
      ...(this.times.marks.length > 0 && { marks: Float64Array.from(this.times.marks) }),
      ...(this.#blocks && { blocks: this.#blocks }),
      ...(this.copyMs > 0 && { copyMs: this.copyMs }),
    }
    this.#blocks = undefined
    this.#values = []
    this.#runs = []
    this.times.startedAt = []
    this.times.settledAt = []
    this.times.marks = []
    this.#errors = []
    this.#skipped = []
    this.#post(message, values)
  }

  /**
   * @param {ResultMessage} message
   * @param {unknown[]} values
   */
  #post(message, values) {
    if (this.#seal) return this.#postSealed(message, values)
    const numbers = packNumbers(values)
    if (numbers) return this.#transport.post({ ...message, values: numbers }, [numbers.buffer])
    if (this.#postPieces(message, values)) return
    const marked = nothingMarked() ? [] : values.filter((value) => transferOf(value) !== undefined)
    try {
      const moved = marked.flatMap((value) => movedWith(value))
      const errors = message.errors && shown(message.errors, moved)
      this.#transport.post({ ...message, values: shown(values, moved), errors }, moved)
      for (const value of marked) forgetTransfer(value)
    } catch (error) {
      this.#oneByOne(message, values, packError(error, this.#transport.clones))
    }
  }

  /**
   * As bytes, which the host reads a few at a time.
   * @param {ResultMessage} message
   * @param {unknown[]} values
   * @returns {boolean} false where they are small, or cannot all be written
   */
  #postPieces(message, values) {
    if (!this.#transport.progress || message.sealed || message.blocks) return false
    const bytes = bytesToWrite(values)
    if (bytes === 0) return false
    const begin = performance.now()
    const each = Math.max(1, Math.floor((pieceBytes * values.length) / bytes))
    const pieces = []
    for (let from = 0; from < values.length; from += each) {
      const some = values.slice(from, from + each)
      const piece = written(some, true)
      if (!piece) return false
      pieces.push({ count: some.length, bytes: piece })
    }
    this.copyMs += performance.now() - begin
    const moved = pieces.map((piece) => piece.bytes.buffer)
    try {
      this.#transport.post({ ...message, values: [], pieces, copyMs: this.copyMs }, moved)
      return true
    } catch {
      // An error among them holds what cannot cross.
      return false
    }
  }

  /**
   * As bytes, which nobody but another worker reads.
   * @param {ResultMessage} message
   * @param {unknown[]} values
   */
  #postSealed(message, values) {
    this.#seal = false
    /** @type {number[]} */
    const sealed = []
    const sent = values.map((value, i) => {
      const bytes = seal(value)
      if (bytes) sealed.push(i)
      return bytes ?? value
    })
    this.#post(sealed.length > 0 ? { ...message, sealed } : message, sent)
    this.#seal = true
  }

  /**
   * Some result cannot cross: each goes by itself, and an error in its place where it cannot.
   * @param {ResultMessage} message
   * @param {unknown[]} values
   * @param {WireError} cause
   */
  #oneByOne(message, values, cause) {
    const { clones } = this.#transport
    if (message.blocks) return this.#unmergedFailed(message, values, cause)
    const time = (/** @type {Float64Array | undefined} */ times, /** @type {number} */ i) => times?.slice(i, i + 1)
    /** @type {WireFailure[]} */
    const errors = [...(message.errors ?? [])]
    for (let i = 0; i < values.length; i++) {
      const at = message.positions?.[i] ?? message.from + i
      const [startedAt, settledAt] = [time(message.startedAt, i), time(message.settledAt, i)]
      /** @type {ResultMessage} */
      const one = { ...message, values: [values[i]], from: at, positions: undefined, startedAt, settledAt, last: false }
      const width = (message.marks?.length ?? 0) / values.length
      if (message.marks) one.marks = message.marks.slice(i * width, (i + 1) * width)
      try {
        const moved = [...movedWith(values[i])]
        this.#transport.post({ ...one, values: shown(one.values, moved), errors: undefined, skipped: undefined }, moved)
        forgetTransfer(values[i])
      } catch {
        const error = unserializable(findUncloneable(values[i], 'result', clones) ?? 'result cannot be moved', 'result', cause)
        errors.push({ at, error, startedAt: startedAt?.[0] ?? 0, settledAt: settledAt?.[0] ?? 0 })
      }
    }
    const none = message.startedAt && new Float64Array(0)
    this.#transport.post({ ...message, values: [], positions: undefined, startedAt: none, settledAt: none, errors }, [])
  }

  /**
   * A merged block cannot cross: it stands for many items, and all of them fail.
   * @param {ResultMessage} message
   * @param {unknown[]} values
   * @param {WireError} cause
   */
  #unmergedFailed({ blocks, ...message }, values, cause) {
    const { clones } = this.#transport
    const where = values.map((value) => findUncloneable(value, 'merged result', clones)).find((found) => found !== undefined)
    const error = unserializable(where ?? 'merged result cannot be moved', 'merged result', cause)
    const none = message.startedAt && new Float64Array(0)
    const errors = Array.from({ length: blocks?.items ?? 0 }, (_item, i) => ({
      at: message.from + i,
      error,
      startedAt: message.startedAt?.[i] ?? 0,
      settledAt: message.settledAt?.[i] ?? 0,
    }))
    this.#transport.post(
      { ...message, sealed: [], values: [], positions: undefined, startedAt: none, settledAt: none, errors },
      [],
    )
  }
}

/**
 * @param {{ at: number, from: number }[]} runs
 * @param {number} length
 */
function positionsOf(runs, length) {
  const positions = []
  for (const [i, { at, from }] of runs.entries()) {
    const to = runs[i + 1]?.from ?? length
    for (let value = from; value < to; value++) positions.push(at + value - from)
  }
  return positions
}
