/**
 * What a journal knows of batches, so that none is paid for twice:
 *
 *     intent-1    a batch is about to be sent: the ids of its requests, and what it is to be known by
 *     sent-KEY    the provider has taken it, under this id
 *     answer-ID   what a request was answered with
 *     done-KEY    every request of it is answered, or may be sent again
 *
 * A batch with an intent and without `sent` may or may not have been sent: the provider's list says.
 */
import { type Checkpoint, openCheckpoint, type OpenCheckpoint } from '../../checkpoint/index.ts'
import type { Intent } from './apis/batch-api.ts'

/** A batch that an earlier run has begun and not ended. */
export interface Unfinished extends Intent {
  readonly base: string
  readonly endpoint: string
  /** Its id at the provider; undefined where that was not recorded. */
  readonly sentAs: string | undefined
}

export class BatchRecords {
  readonly unfinished: readonly Unfinished[]
  readonly #open: OpenCheckpoint | undefined
  #next: number
  #recorded = 0
  #restored = 0

  private constructor(open: OpenCheckpoint | undefined) {
    this.#open = open
    const unfinished: Unfinished[] = []
    let number = 1
    for (; open?.steps.has(`intent-${number}`); number++) {
      const intent = open.steps.value(`intent-${number}`) as Omit<Unfinished, 'sentAs'>
      if (open.steps.has(`done-${intent.key}`)) continue
      const sent = `sent-${intent.key}`
      unfinished.push({ ...intent, sentAs: open.steps.has(sent) ? (open.steps.value(sent) as string) : undefined })
    }
    this.#next = number
    this.unfinished = unfinished
  }

  /** @throws {JournalRefused} @throws {JournalFailed} */
  static async open(checkpoint: Checkpoint | undefined): Promise<BatchRecords> {
    return new BatchRecords(checkpoint === undefined ? undefined : await openCheckpoint(checkpoint, 'batch', 0))
  }

  /** What an earlier run was answered with; undefined where it was not. */
  answer(id: string): unknown {
    if (!this.#open?.steps.has(`answer-${id}`)) return undefined
    this.#restored++
    return this.#open.steps.value(`answer-${id}`)
  }

  intend(intent: Omit<Unfinished, 'sentAs'>): Promise<void> {
    return this.#record(`intent-${this.#next++}`, intent)
  }

  sent(key: string, id: string): Promise<void> {
    return this.#record(`sent-${key}`, id)
  }

  answered(id: string, body: unknown): Promise<void> {
    this.#recorded++
    return this.#record(`answer-${id}`, body)
  }

  done(key: string): Promise<void> {
    return this.#record(`done-${key}`, true)
  }

  async close(): Promise<void> {
    await this.#open?.close(this.#restored, this.#recorded)
  }

  async #record(key: string, value: unknown): Promise<void> {
    await this.#open?.steps.record(key, value).durable
  }
}
