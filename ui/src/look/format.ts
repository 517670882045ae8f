/** Numbers for people. All of them go with tabular figures, so that columns line up. */
import type { ExplanationView } from '../../../src/dashboard/page.ts'

/** Milliseconds: `420 µs`, `4.20 ms`, `250 ms`, `7.9 s`, `2 m 5 s`, `1 h 3 m`. */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return '–'
  const size = Math.abs(ms)
  if (size === 0) return '0 ms'
  if (size < 0.9995) return `${(ms * 1_000).toFixed(size < 0.01 ? 1 : 0)} µs`
  if (size < 9.995) return `${ms.toFixed(2)} ms`
  if (size < 99.95) return `${ms.toFixed(1)} ms`
  if (size < 999.5) return `${ms.toFixed(0)} ms`
  if (size < 59_950) return `${(ms / 1_000).toFixed(size < 9_995 ? 2 : 1)} s`
  const seconds = Math.round(size / 1_000)
  const sign = ms < 0 ? '−' : ''
  if (seconds < 3_600) return `${sign}${Math.floor(seconds / 60)} m ${seconds % 60} s`
  const minutes = Math.round(seconds / 60)
  return `${sign}${Math.floor(minutes / 60)} h ${minutes % 60} m`
}

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** Whole numbers with separators: `1,000,000`. */
export const formatCount = (count: number): string => grouped.format(count)

/** `1 task`, `2 tasks`; the plural by an s unless given. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** Numbers where a place is scarce: `950`, `12.4k`, `1.2M`. */
export function formatShort(value: number): string {
  const size = Math.abs(value)
  if (size < 1_000) return Number.isInteger(value) ? String(value) : value.toFixed(size < 10 ? 1 : 0)
  if (size < 999_500) return `${(value / 1_000).toFixed(size < 99_950 ? 1 : 0)}k`
  return `${(value / 1_000_000).toFixed(size < 99_950_000 ? 1 : 0)}M`
}

/** `0 %`, `< 1 %`, `31 %`. */
export function formatShare(share: number): string {
  if (!Number.isFinite(share)) return '–'
  if (share > 0 && share < 0.005) return '< 1 %'
  if (share < 1 && share > 0.995) return '> 99 %'
  return `${Math.round(100 * share)} %`
}

/** `5.2×`, `12×`, `0.31×`. */
export function formatFactor(value: number): string {
  if (!Number.isFinite(value)) return '–'
  return `${value >= 9.95 ? value.toFixed(0) : value >= 0.995 ? value.toFixed(1) : value.toFixed(2)}×`
}

/** A speedup as far as it is known: `5.2×`, `≥ 5.2×`, and `84 calls` where only that is known. */
export function speedupWords({ speedup, speedupIs, atOnce }: Pick<ExplanationView, 'speedup' | 'speedupIs' | 'atOnce'>): string {
  if (speedupIs === 'unknown') return countOf(atOnce, 'call')
  return `${speedupIs === 'at-least' ? '≥ ' : ''}${formatFactor(speedup)}`
}

/** `512 B`, `8.4 MB`; powers of 1,000. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let [value, unit] = [bytes, 0]
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1_000
    unit++
  }
  return `${unit === 0 || value >= 99.5 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`
}
