/** What the access log says of one request that is over: what is nothing is left out. */
import type { Usage } from '../endpoints/call.ts'
import type { Exchange } from '../wire/exchange.ts'

/** What was found out about it on its way. */
export interface Logged {
  readonly model: string
  readonly tenant: { readonly name: string } | undefined
  readonly usage: Usage
  readonly span: { readonly traceId: string | undefined } | undefined
}

/** How it ended. */
export interface LoggedEnd {
  readonly status: number
  readonly cause: string | undefined
  readonly tookMs: number
}

/** The path as far as it is worth a line. */
const mostPath = 200

export function logLine(
  exchange: Exchange,
  { model, tenant, usage, span }: Logged,
  { status, cause, tookMs }: LoggedEnd,
): object {
  const key = tenant?.name ?? ''
  return {
    time: new Date().toISOString(),
    id: exchange.id,
    method: exchange.method,
    path: exchange.path.slice(0, mostPath),
    status,
    ms: tenths(tookMs),
    ...(model !== '' && { model }),
    ...(key !== '' && { key }),
    ...(cause !== undefined && { cause }),
    ...(usage.tokensIn > 0 && { tokensIn: usage.tokensIn }),
    ...(usage.tokensOut > 0 && { tokensOut: usage.tokensOut }),
    ...(usage.queuedMs !== undefined && { queuedMs: tenths(usage.queuedMs) }),
    bytes: exchange.bytesOut,
    client: exchange.client,
    ...(span?.traceId !== undefined && { trace: span.traceId }),
  }
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}
