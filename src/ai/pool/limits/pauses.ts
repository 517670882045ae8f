/** How long to pause after refusals for the rate: as long as the provider says, and longer when that did not help. Pure. */
import { backoffBoundMs } from '../../../limits/index.ts'

/** The pause after a refusal that says nothing about its length: doubled each time up to the cap. OpenAI's cookbook begins at one second. */
const backoffMs = 1_000
const backoffCapMs = 60_000
/** So many pauses one after the other, with no call answered in between, are as long as the provider says; after that they double, too. Chosen. */
const trustedPauses = 8

export class Pauses {
  #inARow = 0
  readonly #random: () => number

  constructor(random: () => number) {
    this.#random = random
  }

  /** A pause begins. */
  begin(): void {
    this.#inARow++
  }

  /** How long it lasts. @param waitMs what the provider says */
  waitMs(waitMs: number | undefined): number {
    const doubled = this.#inARow - 1 - (waitMs === undefined ? 0 : trustedPauses)
    const backoff = doubled < 0 ? 0 : backoffBoundMs(backoffMs, backoffCapMs, doubled + 1)
    return Math.max(waitMs ?? 0, backoff * (0.5 + this.#random() / 2))
  }

  answered(): void {
    this.#inARow = 0
  }
}
