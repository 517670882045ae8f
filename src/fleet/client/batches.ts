/**
 * The items of one run as numbered batches: cut from its work, written as text, kept while they are out, and reported when something is known of them. What
 * carries them (a store with machines behind it, requests to a platform) is not known here.
 */
import { takeOut } from '../../encoding/broadcast.js'
import { fromWire } from '../../encoding/from-wire.ts'
import type { Batch } from '../../run/executor.ts'
import type { JobWork } from '../../workers/host/job.ts'
import { Ledger, type Range, type Verdict } from '../protocol/ledger.ts'
import type { Outcome } from '../protocol/message.ts'
import type { Sizing } from '../protocol/sizing.ts'
import type { BroadcastNames } from './broadcasts.ts'
import { Delivery, type DeliveryHost } from './delivery.ts'
import { packItems, piecesOf } from './packing.ts'
import { type Extra, plain, type Resent, resentOf, type Sent } from './sent.ts'

export interface Posted {
  readonly number: number
  readonly range: Range
  /** As text. */
  readonly items: string
  readonly extra: Extra
}

export interface BatchesSettings {
  readonly work: JobWork
  readonly sizing: Sizing
  /** Items may run again where a machine was lost with them. */
  readonly again: boolean
  /** Most characters of one batch. */
  readonly mostText: number
  readonly host: DeliveryHost
  readonly broadcasts: BroadcastNames
  post(posted: Posted): void
}

export class Batches {
  readonly ledger: Ledger
  readonly delivery: Delivery
  readonly #settings: BatchesSettings
  readonly #sent = new Map<number, Sent>()
  readonly #resend: Resent[] = []

  constructor(settings: BatchesSettings) {
    this.#settings = settings
    this.ledger = new Ledger(settings.again)
    this.delivery = new Delivery(settings.work, settings.host)
  }

  /** Nothing is out, and nothing is to be sent again. */
  get idle(): boolean {
    return this.ledger.batches === 0 && this.#resend.length === 0
  }

  /** What a batch that is out was sent as; undefined once something is known of it. */
  get(number: number): Sent | undefined {
    return this.#sent.get(number)
  }

  /** Sends the next batch, or the first of those that come again. @returns false where there is nothing to send now */
  next(most: number, slots: number, split: (batch: Batch) => Iterable<Batch> = (batch) => [batch]): boolean {
    const again = this.#resend.shift()
    if (again) {
      this.#post(again.range, again.items, again.extra)
      return true
    }
    const { work, sizing } = this.#settings
    const remaining = work.remaining()
    if (remaining === 0) return false
    const batch = work.take(Math.min(most, sizing.next(remaining, slots)))
    if (!batch) return false
    for (const part of split(batch)) this.#pack(part)
    return true
  }

  #pack(batch: Batch): void {
    const { work, mostText, broadcasts } = this.#settings
    const { first } = batch
    const meta = work.meta?.(batch)
    const keys = work.idempotencyKey === undefined ? work.keys?.(batch) : undefined
    const taken = takeOut(batch.items, work.spread)
    const failures: [number, unknown][] = []
    let places: Extra['places']
    let { items } = batch
    try {
      if (taken) [items, places] = [taken.items, broadcasts.name(taken)]
      for (const piece of piecesOf({ first, items, extra: { meta: meta && [...meta], keys, places } }, work.spread, mostText))
        if ('error' in piece) failures.push([piece.index, piece.error])
        else this.#post({ first: piece.first, count: piece.count, losses: 0 }, piece.text, piece.extra)
    } catch (error) {
      // A broadcast value that cannot be sent: all of the batch need it.
      for (let at = 0; at < items.length; at++) failures.push([first + at, error])
    }
    // Last, because a failure may cancel the run.
    for (const [index, error] of failures) work.fail(index, error, 0)
  }

  #post(range: Range, items: string, extra: Extra): void {
    const number = this.ledger.send(range, items.length)
    this.#sent.set(number, { first: range.first, count: range.count, items, extra })
    this.#settings.sizing.sent(range.count, items.length)
    this.#settings.post({ number, range, items, extra })
  }

  /** Items that a batch of an earlier start has. @returns the number by which something will be known of them */
  adopt({ first, items }: Batch, losses: number): number {
    const text = packItems(items, false)
    const number = this.ledger.send({ first, count: items.length, losses }, text.length)
    this.#sent.set(number, { first, count: items.length, items: text, extra: plain })
    return number
  }

  /** Carries out what the ledger says. @param lost the error of an item that is lost */
  report(verdict: Verdict | undefined, number: number, lost: (index: number) => unknown, outcome?: Outcome): void {
    const sent = this.#sent.get(number)
    this.#sent.delete(number)
    if (!verdict || !sent) return
    for (const range of verdict.resend) this.#resend.push(resentOf(sent, range))
    if (outcome?.kind === 'done') this.delivery.succeed(verdict, outcome)
    for (const index of verdict.skipped) this.delivery.skip(index)
    for (const index of verdict.lost) this.delivery.fail(index, lost(index))
    for (const index of verdict.refused)
      this.delivery.fail(index, outcome?.kind === 'refused' && outcome.error ? fromWire(outcome.error) : lost(index))
  }

  /** What was to be sent again is not. @param end what becomes of each item */
  dropResends(end: (index: number) => void): void {
    for (const { range } of this.#resend.splice(0)) for (let i = 0; i < range.count; i++) end(range.first + i)
  }

  /** Takes a single item out of what is to be sent again; false where it is not there. */
  dropResend(index: number): boolean {
    const at = this.#resend.findIndex(({ range }) => range.first === index && range.count === 1)
    if (at !== -1) this.#resend.splice(at, 1)
    return at !== -1
  }

  /** Everything that the work still has fails. */
  failRest(error: unknown): void {
    const { work } = this.#settings
    for (let batch = work.take(1_024); batch; batch = work.take(1_024))
      for (let i = 0; i < batch.items.length; i++) work.fail(batch.first + i, error, 0)
  }

  /** Number of the batch that has the item. */
  holding(index: number): number | undefined {
    return this.ledger.numbers().find((number) => {
      const range = this.ledger.get(number)
      return range !== undefined && index >= range.first && index < range.first + range.count
    })
  }
}
