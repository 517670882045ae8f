/** How a server stands at one moment, and stood in the last minutes: what its page shows. Data only. */
import type { ServedStats } from '../../stats.ts'
import type { Percentiles } from './seconds.ts'
import type { TenantCounts } from './tally.ts'

/** One second of a server. */
export interface ServerSecond extends Percentiles {
  readonly requests: number
  readonly answered: number
  readonly refused: number
  readonly failed: number
}

/** How a server stands. */
export interface ServerSnapshot {
  readonly url: string
  readonly state: 'loading' | 'ready' | 'draining'
  /** Milliseconds since it began to listen. */
  readonly upMs: number
  readonly underWay: number
  readonly connections: number
  readonly unreadBytes: number
  readonly rssBytes: number
  /** The last second that is over. */
  readonly second: ServerSecond
  /** The last ten seconds together. */
  readonly now: ServerSecond
  /** Since it began, by cause. */
  readonly refused: Readonly<Record<string, number>>
  /** By name; the empty one is who asks without a key. */
  readonly keys: Readonly<Record<string, TenantCounts>>
  readonly models: readonly { readonly counts: TenantCounts; readonly stats: ServedStats }[]
}
