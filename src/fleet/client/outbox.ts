/** Batches on their way to the store: what one turn sends goes in one trip, in order; large texts go to the blob store first. */
import { type BlobStore, blobMark } from '../engine/blob-store.ts'
import type { Store } from '../engine/store.ts'

/** What is longer goes to the blob store, where there is one. */
const blobFrom = 256 * 1_024

export interface OutboxSettings {
  readonly store: Store
  readonly blobs: BlobStore | undefined
  readonly queue: string
  readonly priority: 'high' | 'normal' | 'low'
  /** Before the first. */
  readonly ready: Promise<unknown>
  /** The store has taken them. */
  added(ids: readonly string[]): void
  /** The store does not take them. */
  failed(cause: unknown): void
}

export class Outbox {
  readonly #settings: OutboxSettings
  #adding: Promise<unknown>
  /** Those of the next trip. */
  #open: { readonly id: string; readonly text: string }[] | undefined

  constructor(settings: OutboxSettings) {
    this.#settings = settings
    this.#adding = settings.ready
  }

  /** Everything that was given until now is in the store. */
  get flushed(): Promise<unknown> {
    return this.#adding
  }

  /** What everything that is sent from now on needs. */
  before(put: () => Promise<unknown>): void {
    this.#open = undefined
    this.#adding = this.#adding.then(put)
    this.#adding.catch(this.#settings.failed)
  }

  /** @param name of its blob @param failed its blob could not be written: the others go on */
  send(id: string, text: string, name: string, failed: (error: unknown) => void): void {
    const { blobs } = this.#settings
    if (!blobs || text.length <= blobFrom) return this.#add(id, text)
    this.#adding = this.#adding.then(() => blobs.put(name, text)).then(() => this.#add(id, blobMark + name), failed)
  }

  #add(id: string, text: string): void {
    if (this.#open) return void this.#open.push({ id, text })
    const jobs = [{ id, text }]
    this.#open = jobs
    const { store, queue, priority, added, failed } = this.#settings
    this.#adding = this.#adding.then(async () => {
      if (this.#open === jobs) this.#open = undefined
      await store.add(
        queue,
        jobs.map((job) => ({ ...job, priority })),
      )
      added(jobs.map((job) => job.id))
    })
    this.#adding.catch(failed)
  }
}
