/**
 * What home has offered to workers that have nothing to do, and what came of it. When something is offered, and when it is taken back, is said in `home.ts`.
 *
 * State: each offer is a part of a unit, of which `back` says what has returned, as a result or by itself. Invariant: every item of an offer comes back
 * exactly once, from the pool, or because home took it.
 */
import { performance, setTimeout } from '../../base/globals.js'
import { packError } from '../../encoding/errors.js'
import type { ForkedMessage } from '../protocol.ts'
import type { ForkPort } from '../thread/fork-port.js'
import { Single } from './single.ts'
import { type Given, type Line, type Unit, worthMs } from './unit.ts'

/** Between two offers of what may be small. An offer costs home about 20 µs. */
const beatMs = 1
/** The oldest few are looked at: behind them lie smaller ones. */
const mostLookedAt = 4
/** Offers that lie with the pool for those who are at work. Chosen: a few of the cells that settle them (`../thread/claims.js`). */
const mostAhead = 16
/** Home waits as long before it asks for what nobody has begun: whoever has it may be about to begin. */
const recallAfterMs = 2

interface Offer {
  readonly unit: Unit
  readonly given: Given
  /** By position: it has come back, as a result or by itself. */
  readonly back: Uint8Array
  open: number
  recalled: boolean
}

/** The home that offers, as the port and its offers see it. */
type Offering = Parameters<ForkPort['offer']>[0] & { idleSoon(): void }

export class Offers {
  readonly #port: ForkPort
  readonly #home: Offering
  readonly #line: Line
  /** Something was offered or came back. */
  readonly #changed: () => void
  readonly #offers = new Map<number, Offer>()
  #lookedAt = 0
  #nextOffer = 0
  #recalling = false

  constructor(port: ForkPort, home: Offering, line: Line, changed: () => void) {
    this.#port = port
    this.#home = home
    this.#line = line
    this.#changed = changed
  }

  get size(): number {
    return this.#offers.size
  }

  /** A batch begins or ends: what was before does not show how much a step does. */
  turned(now: number): void {
    this.#lookedAt = now
  }

  /** Offers the oldest that is worth it, if somebody is idle. Called often. */
  look(): void {
    const idle = this.#wanted()
    if (idle <= 0) return
    const now = performance.now()
    // Whatever held the thread since the last look shows how much a step does here.
    const step = now - this.#lookedAt
    this.#lookedAt = now
    if (now < this.#nextOffer) return
    if (this.#offerOldest(idle, now, step)) this.#nextOffer = now + beatMs
  }

  /** Offers the oldest, if somebody is idle: something has come that takes long, or may. */
  offerNow(): void {
    const idle = this.#wanted()
    if (idle > 0) this.#offerOldest(idle, 0, Number.POSITIVE_INFINITY)
  }

  /** For how many others there is to be something: the idle ones, or the next one of those that work on what home offered. */
  #wanted(): number {
    const idle = this.#port.idle()
    if (idle > 0 || this.#offers.size === 0 || !this.#port.seesTaken) return idle
    let ahead = 0
    for (const fork of this.#offers.keys()) if (this.#port.left(fork) > 0) ahead++
    return ahead < Math.min(this.#port.slots - 1, this.#offers.size - ahead, mostAhead) ? 1 : 0
  }

  /** @param now for what the units say themselves; 0 where `leastMs` says enough of all */
  #offerOldest(idle: number, now: number, leastMs: number): boolean {
    let unit = this.#line.oldest
    for (let i = 0; unit && i < mostLookedAt; i++) {
      const { newer } = unit as Unit
      if ((leastMs >= worthMs || unit.leastMs(now) >= worthMs) && this.offer(unit, idle)) return true
      unit = newer
    }
    return false
  }

  /** Gives a part of it to the pool, for so many who are idle. False where there is nothing to give. */
  offer(unit: Unit, idle: number): boolean {
    const given = unit.give(idle)
    if (!given) return false
    const { module, name, batch, depth } = unit
    const deadline = given.deadline + performance.timeOrigin
    let fork: number
    try {
      fork = this.#port.offer(this.#home, { module, name, batch, depth, ...given, deadline })
    } catch {
      // Something in it cannot cross. It runs here, which says the same.
      unit.stays(given)
      return false
    }
    this.#offers.set(fork, { unit, given, back: new Uint8Array(given.items.length), open: given.items.length, recalled: false })
    if (unit instanceof Single) unit.watch((reason) => this.cancel(unit, reason))
    this.#changed()
    return true
  }

  /** Nobody wants what others have of it. */
  cancel(unit: Unit, reason: unknown): void {
    for (const [fork, offer] of this.#offers) {
      if (offer.unit !== unit) continue
      const { from, count } = this.#port.takeBackAll(fork)
      this.#port.cancel(fork, packError(reason))
      const { first } = offer.given
      const indexes = Array.from({ length: count }, (_, i) => first + from + i)
      this.#closed(fork, offer, indexes)
      for (const index of indexes) unit.skipped(index)
    }
  }

  #closed(fork: number, offer: Offer, indexes: Iterable<number>): void {
    for (const index of indexes) {
      offer.back[index - offer.given.first] = 1
      offer.open--
    }
    if (offer.open === 0) this.#offers.delete(fork)
  }

  /** What became of an offer. */
  forked({ fork, first, values, errors, skipped, returned, over }: ForkedMessage): void {
    const offer = this.#offers.get(fork)
    if (!offer) return
    const { unit, given } = offer
    this.#changed()
    this.#closed(
      fork,
      offer,
      Array.from(values, (_, i) => first + i),
    )
    this.#closed(fork, offer, [...(errors ?? []).map(({ index }) => index), ...(skipped ?? []), ...(returned ?? [])])
    // Of an offer that nobody could read.
    const left = over ? [...offer.back.keys()].filter((at) => offer.back[at] === 0).map((at) => given.first + at) : []
    this.#closed(fork, offer, left)
    if (values.length > 0) unit.succeeded(first, values)
    for (const { index, error } of errors ?? []) unit.failed(index, error)
    for (const index of skipped ?? []) unit.skipped(index)
    const own = [...(returned ?? []), ...left]
    if (own.length > 0) unit.returned(own, given)
    this.#home.idleSoon()
  }

  /** Half of what nobody has, of the offer that was made last: the others may still take the rest. */
  takeBack(): boolean {
    for (const [fork, offer] of [...this.#offers].reverse()) {
      const indexes: number[] = []
      for (let most = Math.ceil(this.#port.left(fork) / 2); most > 0; most--) {
        const at = this.#port.takeBack(fork)
        if (at < 0) break
        indexes.unshift(offer.given.first + at)
      }
      if (indexes.length === 0) continue
      if (this.#port.left(fork) === 0) this.#recall(fork, offer)
      this.#closed(fork, offer, indexes)
      offer.unit.returned(indexes, offer.given)
      return true
    }
    return false
  }

  /** Asks the pool for what nobody has begun, after a moment. */
  recallSoon(): void {
    if (this.#recalling || [...this.#offers.values()].every(({ recalled }) => recalled)) return
    this.#recalling = true
    setTimeout(() => {
      this.#recalling = false
      for (const [fork, offer] of this.#offers) if (!offer.recalled) this.#recall(fork, offer)
    }, recallAfterMs)
  }

  #recall(fork: number, offer: Offer): void {
    offer.recalled = true
    this.#port.recall(fork)
  }
}
