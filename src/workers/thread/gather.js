// @ts-check
/**
 * The folds of the keys of one partition, on the worker where it lies. Blocks come in their order, so that every key sees its items in theirs.
 *
 * State: for each shuffle and partition a number for each key, its value, and where its first item stood: the result has the keys in the order in
 * which the input first has them, however they were divided. What this worker itself scattered for a partition waits here, as it is, until its block
 * is asked for.
 *
 * @typedef {import('../../run/shapes.ts').GatherShape} GatherShape
 * @typedef {import('../../encoding/encoded.ts').Chunk} Chunk
 * @typedef {import('./transport.ts').Loaded} Loaded
 * @typedef {import('./chain.js').BlockContext} BlockContext
 * @typedef {{ table: KeyTable, keys: unknown[], values: unknown[], order: number[], kept: Map<number, Chunk> }} Partition
 * @typedef {{ shuffle: number, partition: number, does: 'add', start: unknown, chunks: (Uint8Array | Chunk | { kept: number })[] }} Add
 * @typedef {{ shuffle: number, partition: number, does: 'take', from: number }} Take
 * @typedef {{ shuffle: number, partition: number, does: 'drop' }} Drop
 */
import { isThenable } from '../../base/look.js'
import { packNumbers } from '../../encoding/numbers.js'
import { columnOf, packRows, rowReader } from '../../encoding/rows.js'
import { unseal } from '../../encoding/sealed.js'
import { copyOf, looksEvery, mostWaiting } from './chain.js'
import { KeyTable } from './key-table.js'

/** Values that are taken at a time: few enough that reading them holds the thread that takes them for a few milliseconds. Chosen. */
const [takenSimple, takenObjects] = [16_384, 1_024]
/** Blocks have less than so many items. */
const blockSpan = 2 ** 31

/** By shuffle, then by partition. @type {Map<number, Map<number, Partition>>} */
const partitions = new Map()

/**
 * Keeps what this worker has scattered, where the partition lies here.
 * @param {number} shuffle
 * @param {number} partition
 * @param {Chunk} chunk
 * @returns {boolean} false where it lies elsewhere
 */
export function keep(shuffle, partition, chunk) {
  const state = partitions.get(shuffle)?.get(partition)
  state?.kept.set(chunk.block, chunk)
  return state !== undefined
}

/** @param {number} shuffle @param {number} partition @returns {Partition} */
function stateOf(shuffle, partition) {
  let own = partitions.get(shuffle)
  if (!own) partitions.set(shuffle, (own = new Map()))
  let state = own.get(partition)
  if (!state) own.set(partition, (state = { table: new KeyTable(), keys: [], values: [], order: [], kept: new Map() }))
  return state
}

/**
 * @param {GatherShape} shape
 * @param {readonly Loaded[]} parts
 * @returns {(message: Add | Take | Drop, context: BlockContext) => unknown}
 */
export function gathering(shape, parts) {
  return (message, context) => {
    const { shuffle, partition } = message
    if (message.does === 'drop') {
      const own = partitions.get(shuffle)
      own?.delete(partition)
      if (own?.size === 0) partitions.delete(shuffle)
      return undefined
    }
    const state = stateOf(shuffle, partition)
    return message.does === 'take' ? taken(state, message.from) : new Folding(shape, parts, state, message, context).run()
  }
}

/**
 * @param {Partition} state
 * @param {number} from
 */
function taken({ keys, values, order }, from) {
  const isSimple = (/** @type {unknown} */ value) => typeof value !== 'object' || value === null
  const simple = isSimple(values[from]) && values.slice(from, from + takenSimple).every(isSimple)
  const to = Math.min(keys.length, from + (simple ? takenSimple : takenObjects))
  const some = values.slice(from, to)
  const rows = packRows(some)
  return {
    keys: packed(keys.slice(from, to)),
    values: rows ?? packed(some),
    packed: rows !== undefined,
    order: Float64Array.from(order.slice(from, to)),
    over: to === keys.length,
  }
}

/** @param {unknown[]} values */
const packed = (values) => packNumbers(values) ?? values

/** One call: chunks of one block after the other. */
class Folding {
  /** Keys of which a fold is under way, by slot. @type {Map<number, Promise<void>>} */
  #waiting = new Map()
  #seen = 0
  /** How many of the chunk's first values have been used. */
  #started = 0

  /**
   * @param {GatherShape} shape
   * @param {readonly Loaded[]} parts
   * @param {Partition} state
   * @param {Add} message
   * @param {BlockContext} context
   */
  constructor({ key, partial, start }, parts, state, message, context) {
    this.field = key
    this.partial = partial
    this.state = state
    this.message = message
    this.context = context
    const rest = [...parts]
    this.fold = /** @type {Loaded} */ (rest.shift()).call
    this.start = start === 'function' ? /** @type {Loaded} */ (rest.shift()).call : undefined
    this.combine = partial ? /** @type {Loaded} */ (rest.shift()).call : this.fold
  }

