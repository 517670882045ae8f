import { sharedOrCopied } from '../copied.ts'

/** A function must not notice where it runs: what it gets and gives is what a crossing would give, without a copy where only a change could show. */
export function asCrossed(value: unknown, what: string): unknown {
  const type = typeof value
  return (type === 'object' && value !== null) || type === 'function' || type === 'symbol' ? sharedOrCopied(value, what) : value
}
