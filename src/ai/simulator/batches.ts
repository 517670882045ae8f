/** The batches of a simulated provider: made, looked at, cancelled, and answered when somebody asks for the results. */
import { Recent } from '../../base/recent.ts'
import { Draws } from './random.ts'
import type { BatchSettings } from './settings.ts'
import { type BatchLine, type BatchOutcome, contentKey, SimulatedBatch } from './simulated-batch.ts'

/** What batches have done. */
export interface BatchStats {
  readonly batches: number
  readonly requests: number
  /** Requests of batches that are over, by how they ended. Answered ones are billed. */
  readonly answered: number
  readonly failed: number
  readonly expired: number
  readonly cancelled: number
}

/** Requests that are remembered, so that a second try draws anew. Chosen. */
const mostSeen = 200_000
/** Batches that are kept, and files, which are large. Chosen. */
const mostKept = 1_000
const mostFiles = 64

export class Batches {
  readonly settings: BatchSettings
  readonly files = new Recent<string, Buffer>(mostFiles)
  readonly #seed: number
  readonly #batches = new Map<string, SimulatedBatch>()
  readonly #tries = new Recent<string, number>(mostSeen)
  /** Of each batch, which requests fail. */
  readonly #fails = new Map<string, readonly boolean[]>()
  readonly #counted = new Set<string>()
  #made = 0
  #requests = 0
  readonly #ended: Record<BatchOutcome, number> = { done: 0, failed: 0, expired: 0, cancelled: 0 }

  constructor(settings: BatchSettings, seed: number) {
    this.settings = settings
    this.#seed = seed
  }

  create(prefix: string, lines: readonly BatchLine[], label: unknown, now: number, keeps = true): SimulatedBatch {
    const id = `${prefix}${this.#seed}_${String(this.#made).padStart(6, '0')}`
    const batch = new SimulatedBatch(id, lines, label, now, this.settings, this.#made++, new Date(), keeps)
    this.#requests += lines.length
    this.#batches.set(id, batch)
    this.#fails.set(
      id,
      lines.map(({ body }) => {
        const key = contentKey(body)
        const tries = (this.#tries.get(key) ?? 0) + 1
        this.#tries.set(key, tries)
        return new Draws(this.#seed, 'batch', key, tries).happens(this.settings.failures)
      }),
    )
    const [oldest] = this.#batches.keys()
    if (this.#batches.size > mostKept && oldest !== undefined) this.#forget(oldest)
    return batch
  }

  get(id: string): SimulatedBatch | undefined {
    return this.#batches.get(id)
  }

  /** The newest first. @param after the id after which the page begins */
  list(
    prefix: string,
    limit: number,
    after: string | undefined,
  ): { readonly page: readonly SimulatedBatch[]; readonly more: boolean } {
    const all = [...this.#batches.values()].filter(({ id }) => id.startsWith(prefix)).toReversed()
    const from = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1
    return { page: all.slice(from, from + limit), more: all.length > from + limit }
  }

  /** How many requests of a batch ended how, so far. */
  counts(batch: SimulatedBatch, now: number): Readonly<Record<BatchOutcome | 'running', number>> {
    const counts = { done: 0, failed: 0, expired: 0, cancelled: 0, running: 0 }
    const [done, isOver] = [batch.doneAt(now), batch.ended(now)]
    batch.lines.forEach((_, index) => {
      if (index < done) counts[this.fails(batch, index) ? 'failed' : 'done']++
      else counts[isOver ? (batch.cancelled ? 'cancelled' : 'expired') : 'running']++
    })
    if (isOver && !this.#counted.has(batch.id)) {
      this.#counted.add(batch.id)
      for (const outcome of ['done', 'failed', 'expired', 'cancelled'] as const) this.#ended[outcome] += counts[outcome]
    }
    return counts
  }

  fails(batch: SimulatedBatch, index: number): boolean {
    return this.#fails.get(batch.id)?.[index] ?? false
  }

  stats(now: number): BatchStats {
    for (const batch of this.#batches.values()) if (batch.ended(now)) this.counts(batch, now)
    const { done, failed, expired, cancelled } = this.#ended
    return { batches: this.#made, requests: this.#requests, answered: done, failed, expired, cancelled }
  }

  #forget(id: string): void {
    this.#batches.delete(id)
    this.#fails.delete(id)
    this.#counted.delete(id)
  }
}
