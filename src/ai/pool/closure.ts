/**
 * Whether a model is left alone because it takes no request: its key is refused, it does not exist, its account is used up. Then its
 * calls go to the other models at once, for a refusal is the fastest of all answers and would attract them.
 *
 *     open ──close──▶ closed ──pause has passed──▶ one probe ──answered──▶ open
 *                        ▲                              │
 *                        └──── close, a longer pause ───┘
 *
 * Keys are renewed, accounts are filled up, deployments come back: so it is asked again, with one request at a time, after a pause
 * that doubles.
 */
import { performance } from '../../base/globals.js'
import { formatMs } from '../../base/duration.ts'
import { currentFrame } from '../../base/frame.ts'
import { note } from '../../base/observer.ts'

/** The first pause, and the longest. Chosen: a wrong judgement costs little, and a dead model two requests in ten minutes. */
const firstMs = 5_000
const longestMs = 300_000

export class Closure {
  /** Why the model is closed; undefined while it is open. */
  reason: Error | undefined
  readonly #name: string
  readonly #random: () => number
  /** Every reason so far: those that waited get it when they are let go. */
  readonly #reasons = new WeakSet<Error>()
  #until = 0
  #pauseMs = 0
  #probing = false
  readonly #firstMs: number

  /** @param coolDownMs the first pause */
  constructor(name: string, random: () => number, coolDownMs: number = firstMs) {
    this.#name = name
    this.#random = random
    this.#firstMs = coolDownMs
  }

  /** Milliseconds until it is asked again; 0 where it is open. */
  get pauseMs(): number {
    return this.reason === undefined ? 0 : Math.max(0, this.#until - performance.now())
  }

  /** Whether a request may be sent now. */
  get ready(): boolean {
    return this.reason === undefined || (!this.#probing && performance.now() >= this.#until)
  }

  /** Whether an error says no more than that the model is closed. */
  causes(error: unknown): boolean {
    return this.#reasons.has(error as Error)
  }

  /** Asks to send a request. Gives true when it is the probe. @throws {Error} the reason */
  enter(): boolean {
    if (this.reason === undefined) return false
    if (!this.ready) throw this.reason
    this.#probing = true
    return true
  }

  /** The probe was not answered. {@link close} says what that means, if anything. */
  giveUpProbe(): void {
    this.#probing = false
  }

  /** The model has answered. */
  reopen(): void {
    if (this.reason === undefined) return
    this.reason = undefined
    this.#pauseMs = 0
    note('limit', currentFrame().run, `${this.#name} answers again`)
  }

  /** Those that were under way at the same time, and fail as well, do not lengthen the pause. */
  close(reason: Error, pauseAtFirstMs = 0): void {
    this.#reasons.add(reason)
    const now = performance.now()
    if (this.reason !== undefined && now < this.#until) return
    this.reason = reason
    const first = Math.max(this.#firstMs, pauseAtFirstMs)
    this.#pauseMs = Math.min(Math.max(longestMs, first), Math.max(first, this.#pauseMs * 2))
    const pauseMs = this.#pauseMs * (0.75 + this.#random() / 2)
    this.#until = now + pauseMs
    note('limit', currentFrame().run, `${this.#name} is left alone for ${formatMs(pauseMs)}: ${reason.message}`)
  }
}
