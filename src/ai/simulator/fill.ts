/** Fills in a JSON Schema from a text, so that structured output makes sense without a model behind it. */
import { entitiesOf, keywordsOf, sentencesOf, sentimentOf } from './language.ts'
import type { JsonSchema } from './request.ts'

/** @param draw gives numbers in [0, 1): what nothing in the text decides is decided by it */
export function fill(schema: JsonSchema, text: string, draw: () => number): unknown {
  return value(schema, '', { root: schema, text, draw, depth: 0 })
}

interface Filling {
  readonly root: JsonSchema
  readonly text: string
  readonly draw: () => number
  readonly depth: number
}

/** Schemas may refer to themselves; what lies deeper stays empty. */
const deepest = 8

function value(schema: JsonSchema, name: string, f: Filling): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return choose(schema.enum, f)
  if (schema.$ref !== undefined) return value(resolve(f.root, schema.$ref), name, { ...f, depth: f.depth + 1 })
  const choice = schema.anyOf?.[0] ?? schema.oneOf?.[0]
  if (choice) return value(choice, name, f)
  switch (typeof schema.type === 'object' ? schema.type[0] : schema.type) {
    case 'array':
      return list(schema, name, f)
    case 'string':
      return words(name, schema, f)
    case 'number':
    case 'integer':
      return number(schema, name, f)
    case 'boolean':
      return /positive|is|has/.test(name) ? sentimentOf(f.text) !== 'negative' : f.draw() < 0.5
    case 'null':
      return null
    default: {
      if (f.depth > deepest) return {}
      const properties = Object.entries(schema.properties ?? {})
      return Object.fromEntries(properties.map(([key, part]) => [key, value(part, key, { ...f, depth: f.depth + 1 })]))
    }
  }
}

function resolve(root: JsonSchema, ref: string): JsonSchema {
  let at: unknown = root
  for (const key of ref.replace(/^#\/?/, '').split('/').filter(Boolean)) at = (at as Record<string, unknown> | undefined)?.[key]
  return (at as JsonSchema | undefined) ?? {}
}

/** The member that the text names, or that says its sentiment; else any. */
function choose(members: readonly unknown[], { text, draw }: Filling): unknown {
  const sentiment = sentimentOf(text)
  const named = members.find((member) => member === sentiment)
  if (named !== undefined) return named
  const lower = text.toLowerCase()
  return members.find((member) => lower.includes(String(member).toLowerCase())) ?? members[Math.floor(draw() * members.length)]
}

function list(schema: JsonSchema, name: string, f: Filling): unknown[] {
  if (f.depth > deepest) return []
  const most = schema.maxItems ?? 5
  const items = schema.items ?? { type: 'string' }
  if (items.type === 'string' && !items.enum) {
    const found = /sentence|point|summary|step/.test(name)
      ? sentencesOf(f.text)
      : /entit|name|people|place/.test(name)
        ? entitiesOf(f.text)
        : keywordsOf(f.text)
    return found.slice(0, most)
  }
  const count = Math.min(most, Math.max(schema.minItems ?? 0, 3))
  const sentences = sentencesOf(f.text)
  return Array.from({ length: count }, (_, i) =>
    value(items, name, { ...f, text: sentences[i % Math.max(1, sentences.length)] ?? f.text, depth: f.depth + 1 }),
  )
}

function words(name: string, schema: JsonSchema, { text }: Filling): string {
  const wish = `${name} ${schema.description ?? ''}`.toLowerCase()
  if (/sentiment|tone/.test(wish)) return sentimentOf(text)
  if (/title|topic|subject/.test(wish)) return keywordsOf(text).slice(0, 3).join(' ')
  if (/\bname|entity/.test(wish)) return entitiesOf(text)[0] ?? keywordsOf(text)[0] ?? ''
  return sentencesOf(text)[0] ?? text
}

function number(schema: JsonSchema, name: string, { text, draw }: Filling): number {
  const low = schema.minimum ?? 0
  const high = schema.maximum ?? Math.max(low + 1, 1)
  const place = /score|sentiment|rating/.test(name) ? { negative: 0.2, neutral: 0.5, positive: 0.8 }[sentimentOf(text)] : draw()
  const found = low + (high - low) * place
  return schema.type === 'integer' ? Math.round(found) : Number(found.toFixed(3))
}
