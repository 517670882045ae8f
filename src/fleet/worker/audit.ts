/** Who ran what, when, where, with which end: a line for each batch. */
import type { BatchMessage, Outcome } from '../protocol/message.ts'

export interface AuditLine {
  readonly at: string
  readonly worker: string
  readonly tenant: string
  readonly run: string
  readonly fn: string
  readonly build: string
  readonly items: number
  /** How long it waited in the queue, and how long it was under way. */
  readonly queuedMs: number
  readonly ms: number
  readonly outcome: Outcome['kind'] | 'given-back' | 'stale'
  readonly failed: number
}

export interface AuditedEnd {
  readonly outcome: AuditLine['outcome']
  readonly queuedMs?: number
  readonly ms?: number
  readonly failed?: number
}

export function auditLine(
  { worker, tenant, build }: { readonly worker: string; readonly tenant: string; readonly build: string | undefined },
  { run, fns, items }: BatchMessage,
  { outcome, queuedMs = 0, ms = 0, failed = 0 }: AuditedEnd,
): AuditLine {
  const [{ package: owner, module } = { package: '', module: '' }] = fns
  return {
    at: new Date().toISOString(),
    worker,
    tenant,
    run,
    fn: `${owner}/${module}#${fns.map(({ name }) => name).join(' → ')}`,
    build: build?.slice(0, 12) ?? '',
    items: items.length,
    queuedMs,
    ms: Math.round(ms),
    outcome,
    failed,
  }
}
