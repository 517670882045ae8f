/** Reads the fields of a request body that may hold anything: what has the wrong form is a 400 that names the field. */
import { BadRequest } from './request.ts'

export type Fields = Readonly<Record<string, unknown>>

/** Deeper than any request of a client; recursion over a body ends here. */
const deepest = 100

export function fields(value: unknown, name: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw new BadRequest(`Invalid type for '${name}': expected an object, but got ${kindOf(value)} instead.`)
}

export function list(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[]
  throw new BadRequest(`Invalid type for '${name}': expected an array, but got ${kindOf(value)} instead.`)
}

export function text(value: unknown, name: string): string {
  if (typeof value === 'string') return value
  throw new BadRequest(
    value === undefined
      ? `Missing required parameter: '${name}'.`
      : `Invalid type for '${name}': expected a string, but got ${kindOf(value)} instead.`,
  )
}

/** Absent and null are the same. */
export function optional<T>(value: unknown, name: string, read: (value: unknown, name: string) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value, name)
}

export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER): (value: unknown, name: string) => number {
  return (value, name) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} up` : `from ${least} to ${most}`
    throw new BadRequest(`Invalid value for '${name}': expected an integer ${range}, but got ${shown(value)} instead.`)
  }
}

export function oneOf<const T extends string>(...values: readonly T[]): (value: unknown, name: string) => T {
  return (value, name) => {
    const found = values.find((one) => one === value)
    if (found !== undefined) return found
    throw new BadRequest(`Invalid value for '${name}': expected one of ${values.join(', ')}, but got ${shown(value)} instead.`)
  }
}

export function flag(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value
  throw new BadRequest(`Invalid type for '${name}': expected a boolean, but got ${kindOf(value)} instead.`)
}

/** One text or several. */
export function texts(value: unknown, name: string): readonly string[] {
  return typeof value === 'string' ? [value] : list(value, name).map((one, i) => text(one, `${name}[${i}]`))
}

/** @throws {BadRequest} for a body nested so deeply that walking over it would overflow the stack */
export function checkDepth(body: unknown): void {
  let level: unknown[] = [body]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) throw new BadRequest(`The body is nested more than ${deepest} levels deep.`)
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []))
  }
}

function kindOf(value: unknown): string {
  return value === null
    ? 'null'
    : Array.isArray(value)
      ? 'an array'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : typeof value === 'string' ? `'${value.slice(0, 40)}'` : kindOf(value)
}
