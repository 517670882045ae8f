/** Removes what the dead have left: records of workers, and runs with their jobs and blobs. Every worker does it, and each by its own clock. */
import { performance } from '../../base/globals.js'
import type { BlobStore } from '../engine/blob-store.ts'
import { removeJobs } from '../engine/remove-jobs.ts'
import type { LiveRecord, Store } from '../engine/store.ts'
import { clientDeadMs, keptMs } from '../protocol/constants.ts'
import { Liveness } from '../protocol/liveness.ts'
import { isKept } from './runs.ts'

export class Sweeper {
  readonly #store: Store
  readonly #blobs: BlobStore | undefined
  readonly #workers: Liveness
  readonly #runs: Liveness
  readonly #keptRuns = new Liveness(keptMs)

  /** @param deadMs after how long without a beat somebody is dead */
  constructor(store: Store, blobs: BlobStore | undefined, deadMs = clientDeadMs) {
    this.#store = store
    this.#blobs = blobs
    this.#workers = new Liveness(deadMs)
    this.#runs = new Liveness(deadMs)
  }

  /** @returns ids of the runs of which everything was removed */
  async sweep(): Promise<string[]> {
    for (const { id } of dead(await this.#store.workers.list(), this.#workers)) await this.#store.workers.drop(id)
    const records = await this.#store.runs.list()
    const of = (kept: boolean): LiveRecord[] => records.filter(({ data }) => isKept(data) === kept)
    const runs = [...dead(of(false), this.#runs), ...dead(of(true), this.#keptRuns)]
    for (const { id, data } of runs) {
      const { queue } = (data ?? {}) as { readonly queue?: unknown }
      if (typeof queue === 'string' && (await this.#store.queues()).includes(queue)) await removeJobs(this.#store, queue, id)
      await this.#blobs?.drop(id).catch(() => {})
      // Last: as long as it is there, somebody else goes on where this one stops.
      await this.#store.runs.drop(id)
      if (typeof queue === 'string') await this.#store.tidy(queue)
    }
    return runs.map(({ id }) => id)
  }
}

function dead(all: readonly LiveRecord[], alive: Liveness): LiveRecord[] {
  const now = performance.now()
  alive.keep(new Set(all.map(({ id }) => id)))
  return all.filter(({ id, beat }) => !alive.look(id, beat, now))
}
