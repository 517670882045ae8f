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

/** What an error says about the first place that does not match, ` at a.0.b: reason`; undefined for an error without issues. */
export function firstIssue(error: Error): string | undefined {
  const found: unknown = 'issues' in error ? error.issues : error.cause
  const [first] = Array.isArray(found) ? (found as readonly Partial<StandardIssue>[]) : []
  if (typeof first?.message !== 'string') return undefined
  const path = (first.path ?? [])
    .map((key) => String(typeof key === 'object' && key !== null ? (key as { key: unknown }).key : key))
    .join('.')
  return `${path === '' ? '' : ` at ${path}`}: ${first.message}`
}
