// @ts-check
/**
 * A worker's way to offer calls to others: what it shares with the pool, and the messages between them. Who uses it is the home executor
 * (`../forking/home.ts`), of which a worker may hold several, because it may load several copies of heddle.
 *
 * @typedef {import('../protocol.ts').ForkMessage} ForkMessage
 * @typedef {import('../protocol.ts').ForkedMessage} ForkedMessage
 * @typedef {import('../protocol.ts').WorkerMessage} WorkerMessage
 * @typedef {import('../../encoding/encoded.ts').WireError} WireError
 * @typedef {{ forked(message: ForkedMessage): void, turned(): void }} Home
 */
import { left, offerCells, putUp, takeLast, takeRest } from './claims.js'
import { takeOut } from '../../encoding/broadcast.js'
import { shown } from '../../encoding/shown.js'

export class ForkPort {
  /** How many calls can truly run at once in the pool. @type {number} */
  slots
  /** @type {(message: WorkerMessage) => void} */
  #post
  /** Of threads: the cells of the offers. @type {Int32Array | undefined} */
  #cells
  /** How many workers are idle. @type {Int32Array} */
  #idle
  /** @type {() => number} */
  #lastBatch
  /** @type {number[]} */
  #free = Array.from({ length: offerCells }, (_, i) => i)
  #offers = 0
  /** Offers under way. @type {Map<number, { home: Home, cell: number }>} */
  #open = new Map()
  /** @type {Set<Home>} */
  #homes = new Set()

  /**
   * @param {(message: WorkerMessage) => void} post
   * @param {() => number} lastBatch
   * @param {{ slots: number, cells?: Int32Array | undefined, idle: Int32Array }} shared
   */
  constructor(post, lastBatch, { slots, cells, idle }) {
    this.#post = post
    this.#lastBatch = lastBatch
    this.slots = slots
    this.#cells = cells
    this.#idle = idle
  }

  /** Of processes: what the pool has sent. @param {number} count */
  setIdle(count) {
    Atomics.store(this.#idle, 0, count)
  }

  /** Does it show at once what others have taken? Not to processes. */
  get seesTaken() {
    return this.#cells !== undefined
  }

  /** @param {Home} home */
  add(home) {
    this.#homes.add(home)
    if (!this.#cells) this.#post({ type: 'forks' })
  }

  /** How many workers would take something; 0 also when too much has been offered already. */
  idle() {
    return this.#free.length > 0 ? Atomics.load(this.#idle, 0) : 0
  }

  /**
   * Gives the number of the offer.
   * @param {Home} home
   * @param {Omit<ForkMessage, 'type' | 'fork' | 'cell'>} offer
   * @throws when something in it cannot cross
   */
  offer(home, offer) {
    const cell = /** @type {number} */ (this.#free.pop())
    const fork = ++this.#offers
    if (this.#cells) putUp(this.#cells, cell, offer.items.length)
    try {
      const held = takeOut(offer.items, offer.spread)
      const items = /** @type {unknown[]} */ (shown(held?.items ?? offer.items, []))
      this.#post({ ...offer, items, ...(held && { broadcasts: held.places }), type: 'fork', fork, cell })
    } catch (error) {
      this.#free.push(cell)
      throw error
    }
    this.#open.set(fork, { home, cell })
    Atomics.sub(this.#idle, 0, 1)
    return fork
  }

  /** Takes the last one of an offer back that nobody has; gives its position, -1 when there is none. @param {number} fork */
  takeBack(fork) {
    const open = this.#open.get(fork)
    return open && this.#cells ? takeLast(this.#cells, open.cell) : -1
  }

  /** Takes all of it back that nobody has. @param {number} fork */
  takeBackAll(fork) {
    const open = this.#open.get(fork)
    return open && this.#cells ? takeRest(this.#cells, open.cell) : { from: 0, count: 0 }
  }

  /** How many of an offer nobody has taken, as far as that can be seen. @param {number} fork */
  left(fork) {
    const open = this.#open.get(fork)
    return open && this.#cells ? left(this.#cells, open.cell) : 0
  }

  /** Asks for what nobody has begun. @param {number} fork */
  recall(fork) {
    if (this.#open.has(fork)) this.#post({ type: 'fork-recall', fork })
  }

  /** @param {number} fork @param {WireError} reason */
  cancel(fork, reason) {
    if (this.#open.has(fork)) this.#post({ type: 'fork-cancel', fork, reason })
  }

  /** This worker has nothing to do before one of its forks has come back. */
  waits() {
    this.#post({ type: 'waits', batch: this.#lastBatch() })
  }

  /** @param {ForkedMessage} message */
  receive(message) {
    const open = this.#open.get(message.fork)
    if (!open) return
    if (message.over) {
      this.#open.delete(message.fork)
      this.#free.push(open.cell)
    }
    open.home.forked(message)
  }

  /** A batch has run, as far as it runs without waiting. */
  turned() {
    for (const home of this.#homes) home.turned()
  }
}
