/** Batches of an earlier start whose items this one wants: what becomes of them is heard as of its own, and each part of a batch gets what is said of its items. */
import type { Outcome } from '../protocol/message.ts'
import { type LeftBatch, type LeftPart, partOf } from './adoption.ts'
import type { QueueListener } from './queue-listener.ts'

/** What becomes of the items, by the number under which they are known in this start. */
export interface AdoptedEnds {
  read(text: string, count: number): Promise<Outcome>
  settled(number: number, outcome: Outcome): void
  unreadable(number: number, cause: unknown): void
  missing(number: number, why: string): void
}

export class AdoptedBatches {
  readonly #line: QueueListener
  readonly #ends: AdoptedEnds
  readonly #left = new Map<number, LeftBatch>()

  constructor(line: QueueListener, ends: AdoptedEnds) {
    this.#line = line
    this.#ends = ends
  }

  /** Of the job that has the items; undefined where none of an earlier start has. */
  jobOf(number: number): string | undefined {
    return this.#left.get(number)?.id
  }

  drop(number: number): void {
    this.#left.delete(number)
  }

  take(left: LeftBatch, part: LeftPart): void {
    this.#left.set(part.number, left)
    if (!left.want(part)) return
    const missing = (why: string): void => left.known(({ number }) => this.#ends.missing(number, why))
    this.#line.await(
      left.id,
      {
        outcome: (text) => void this.#settle(left, text),
        failed: (reason) => missing(`its job failed: ${reason}`),
        missing: () => missing('its job is not in the store any more'),
        begun: () => {},
        waitsAgain: () => {},
      },
      { there: true, keeps: true },
    )
  }

  async #settle(left: LeftBatch, text: string): Promise<void> {
    try {
      const outcome = await this.#ends.read(text, left.message.items.length)
      left.known(({ number, from, count }) => this.#ends.settled(number, partOf(outcome, from, count)))
    } catch (cause) {
      left.known(({ number }) => this.#ends.unreadable(number, cause))
    }
  }
}
