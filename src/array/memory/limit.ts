/** `memoryLimit`, as text or a number. */
import { rules } from '../../base/options.ts'

export interface MemoryOptions {
  /** Bytes, or text such as `'500MB'`, that the arrays may take; a file that needs more is refused. @default half of the machine's memory */
  readonly memoryLimit?: number | `${number}MB` | `${number}GB`
}

export const memoryLimitRule = rules.either(rules.number(0), {
  expected: "text such as '500MB' or '2GB'",
  accepts: (v) => typeof v === 'string' && /^\d+(\.\d+)?[MG]B$/.test(v),
})

/** Bytes of a `memoryLimit` that has been checked. */
export function bytesOf(limit: MemoryOptions['memoryLimit']): number | undefined {
  if (typeof limit !== 'string') return limit
  return Number.parseFloat(limit) * (limit.endsWith('GB') ? 1e9 : 1e6)
}
