/** What a worker is given. */
import type { BlobStore } from '../engine/blob-store.ts'
import type { FleetRefused } from '../protocol/errors.ts'
import type { AuditLine } from './audit.ts'
import type { Company } from './company.ts'
import type { WorkerMetrics } from './metrics.ts'
import type { Registry } from './registry.ts'

export interface WorkerSettings {
  readonly id: string
  readonly space: string
  readonly registry: Registry
  readonly slots: number
  readonly blobs: BlobStore | undefined
  /** After each batch. */
  readonly audit?: (line: AuditLine) => void
  readonly warn: (message: string) => void
  /** It has ended, because it must not go on. */
  readonly refused?: (error: FleetRefused) => void
  /** After how long without a beat a client is dead. @default a minute */
  readonly deadMs?: number
  /** What is counted; of all tenants of a machine together. @default its own */
  readonly metrics?: WorkerMetrics
  /** What runs beside what; of all tenants of a machine together. @default its own */
  readonly company?: Company
  /** Told to drain by a message. @default a SIGTERM to this process */
  readonly askedToDrain?: () => void
}
