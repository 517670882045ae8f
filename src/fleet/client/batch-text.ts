/** A batch as the text that travels: the items are text already. */
import { performance } from '../../base/globals.js'
import type { JobWork } from '../../workers/host/job.ts'
import type { Range } from '../protocol/ledger.ts'
import { type BatchMessage, type FunctionName, wireVersion } from '../protocol/message.ts'
import type { Extra } from './sent.ts'

interface Head {
  readonly run: string
  readonly fns: readonly FunctionName[]
  readonly again: boolean
  /** Milliseconds from this machine's clock to the store's. */
  readonly offsetMs: number
  /** See `BatchMessage.trace`. */
  readonly trace?: Readonly<Record<string, string>> | undefined
}

export function batchText(work: JobWork, head: Head, range: Range, items: string, { meta, keys, places }: Extra): string {
  const { timeoutMs, deadline, observed, spread, idempotencyKey } = work
  const key = idempotencyKey ?? keys
  const message: Omit<BatchMessage, 'items'> = {
    v: wireVersion,
    run: head.run,
    fns: head.fns,
    first: range.first,
    sentAt: Math.round(performance.timeOrigin + performance.now() + head.offsetMs),
    ...(spread && { spread: true }),
    ...(meta && { meta }),
    ...(key !== undefined && { key }),
    ...(timeoutMs !== undefined && Number.isFinite(timeoutMs) && { timeoutMs }),
    ...(Number.isFinite(deadline) && { deadline: performance.timeOrigin + deadline + head.offsetMs }),
    ...(observed && { observed: true }),
    ...(head.again && { again: true }),
    ...(range.losses > 0 && { losses: range.losses }),
    ...(places && places.length > 0 && { broadcasts: places }),
    ...(head.trace && { trace: head.trace }),
  }
  return `${JSON.stringify(message).slice(0, -1)},"items":${items}}`
}
