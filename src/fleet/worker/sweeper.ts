/**
 * Removes what the dead have left: records of workers, runs with their jobs and blobs, and jobs of runs that have no record any more: a machine may give a result just
 * when its client has left. Every worker does it, and each by its own clock.
 */
import { performance } from '../../base/globals.js'
import type { BlobStore } from '../engine/blob-store.ts'
import { type Values, valuesOf } from '../engine/values.ts'
import { removeJobs } from '../engine/remove-jobs.ts'
import type { LiveRecord, Store } from '../engine/store.ts'
import { clientDeadMs, keptMs } from '../protocol/constants.ts'
import { Liveness } from '../protocol/liveness.ts'
import { isKept } from './runs.ts'

export class Sweeper {
  readonly #store: Store
  readonly #values: Values
  readonly #workers: Liveness
  readonly #runs: Liveness
  readonly #keptRuns = new Liveness(keptMs)
  /** Runs without a record whose jobs the last look found, with their queues. */
  #orphans = new Map<string, string>()

  /** @param deadMs after how long without a beat somebody is dead */
  constructor(store: Store, blobs: BlobStore | undefined, deadMs = clientDeadMs) {
    this.#store = store
    this.#values = valuesOf(store, blobs)
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
      await this.#values.drop(id).catch(() => {})
      // Last: as long as it is there, somebody else goes on where this one stops.
      await this.#store.runs.drop(id)
      if (typeof queue === 'string') await this.#store.tidy(queue)
    }
    await this.#sweepOrphans(new Set(records.map(({ id }) => id)))
    return runs.map(({ id }) => id)
  }

  /** Only those of two looks: a record is written while the first batch is being cut. */
  async #sweepOrphans(known: ReadonlySet<string>): Promise<void> {
    const found = new Map<string, string>()
    for (const queue of await this.#store.queues())
      for (const id of await this.#store.jobs(queue)) {
        const run = id.slice(0, id.lastIndexOf('-'))
        if (!known.has(run)) found.set(run, queue)
      }
    for (const [run, queue] of found) {
      if (!this.#orphans.has(run) || (await this.#store.runs.get(run))) continue
      await removeJobs(this.#store, queue, run)
      await this.#values.drop(run).catch(() => {})
      await this.#store.tidy(queue)
    }
    this.#orphans = found
  }
}

function dead(all: readonly LiveRecord[], alive: Liveness): LiveRecord[] {
  const now = performance.now()
  alive.keep(new Set(all.map(({ id }) => id)))
  return all.filter(({ id, beat }) => !alive.look(id, beat, now))
}
