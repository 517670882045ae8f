/** This machine, for one tenant or several: each has a worker of its own, in its own part of the store, and they share the slots by weight. */
import { clearInterval, setInterval } from '../../base/globals.js'
import { sharesOf } from '../protocol/shares.ts'
import type { WorkerMetrics } from './metrics.ts'
import { ahead, type FleetWorker } from './worker.ts'

export interface TenantWorker {
  readonly tenant: string
  readonly weight: number
  readonly worker: FleetWorker
}

/** How often the slots are divided anew; chosen: some batches. */
const shareMs = 1_000

export class Machine {
  readonly tenants: readonly TenantWorker[]
  /** Of all tenants together. */
  readonly metrics: WorkerMetrics
  readonly slots: number
  #timer: NodeJS.Timeout | undefined

  constructor(tenants: readonly TenantWorker[], { slots, metrics }: { readonly slots: number; readonly metrics: WorkerMetrics }) {
    this.tenants = tenants
    this.slots = slots
    this.metrics = metrics
  }

  get ready(): boolean {
    return this.tenants.every(({ worker }) => worker.ready)
  }

  get draining(): boolean {
    return this.tenants.some(({ worker }) => worker.draining)
  }

  /** Batches under way. */
  get busy(): number {
    return this.tenants.reduce((sum, { worker }) => sum + worker.busy, 0)
  }

  async start(): Promise<void> {
    for (const { worker } of this.tenants) await worker.start()
    if (this.tenants.length === 1) return
    let sharing = false
    const share = async (): Promise<void> => {
      if (sharing) return
      sharing = true
      // A store that is away: as it was.
      await this.#share().catch(() => {})
      sharing = false
    }
    await share()
    this.#timer = setInterval(() => void share(), shareMs)
  }

  async #share(): Promise<void> {
    const demands = await Promise.all(this.tenants.map(async ({ worker, weight }) => ({ weight, wants: await worker.wants() })))
    const shares = sharesOf(this.slots + ahead, demands)
    for (const [i, { worker }] of this.tenants.entries()) worker.places = shares[i] as number
  }

  /** See {@link FleetWorker.drain}. */
  async drain(graceMs: number): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.tenants.map(({ worker }) => worker.drain(graceMs)))
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all(this.tenants.map(({ worker }) => worker.close()))
  }
}
