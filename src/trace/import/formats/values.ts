/** Looks at values of foreign documents, which may be anything. */

export type Doc = Readonly<Record<string, unknown>>

const noDoc: Doc = Object.freeze(Object.create(null) as Doc)

export const isDoc = (value: unknown): value is Doc => typeof value === 'object' && value !== null && !Array.isArray(value)

/** An own property: names such as `constructor` are nothing special in a document. */
export const field = (value: unknown, name: string): unknown =>
  isDoc(value) && Object.hasOwn(value, name) ? value[name] : undefined

export const docOf = (value: unknown): Doc => (isDoc(value) ? value : noDoc)

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

/** Empty for what is not a text or a number. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
}

/** NaN for what is not a number. */
export function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
}

/** Milliseconds since 1970 of a text such as `2026-11-30T12:00:00Z`, or of a number of milliseconds. */
export const dateMs = (value: unknown): number => (typeof value === 'string' ? Date.parse(value) : numberOf(value))

/** Nanoseconds since 1970, as text or number, in milliseconds since `epochMs`; to the nanosecond where it is a text. */
export function nanosToMs(value: unknown, epochMs: number): number {
  if (typeof value === 'string' && value.length > 6 && isDigits(value))
    return Number(value.slice(0, -6)) - epochMs + Number(value.slice(-6)) / 1e6
  return numberOf(value) / 1e6 - epochMs
}

function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 48 || code > 57) return false
  }
  return true
}
