/** What a {@link Model} is made with: options that have been checked, in milliseconds, with clock and replicas passed in. */
import type { Clock } from '../../base/clock.ts'
import type { BreakerOptions } from '../../limits/breaker.ts'
import type { HedgeOptions } from '../../patterns/hedge.ts'
import type { ModelKind } from '../kinds.ts'
import type { Bounds } from '../queue/fair-queue.ts'
import type { OpenReplica } from '../replica/handle.ts'

export interface ModelSettings {
  readonly name: string
  readonly kind: ModelKind
  readonly clock: Clock
  readonly open: OpenReplica
  /** Items count for something else than 1. */
  readonly counted: boolean
  readonly bounds: Bounds
  readonly maxWaitMs: number
  readonly weightOf: (tenant: string) => number
  readonly size: number | 'auto'
  readonly threads: number | 'auto'
  /** Replicas more than are at work. */
  readonly spare: number
  readonly cores: number
  readonly slots: number
  readonly batchItems: number | 'auto'
  readonly batchTokens: number
  readonly retry: number
  readonly timeoutMs: number | undefined
  readonly hedge: HedgeOptions | undefined
  readonly breaker: BreakerOptions
  readonly warmUp: readonly unknown[]
  /** It can compute batches: without, it is warmed up and measured by nothing. */
  readonly runs: boolean
  readonly measureMs: number
  /** How long a replica may take to close its model. */
  readonly endGraceMs: number
  /** Waits until there is memory to open it. */
  readonly room: (model: Loadable) => Promise<void>
  /** It is open, or could not be opened. */
  readonly loaded: (model: Loadable) => Promise<void>
  /** It has nothing to do, and may be unloaded. */
  readonly quiet: (model: Loadable) => void
}

/** A model as the bound on memory sees it. */
export interface Loadable {
  readonly state: string
  readonly quiet: boolean
  readonly usedAtMs: number
  readonly replicaSet: { readonly memoryBytes: number; readonly lastMemoryBytes: number }
  unload(): Promise<void>
}
