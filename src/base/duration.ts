import { describe, InvalidOption } from './errors.ts'

/** A span of time: a number of milliseconds, or a number with a unit: `'250ms'`, `'5s'`, `'2m'`, `'1h'`. */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h`

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

/**
 * The duration in milliseconds. Accepts 0 and `Infinity`.
 * @throws {InvalidOption} for anything negative, NaN, or not a duration; `option` names it in the message.
 */
export function durationMs(value: Duration, option: string): number {
  if (typeof value === 'number' && value >= 0) return value
  if (typeof value === 'string') {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(value)
    if (match) return Number(match[1]) * (unitMs[match[2] as string] as number)
  }
  throw new InvalidOption(
    `Expected \`${option}\` to be a number of milliseconds from 0 up, or text such as '250ms', '5s', '2m' or '1h', got ${describe(value)}`,
  )
}

/** Long enough to close what was opened, short enough to wait for in vain; chosen, not derived. */
const defaultGraceMs = 1_000

/** How long code on this thread that was asked to stop may go on before whatever awaits it is settled without it: one rule for all. */
export function graceMsOf(grace: Duration | undefined): number {
  return grace === undefined ? defaultGraceMs : durationMs(grace, 'grace')
}

/** Milliseconds for people: `0.42 ms`, `250 ms`, `7.9 s`, `2 m 5 s`, `1 h 3 m`. */
export function formatMs(ms: number): string {
  if (ms < 10) return `${ms.toFixed(2)} ms`
  if (ms < 1_000) return `${ms.toFixed(0)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`
  const seconds = Math.round(ms / 1_000)
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)} h ${minutes % 60} m`
}
