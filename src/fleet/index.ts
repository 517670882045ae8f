/** The fleet: worker functions on many machines, over a queue. */
import { type Duration, durationMs } from '../base/duration.ts'
import { checkOptions, type OptionRules, rules } from '../base/options.ts'
import { blobStore } from './engine/blobs.ts'
import { readClock } from './engine/clock.ts'
import { Fleet } from './client/fleet.ts'
import { checkStore, openStore } from './engine/open.ts'
import type { Store } from './engine/store.ts'
import { checkName, defaultFleet, defaultTenant, spaceOf } from './naming/names.ts'

export { FleetRefused, FleetUnavailable, NoWorkers, PayloadTooLarge, WorkerLost } from './protocol/errors.ts'
export type { Fleet } from './client/fleet.ts'
export type { LiveWorker, WorkerInfo } from './client/roster.ts'
export type { ModuleBuild } from './naming/names.ts'
export type { TenantQuota } from './client/quota.ts'
export type { FleetStatus, RunStatus } from './client/status.ts'

/** Options of {@link bullmq}. */
export interface FleetOptions {
  /** The store: `redis://user:password@host:port`, `rediss://` with TLS, or `postgres://user:password@host/database`. Keep it in the environment: it holds the password. */
  readonly url: string
  /** Several fleets can live in one store. Letters, digits and _. @default 'main' */
  readonly name?: string
  /** Whose work it is: tenants have queues of their own, and can be told apart by the store's access list. @default 'default' */
  readonly tenant?: string
  /** How many batches a run has out, as a multiple of twice the slots of the fleet. @default 1 */
  readonly weight?: number
  /** Before or after the other runs of the tenant. @default 'normal' */
  readonly priority?: 'high' | 'normal' | 'low'
  /** Where large arguments and results lie: a folder that all machines share, as `file:///mnt/shared/heddle`, or a bucket, as `s3://bucket/folder`. Without, 4 MiB is the most that a batch may have. @default none */
  readonly blobs?: string
  /**
   * What becomes of a task whose machine is lost. `'fail'`: it rejects with `WorkerLost`, because it may have run. `'again'`: another machine runs
   * it. @default 'again' where the call has a `retry`, else 'fail'
   */
  readonly lost?: 'again' | 'fail'
  /** How long a run waits for a worker that has its function before it rejects with `NoWorkers`. @default '30s' */
  readonly patience?: Duration
  /** What to do with a store that is set so that work could be lost. `'warn'` writes to stderr. @default 'refuse' */
  readonly preflight?: 'refuse' | 'warn' | 'off'
}

const optionRules: OptionRules<FleetOptions> = {
  url: rules.string,
  name: rules.string,
  tenant: rules.string,
  weight: rules.number(0.01, 100),
  priority: rules.oneOf('high', 'normal', 'low'),
  blobs: rules.string,
  lost: rules.oneOf('again', 'fail'),
  patience: rules.duration,
  preflight: rules.oneOf('refuse', 'warn', 'off'),
}

/**
 * A fleet on BullMQ: an executor that runs worker functions on every machine where `heddle worker --fleet URL MODULE` runs.
 *
 * @throws {FleetUnavailable} when the store cannot be reached
 * @throws {FleetRefused} when it may lose work, has not been prepared, or bullmq and its driver (ioredis, pg) are not installed
 * @throws {InvalidOption} for a wrong option
 * @example
 * await using fleet = await bullmq({ url: process.env.FLEET_URL })
 * const found = await map(texts, entities, { on: fleet, retry: 3 })
 */
export async function bullmq(options: FleetOptions): Promise<Fleet> {
  checkOptions<FleetOptions>(options, optionRules, 'bullmq')
  const name = checkName(options.name ?? defaultFleet, 'name')
  const tenant = checkName(options.tenant ?? defaultTenant, 'tenant')
  const space = spaceOf(name, tenant)
  const blobs = options.blobs === undefined ? undefined : blobStore(options.blobs, space)
  const patienceMs = durationMs(options.patience ?? '30s', 'patience')
  const store = await openStore(options.url, space)
  try {
    await checkStore(store, options.preflight ?? 'refuse')
    const connect = (other: string): Promise<Store> => openStore(options.url, spaceOf(name, other))
    const { weight = 1, priority = 'normal', lost } = options
    const settings = { name, tenant, space, weight, priority, lost, patienceMs, blobs, connect }
    const fleet = new Fleet(store, settings, (await readClock(store)).offsetMs)
    await fleet.open()
    return fleet
  } catch (error) {
    await store.close()
    throw error
  }
}
