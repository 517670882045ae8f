/** Reads the fields of a request that may hold anything: what has the wrong form is a {@link BadRequest} that names the field. */
import { describe } from '../../../base/errors.ts'
import { BadRequest } from '../../bad-request.ts'

export type Fields = Readonly<Record<string, unknown>>
type Reader<T> = (value: unknown, name: string) => T

/** Deeper than any request of a client; recursion over a body ends here. */
const deepest = 64

function wrong(name: string, expected: string, value: unknown): BadRequest {
  if (value === undefined) return new BadRequest(`Missing required parameter: '${name}'.`, { param: name, reason: 'missing' })
  return new BadRequest(`Expected '${name}' to be ${expected}, got ${describe(value)}.`, { param: name, reason: 'invalid_type' })
}

export function fields(value: unknown, name: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw wrong(name, 'an object', value)
}

export function list(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[]
  throw wrong(name, 'an array', value)
}

export function text(value: unknown, name: string): string {
  if (typeof value === 'string') return value
  throw wrong(name, 'text', value)
}

export function flag(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value
  throw wrong(name, 'true or false', value)
}

export function whole(least: number, most: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  const range = most === Number.MAX_SAFE_INTEGER ? `a whole number from ${least} up` : `a whole number from ${least} to ${most}`
  return (value, name) => {
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
    throw wrong(name, range, value)
  }
}

export function number(least: number, most: number): Reader<number> {
  return (value, name) => {
    if (typeof value === 'number' && value >= least && value <= most) return value
    throw wrong(name, `a number from ${least} to ${most}`, value)
  }
}

export function oneOf<const T extends string>(...values: readonly T[]): Reader<T> {
  return (value, name) => {
    const found = values.find((one) => one === value)
    if (found !== undefined) return found
    throw wrong(name, values.map((one) => `'${one}'`).join(' or '), value)
  }
}

/** Absent and null are the same. */
export function optional<T>(value: unknown, name: string, read: Reader<T>): T | undefined {
  return value === undefined || value === null ? undefined : read(value, name)
}

/** @throws {BadRequest} for a body nested so deeply that walking over it would overflow the stack */
export function checkDepth(body: unknown): void {
  let level: unknown[] = [body]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) throw new BadRequest(`The body is nested deeper than ${deepest} levels.`)
    const next: unknown[] = []
    for (const value of level)
      if (typeof value === 'object' && value !== null)
        for (const part of Object.values(value)) if (typeof part === 'object' && part !== null) next.push(part)
    level = next
  }
}
