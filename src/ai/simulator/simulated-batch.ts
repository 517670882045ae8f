/**
 * One batch of a simulated provider: which of its requests are done at what time, and how it ends. A state machine: times come in, no clock.
 *
 * Requests are done one after the other, evenly over the batch's duration. A batch that is cancelled, or whose window has passed, keeps what was done. Chance is
 * drawn by what is asked and how often, as for requests of their own.
 */
import { createHash } from 'node:crypto'
import type { BatchSettings } from './settings.ts'

/** One request of a batch. */
export interface BatchLine {
  readonly id: string
  readonly body: unknown
}

/** How a request has ended. */
export type BatchOutcome = 'done' | 'failed' | 'expired' | 'cancelled'

export class SimulatedBatch {
  readonly id: string
  readonly lines: readonly BatchLine[]
  /** Whatever the client said of it, for lists. */
  readonly label: unknown
  /** Simulated milliseconds. */
  readonly createdAt: number
  /** The same on the calendar, as clients are told. */
  readonly createdOn: Date
  readonly expiresAt: number
  readonly #durationMs: number
  /** It stops after half of its requests, and expires. */
  readonly #stalls: boolean
  /** One that expires or is cancelled keeps what was done; Gemini's keep nothing. */
  readonly #keeps: boolean
  #cancelledAt = Number.POSITIVE_INFINITY

  constructor(
    id: string,
    lines: readonly BatchLine[],
    label: unknown,
    now: number,
    settings: BatchSettings,
    number: number,
    today: Date,
    keeps = true,
  ) {
    this.id = id
    this.lines = lines
    this.label = label
    this.createdAt = now
    this.createdOn = today
    this.expiresAt = now + settings.windowMs
    this.#durationMs = settings.durationMs
    this.#stalls = number < settings.expire
    this.#keeps = keeps
  }

  cancel(now: number): void {
    if (!this.ended(now)) this.#cancelledAt = Math.min(this.#cancelledAt, now)
  }

  get cancelled(): boolean {
    return this.#cancelledAt < Number.POSITIVE_INFINITY
  }

  /** When it is over. */
  get endsAt(): number {
    const doneAt = this.#stalls ? Number.POSITIVE_INFINITY : this.createdAt + this.#durationMs
    return Math.min(doneAt, this.expiresAt, this.#cancelledAt)
  }

  ended(now: number): boolean {
    return now >= this.endsAt
  }

  /** Whether its window passed before it was done. */
  expired(now: number): boolean {
    return this.ended(now) && this.endsAt === this.expiresAt && this.doneAt(now) < this.lines.length
  }

  /** How many of its requests are done. */
  doneAt(now: number): number {
    const until = Math.min(now, this.endsAt)
    if (!this.#keeps && this.ended(now) && (this.#stalls || this.endsAt < this.createdAt + this.#durationMs)) return 0
    const most = this.#stalls ? Math.floor(this.lines.length / 2) : this.lines.length
    if (until >= this.createdAt + this.#durationMs) return most
    return Math.min(most, Math.floor(((until - this.createdAt) / this.#durationMs) * this.lines.length))
  }

  /** The outcome of a request, once the batch is over. */
  outcome(index: number, now: number, fails: boolean): BatchOutcome {
    if (index >= this.doneAt(now)) return this.cancelled ? 'cancelled' : 'expired'
    return fails ? 'failed' : 'done'
  }
}

export function contentKey(body: unknown): string {
  return createHash('sha256').update(JSON.stringify(body)).digest('hex')
}
