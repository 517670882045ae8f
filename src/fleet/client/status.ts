/** Who is alive in a fleet, and what waits, as one look at the store says. */
import type { Store } from '../engine/store.ts'
import { type LiveWorker, workerOf } from './roster.ts'
import type { ModuleBuild } from '../naming/names.ts'

/** One look at a fleet: of one tenant. */
export interface FleetStatus {
  readonly fleet: string
  readonly tenant: string
  /** Workers that have a record; one that died less than a minute ago may be among them. */
  readonly workers: readonly LiveWorker[]
  /** How many calls can run at once. */
  readonly slots: number
  /** Batches that nobody has yet, that machines have, and of which the results have not been taken. */
  readonly waiting: number
  readonly active: number
  readonly done: number
  /** What the workers can run. */
  readonly builds: readonly ModuleBuild[]
  readonly runs: readonly RunStatus[]
}

/** A run whose record is there. */
export interface RunStatus {
  readonly id: string
  /** The worker function. */
  readonly fn: string
  readonly host: string
  readonly pid: number
}

export async function statusOf(store: Store, fleet: string, tenant: string): Promise<FleetStatus> {
  const [records, runs, queues] = await Promise.all([store.workers.list(), store.runs.list(), store.queues()])
  const counts = await Promise.all(queues.map((queue) => store.counts(queue)))
  const workers = records.flatMap(workerOf)
  const builds = new Map(workers.flatMap(({ modules }) => modules.map((each) => [JSON.stringify(each), each])))
  const sum = (of: 'waiting' | 'active' | 'done'): number => counts.reduce((total, count) => total + count[of], 0)
  return {
    fleet,
    tenant,
    workers,
    slots: workers.reduce((total, { slots }) => total + slots, 0),
    waiting: sum('waiting'),
    active: sum('active'),
    done: sum('done'),
    builds: [...builds.values()],
    runs: runs.map(({ id, data }) => {
      const { fn, host, pid } = (data ?? {}) as Record<string, unknown>
      return { id, fn: String(fn), host: String(host), pid: Number(pid) }
    }),
  }
}
