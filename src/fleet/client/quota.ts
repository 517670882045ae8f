/** Quotas as people write them. */
import { InvalidOption, describe } from '../../base/errors.ts'
import { type Duration, durationMs } from '../../base/duration.ts'
import type { Quota } from '../engine/store.ts'

/** What a tenant may have at once. */
export interface TenantQuota {
  /** Batches of each module at once. @default no bound */
  readonly concurrency?: number | undefined
  /** Items in a time, of all its functions together: `'500/s'`, `'10000/min'`, `'30/10s'`. @default no bound */
  readonly rate?: string | undefined
}

const units: Readonly<Record<string, Duration>> = { s: '1s', sec: '1s', m: '1m', min: '1m', h: '1h' }

/** @throws {InvalidOption} */
export function quotaOf({ concurrency, rate }: TenantQuota): Quota {
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency >= 1 && concurrency < 1e6))
    throw new InvalidOption(`Expected \`concurrency\` of a quota to be a whole number from 1 up, got ${describe(concurrency)}`)
  return {
    ...(concurrency !== undefined && { concurrency }),
    ...(rate !== undefined && { rate: perSecond(rate) }),
  }
}

/** @throws {InvalidOption} */
function perSecond(rate: unknown): number {
  const [, count = '', time = ''] = typeof rate === 'string' ? (/^\s*(\d+(?:\.\d+)?)\s*\/\s*(\w+)\s*$/.exec(rate) ?? []) : []
  let value = Number.NaN
  try {
    value = (Number(count) * 1_000) / durationMs(units[time] ?? (time as Duration), 'rate')
  } catch {}
  if (count !== '' && value > 0 && Number.isFinite(value)) return value
  throw new InvalidOption(
    `Expected \`rate\` of a quota to be items in a time, such as '500/s' or '10000/min', got ${describe(rate)}`,
  )
}

/** In words. */
export function shownQuota({ concurrency, rate }: Quota): string {
  const parts = [
    ...(concurrency === undefined ? [] : [`at most ${concurrency} batches of each module at once`]),
    ...(rate === undefined ? [] : [`at most ${Number(rate.toPrecision(6))} items a second`]),
  ]
  return parts.length === 0 ? 'there is no quota' : parts.join(', ')
}
