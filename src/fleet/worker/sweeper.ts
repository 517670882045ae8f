/** Removes what the dead have left: records of workers, and runs with their jobs and blobs. Every worker does it, and each by its own clock. */
import { performance } from '../../base/globals.js'
import type { BlobStore } from '../engine/blobs.ts'
import type { LiveRecord, Store } from '../engine/store.ts'
import { clientDeadMs } from '../protocol/constants.ts'
import { Liveness } from '../protocol/liveness.ts'

export class Sweeper {
  readonly #store: Store
  readonly #blobs: BlobStore | undefined
  readonly #workers: Liveness
  readonly #runs: Liveness

  /** @param deadMs after how long without a beat somebody is dead */
  constructor(store: Store, blobs: BlobStore | undefined, deadMs = clientDeadMs) {
    this.#store = store
    this.#blobs = blobs
    this.#workers = new Liveness(deadMs)
    this.#runs = new Liveness(deadMs)
  }

  /** @returns ids of the runs of which everything was removed */
  async sweep(): Promise<string[]> {
    for (const { id } of await dead(this.#store.workers.list(), this.#workers)) await this.#store.workers.drop(id)
    const runs = await dead(this.#store.runs.list(), this.#runs)
    for (const { id, data } of runs) {
      const { queue } = (data ?? {}) as { readonly queue?: unknown }
      if (typeof queue === 'string' && (await this.#store.queues()).includes(queue)) await this.#removeJobs(queue, id)
      await this.#blobs?.drop(id).catch(() => {})
      // Last: as long as it is there, somebody else goes on where this one stops.
      await this.#store.runs.drop(id)
      if (typeof queue === 'string') await this.#store.tidy(queue)
    }
    return runs.map(({ id }) => id)
  }

  /** Those that machines have end by themselves: their workers see that the run is gone. */
  async #removeJobs(queue: string, run: string): Promise<void> {
    const ids = (await this.#store.jobs(queue)).filter((id) => id.startsWith(`${run}-`))
    const recalled = await this.#store.recall(queue, ids)
    const states = await this.#store.states(queue, ids)
    await this.#store.forget(
      queue,
      ids.filter((_, i) => !recalled[i] && (states[i]?.state === 'done' || states[i]?.state === 'failed')),
    )
  }
}

async function dead(records: Promise<LiveRecord[]>, alive: Liveness): Promise<LiveRecord[]> {
  const now = performance.now()
  const all = await records
  alive.keep(new Set(all.map(({ id }) => id)))
  return all.filter(({ id, beat }) => !alive.look(id, beat, now))
}