  run() {
    return this.#chunks(0)
  }

  /** @param {number} from @returns {unknown} */
  #chunks(from) {
    const { chunks } = this.message
    for (let i = from; i < chunks.length; i++) {
      const later = this.#chunk(this.#read(/** @type {Uint8Array | Chunk | { kept: number }} */ (chunks[i])))
      if (later) return later.then(() => this.#chunks(i + 1))
    }
    return this.state.keys.length
  }

  /** @param {Uint8Array | Chunk | { kept: number }} chunk @returns {Chunk} */
  #read(chunk) {
    if (chunk instanceof Uint8Array) return /** @type {Chunk} */ (unseal(chunk))
    if (!('kept' in chunk)) return chunk
    const { kept } = this.state
    const own = /** @type {Chunk} */ (kept.get(chunk.kept))
    kept.delete(chunk.kept)
    return own
  }

  /**
   * How its items and their keys are read.
   * @param {Chunk} chunk
   * @returns {{ itemAt: (i: number) => unknown, keys: ArrayLike<unknown> | undefined }}
   */
  #readers({ items, packed, keys }) {
    const { field } = this
    const list = /** @type {ArrayLike<unknown>} */ (items)
    if (!packed) return { itemAt: (i) => list[i], keys }
    const rows = /** @type {import('../../encoding/encoded.ts').Rows} */ (items)
    return { itemAt: rowReader(rows), keys: keys ?? (field === null || field === undefined ? undefined : columnOf(rows, field)) }
  }

  /** @param {any} item */
  #keyOf(item) {
    return this.field === null ? 0 : item[/** @type {string} */ (this.field)]
  }

  /** @param {Chunk} chunk @returns {Promise<void> | undefined} */
  #chunk(chunk) {
    const { itemAt, keys } = this.#readers(chunk)
    const { length } = chunk.at
    const { combine, context } = this
    const { table, values } = this.state
    this.#started = 0
    for (let i = 0; i < length; i++) {
      if (++this.#seen % looksEvery === 0) context.look()
      const item = itemAt(i)
      const key = keys ? keys[i] : this.#keyOf(item)
      const { size } = table
      const slot = table.numberOf(key)
      if (slot === size) {
        const later = this.#first(slot, key, item, chunk, i)
        if (later) return this.#goOn(later, itemAt, keys, chunk, i + 1)
        continue
      }
      const value = combine(values[slot], item, context)
      if (isThenable(value)) return this.#goOn(this.#put(slot, value), itemAt, keys, chunk, i + 1)
      values[slot] = value
    }
    return undefined
  }

  /**
   * The first item of a key.
   * @param {number} slot
   * @param {unknown} key
   * @param {unknown} item
   * @param {Chunk} chunk
   * @param {number} i
   * @returns {Promise<void> | undefined}
   */
  #first(slot, key, item, chunk, i) {
    const { keys, values, order } = this.state
    keys.push(key)
    order.push(chunk.block * blockSpan + /** @type {number} */ (chunk.at[i]))
    values.push(undefined)
    if (this.partial) return this.#put(slot, item)
    const first = chunk.starts
      ? chunk.starts[this.#started++]
      : this.start
        ? this.start(key, this.context)
        : copyOf(this.message.start)
    if (!isThenable(first)) return this.#put(slot, this.fold(first, item, this.context))
    return Promise.resolve(first).then((value) => this.#put(slot, this.fold(value, item, this.context)))
  }

  /** @param {number} slot @param {unknown} value @returns {Promise<void> | undefined} */
  #put(slot, value) {
    const { values } = this.state
    if (isThenable(value)) return Promise.resolve(value).then((settled) => void (values[slot] = settled))
    values[slot] = value
    return undefined
  }

  /**
   * A function waits: different keys at once, a few at a time; items of one key one after the other.
   * @param {Promise<void> | undefined} later
   * @param {(i: number) => unknown} itemAt
   * @param {ArrayLike<unknown> | undefined} keys
   * @param {Chunk} chunk
   * @param {number} from
   */
  async #goOn(later, itemAt, keys, chunk, from) {
    const { table, values } = this.state
    const waiting = this.#waiting
    // The key before may be any of those that follow.
    await later
    for (let i = from; i < chunk.at.length; i++) {
      this.context.look()
      const item = itemAt(i)
      const key = keys ? keys[i] : this.#keyOf(item)
      const busy = waiting.get(table.find(key))
      if (busy) await busy
      const { size } = table
      const slot = table.numberOf(key)
      const pending =
        slot === size ? this.#first(slot, key, item, chunk, i) : this.#put(slot, this.combine(values[slot], item, this.context))
      if (pending) {
        const over = pending.finally(() => waiting.delete(slot))
        // Whoever waits for it hears of a failure.
        over.catch(() => {})
        waiting.set(slot, over)
      }
      if (waiting.size >= mostWaiting) await Promise.race(waiting.values())
    }
    await Promise.all(waiting.values())
  }
}
