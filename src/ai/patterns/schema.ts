import { isList, peek, textOf } from '../../base/look.js'

/** Standard Schema (standardschema.dev), version 1: what zod, valibot, arktype and others are. A copy of as much as is used. */

export interface StandardSchema<T = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<T> | Promise<StandardResult<T>>
    readonly types?: { readonly input: unknown; readonly output: T } | undefined
  }
}

type StandardResult<T> = { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly StandardIssue[] }

interface StandardIssue {
  readonly message: string
  readonly path?: readonly unknown[] | undefined
}

/** Of a path, for people. Chosen. */
const keysMax = 100

/** What an error says about the first place that does not match, ` at a.0.b: reason`; undefined for an error without issues. */
export function firstIssue(error: Error): string | undefined {
  const found = peek(error, 'issues') ?? peek(error, 'cause')
  const first = isList(found) ? peek(found, 0) : undefined
  const message = peek(first, 'message')
  if (typeof message !== 'string') return undefined
  const path = pathOf(first)
  return `${path === '' ? '' : ` at ${path}`}: ${message}`
}

/** Where an issue is, `a.0.b`; empty for the value as a whole. */
export function pathOf(issue: unknown): string {
  const path = peek(issue, 'path')
  const keys = isList(path) ? path.slice(0, keysMax).map((key: unknown) => textOf(peek(key, 'key') ?? key)) : []
  return keys.join('.')
}
