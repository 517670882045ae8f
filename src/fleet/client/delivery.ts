/**
 * What comes back, on its way to the work that asked for it: each item is reported once, with the row of the machine's slot that ran it and times of this machine's
 * clock. An item that was given up meanwhile has its error already, whatever a machine says of it.
 */
import { performance } from '../../base/globals.js'
import { fromWire } from '../../encoding/from-wire.ts'
import type { JobWork } from '../../workers/host/job.ts'
import type { Verdict } from '../protocol/ledger.ts'
import type { Done } from '../protocol/message.ts'

export interface DeliveryHost {
  /** Milliseconds from this machine's clock to that of the times in outcomes. */
  readonly offsetMs: number
  /** Row of a trace for what a slot of a worker runs. */
  rowOf(worker: string, slot: number): number
}

export class Delivery {
  readonly #work: JobWork
  readonly #host: DeliveryHost
  /** Items that were given up: their error decides. */
  readonly #doomed = new Map<number, unknown>()

  constructor(work: JobWork, host: DeliveryHost) {
    this.#work = work
    this.#host = host
  }

  /** The item's caller has left, for this reason. */
  doom(index: number, error: unknown): void {
    this.#doomed.set(index, error)
  }

  /** Why the item was given up; undefined while it was not, and once it has been reported. */
  doomOf(index: number): unknown {
    return this.#doomed.get(index)
  }

  succeed(verdict: Verdict, outcome: Done): void {
    for (const { first, from, count } of verdict.succeeded) {
      if (this.#doomed.size === 0) this.#give(outcome, first, from, count)
      else
        for (let i = 0; i < count; i++) {
          if (this.#doomed.has(first + i)) this.fail(first + i, undefined)
          else this.#give(outcome, first + i, from + i, 1)
        }
    }
    const { errors = [], worker } = outcome
    for (const { index, place } of verdict.failed)
      this.fail(index, fromWire(errors[place]?.[1] ?? {}), this.#host.rowOf(worker, 0))
  }

  /** Items next to each other, in pieces that one slot has run. */
  #give({ values, times, slots, worker }: Done, first: number, from: number, count: number): void {
    const toHere = -this.#host.offsetMs - performance.timeOrigin
    for (let at = 0, to = 0; at < count; at = to) {
      const slot = slots?.[from + at] ?? 0
      to = slots ? at + 1 : count
      while (to < count && slots?.[from + to] === slot) to++
      const [begin, end] = [from + at, from + to]
      const part = begin === 0 && end === values.length ? values : values.slice(begin, end)
      const row = this.#host.rowOf(worker, slot)
      if (!times) this.#work.succeed(first + at, part, row)
      else {
        const timesOf = (side: 0 | 1): Float64Array =>
          Float64Array.from(part, (_, i) => (times[2 * (begin + i) + side] ?? 0) + toHere)
        this.#work.succeed(first + at, part, row, timesOf(0), timesOf(1))
      }
    }
  }

  fail(index: number, error: unknown, row = 0): void {
    const doom = this.#doomed.get(index)
    this.#doomed.delete(index)
    this.#work.fail(index, doom ?? error, row)
  }

  skip(index: number): void {
    if (this.#doomed.has(index)) this.fail(index, undefined)
    else this.#work.skip(index)
  }
}
