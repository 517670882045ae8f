/** What the columns of a Parquet file hold. */
import type { SchemaElement } from 'hyparquet'
import type { DType } from '../expression/dtype.ts'

/** The schema is a tree written in preorder; the elements right below its root. */
export function topLevel(schema: readonly SchemaElement[]): Map<string, SchemaElement> {
  const top = new Map<string, SchemaElement>()
  const skip = (at: number): number => {
    let next = at + 1
    for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) next = skip(next)
    return next
  }
  for (let at = 1; at < schema.length; at = skip(at)) top.set((schema[at] as SchemaElement).name, schema[at] as SchemaElement)
  return top
}

export function dtypeOf({
  type,
  logical_type: logical,
  converted_type: converted,
  repetition_type: repetition,
  num_children: children,
}: SchemaElement): DType | undefined {
  if (children || repetition === 'REPEATED') return undefined
  if (logical?.type === 'DECIMAL' || converted === 'DECIMAL') return 'f64'
  if (logical?.type === 'FLOAT16') return 'f16'
  const unsigned = converted?.startsWith('UINT_') || (logical?.type === 'INTEGER' && !logical.isSigned)
  const width = logical?.type === 'INTEGER' ? logical.bitWidth : Number(/(?<!\d)\d+$/.exec(converted ?? '')?.[0] ?? 0)
  switch (type) {
    case 'BOOLEAN':
      return 'bool'
    case 'DOUBLE':
      return 'f64'
    case 'FLOAT':
      return 'f32'
    case 'INT32':
      return `${unsigned ? 'u' : 'i'}${width === 8 || width === 16 ? width : 32}`
    case 'INT64':
      return unsigned ? 'u64' : 'i64'
    case 'INT96':
      return 'i64'
    default:
      return undefined
  }
}

export const kindOf = ({
  type,
  logical_type: logical,
  converted_type: converted,
  num_children: children,
}: SchemaElement): string =>
  children ? 'a group or a list' : `${[type, logical?.type ?? converted].filter(Boolean).join(' ')} values`
