/**
 * What makes two calls equal: everything that reaches the model. So the whole of the call's options is the key, with what says nothing about the answer left out
 * (signals, tracing headers): a list of what counts would forget the next option that somebody invents.
 */
import { createHash } from 'node:crypto'
import type { CallOptions } from '../model/sdk-model.ts'
import { wantsVariety } from './variety.ts'

const silentHeaders = /^(?:user-agent|traceparent|tracestate|baggage|x-request-id|idempotency-key)$/i
const deepest = 64

/** The key of a call; undefined for one that is not to be answered from a cache: it asks for variety, or depends on more than what it says. */
export function cacheKey(
  kind: 'whole' | 'stream',
  models: readonly string[],
  options: CallOptions,
  openInput: boolean,
): string | undefined {
  const asked = wish(options.providerOptions)
  if (asked === false || openInput || wantsVariety()) return undefined
  const { temperature } = options as { readonly temperature?: unknown }
  if (asked !== true && typeof temperature === 'number' && temperature > 0) return undefined
  try {
    const { abortSignal: _, headers, ...rest } = options as CallOptions & { readonly headers?: Readonly<Record<string, unknown>> }
    const told = Object.entries(headers ?? {}).filter(([name]) => !silentHeaders.test(name))
    const hash = createHash('sha256')
    write(['heddle response 1', kind, models, Object.fromEntries(told), rest], hash, 0)
    return hash.digest('base64url')
  } catch (error) {
    if (error instanceof Unwritable) return undefined
    throw error
  }
}

/** `providerOptions: { heddle: { cache: false } }` of one call; `true` caches it although it has a temperature. */
function wish(providerOptions: unknown): boolean | undefined {
  const cache = (providerOptions as { heddle?: { cache?: unknown } } | null | undefined)?.heddle?.cache
  return typeof cache === 'boolean' ? cache : undefined
}

class Unwritable extends Error {}

interface Hash {
  update(part: string | Uint8Array): unknown
}

/** Each value with its kind and length, so that no two differ and are written alike. */
function write(value: unknown, hash: Hash, depth: number): void {
  if (depth > deepest) throw new Unwritable()
  if (
    value === null ||
    value === undefined ||
    typeof value === 'boolean' ||
    typeof value === 'number' ||
    typeof value === 'bigint'
  )
    hash.update(`${typeof value}:${String(value)};`)
  else if (typeof value === 'string') hash.update(`s${value.length}:${value};`)
  else if (value instanceof Uint8Array) {
    hash.update(`b${value.length}:`)
    hash.update(value)
  } else if (value instanceof URL) hash.update(`u${value.href.length}:${value.href};`)
  else if (value instanceof Date) hash.update(`d:${value.getTime()};`)
  else if (Array.isArray(value)) {
    hash.update(`[${value.length}:`)
    for (const member of value) write(member, hash, depth + 1)
  } else if (
    typeof value === 'object' &&
    (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null)
  ) {
    const entries = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
    hash.update(`{${entries.length}:`)
    for (const [name, member] of entries) {
      write(name, hash, depth + 1)
      write(member, hash, depth + 1)
    }
  } else throw new Unwritable()
}
