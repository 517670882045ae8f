/** Standard Schema (standardschema.dev), version 1: what zod, valibot, arktype and others are. A copy of as much as is used. */
import { SchemaMismatch } from '../base/errors.ts'

export interface StandardSchema<T = unknown> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<T> | Promise<StandardResult<T>>
    readonly types?: { readonly input: unknown; readonly output: T } | undefined
  }
}

type StandardResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] }

/** The value as the schema gives it back. @throws {SchemaMismatch} naming what does not match */
export async function validate<T>(schema: StandardSchema<T>, value: unknown, what: string): Promise<T> {
  const result = await schema['~standard'].validate(value)
  if (!result.issues) return result.value
  const [first] = result.issues
  const path = (first?.path ?? [])
    .map((key) => String(typeof key === 'object' && key !== null ? (key as { key: unknown }).key : key))
    .join('.')
  throw new SchemaMismatch(
    `${what} does not match its schema${path === '' ? '' : ` at ${path}`}: ${first?.message ?? 'no reason given'}`,
    {
      cause: result.issues,
    },
  )
}
