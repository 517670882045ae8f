/** What one run on the fleet is given: the fleet around it, whom it calls, and what is known before its first batch. */
import type { BlobStore } from '../engine/blob-store.ts'
import type { Store } from '../engine/store.ts'
import type { ModuleBuild } from '../naming/names.ts'
import type { FunctionName } from '../protocol/message.ts'
import type { Adoption } from './adoption.ts'
import type { DeliveryHost } from './delivery.ts'
import type { QueueListener } from './queue-listener.ts'
import type { Roster } from './roster.ts'

/** What a run needs of the fleet around it. */
export interface RunHost<Run> extends DeliveryHost {
  readonly store: Store
  readonly roster: Roster
  readonly blobs: BlobStore | undefined
  readonly weight: number
  readonly priority: 'high' | 'normal' | 'low'
  readonly patienceMs: number
  /** Is over, and nothing of it is left here. */
  ended(run: Run): void
}

export interface RunTarget {
  readonly fns: readonly FunctionName[]
  readonly module: ModuleBuild
  readonly line: QueueListener
  /** Items may run again where a machine was lost with them. */
  readonly again: boolean
}

/** What is known before the first batch. */
export interface RunStart {
  /** What an earlier start of the run has left, where it has a name. */
  readonly adoption: Adoption | undefined
  /** A batch may have so many items: the tenant has a quota of items. */
  readonly mostItems: number
}
