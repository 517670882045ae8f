/**
 * Fills in a JSON Schema from a text, so that structured output makes sense without a model behind it. A schema comes from a client and may hold
 * anything: what has the wrong form says nothing, what refers to itself ends, and an answer that would be too large is refused.
 */
import { numberOf } from './fill-number.ts'
import { stringOf } from './fill-string.ts'
import { entitiesOf, keywordsOf, sentencesOf, sentimentOf } from './language.ts'
import { BadRequest, type JsonSchema, type JsonSchemaObject } from './request.ts'

/** Values that one answer has at most; a list or a text that must be longer is refused. */
const mostValues = 10_000
/** From here on what may be left out is. */
const enoughValues = 1_000
/** What lies deeper is left out where it may be; schemas may refer to themselves. */
const deepest = 8
/** Where nothing may be left out, a schema that needs itself ends here. */
const tooDeep = 40

/** @param draw gives numbers in [0, 1): what nothing in the text decides is decided by it @throws {BadRequest} */
export function fill(schema: JsonSchema, text: string, draw: () => number): unknown {
  return new Filling(schema, draw).value(schema, '', text, 0)
}

class Filling {
  readonly #root: JsonSchema
  readonly #draw: () => number
  #values = 0

  constructor(root: JsonSchema, draw: () => number) {
    this.#root = root
    this.#draw = draw
  }

  value(raw: unknown, name: string, text: string, depth: number): unknown {
    if (++this.#values > mostValues)
      throw new BadRequest(`Invalid schema: an answer to it would have more than ${mostValues} values.`)
    if (depth > tooDeep) throw new BadRequest('Invalid schema: it needs itself, so that no answer would end.')
    if (raw === false) throw new BadRequest('Invalid schema: a part of it allows no value.')
    const schema = this.#flat(objectOf(raw) ?? {}, depth)
    if (schema.const !== undefined) return schema.const
    const members = listOf(schema.enum)
    if (members.length > 0) return this.#choose(members, text)
    const choices = [...listOf(schema.anyOf), ...listOf(schema.oneOf)]
    if (choices.length > 0)
      return this.value(
        { ...schema, anyOf: undefined, oneOf: undefined, ...this.#simplest(choices, depth) },
        name,
        text,
        depth + 1,
      )
    switch (this.#typeOf(schema)) {
      case 'array':
        return this.#list(schema, name, text, depth)
      case 'string':
        return stringOf(schema, name, text, this.#draw)
      case 'number':
        return numberOf(schema, name, text, this.#draw)
      case 'integer':
        return numberOf(schema, name, text, this.#draw, true)
      case 'boolean':
        return /positive|is|has/.test(name) ? sentimentOf(text) !== 'negative' : this.#draw() < 0.5
      case 'null':
        return null
      default:
        return this.#record(schema, text, depth)
    }
  }

  /** With what it refers to and all of whose parts it must match, as one. */
  #flat(schema: JsonSchemaObject, depth: number): JsonSchemaObject {
    let flat = schema
    for (let steps = 0; typeof flat.$ref === 'string' || flat.allOf !== undefined; steps++) {
      if (steps + depth > tooDeep) throw new BadRequest('Invalid schema: it refers only to itself.')
      const { $ref, allOf, ...rest } = flat
      const parts = [...(typeof $ref === 'string' ? [this.#resolve($ref)] : []), ...listOf(allOf)]
      flat = parts.map((part) => objectOf(part) ?? {}).reduce(merged, rest)
    }
    return flat
  }

  #resolve(ref: string): unknown {
    let at: unknown = this.#root
    for (const key of ref.replace(/^#\/?/, '').split('/').filter(Boolean)) {
      const name = key.replaceAll('~1', '/').replaceAll('~0', '~')
      at = typeof at === 'object' && at !== null && Object.hasOwn(at, name) ? (at as Record<string, unknown>)[name] : undefined
    }
    return at
  }

  /** The first choice; deep down the first that holds no others, so that a schema that refers to itself ends. */
  #simplest(choices: readonly unknown[], depth: number): JsonSchemaObject {
    const objects = choices.map((choice) => objectOf(choice)).filter((choice) => choice !== undefined)
    const plain = this.#isEnough(depth) ? objects.find((choice) => isPlain(choice)) : undefined
    return plain ?? objects[0] ?? {}
  }

  /** What may be left out is left out. */
  #isEnough(depth: number): boolean {
    return depth > deepest || this.#values > enoughValues
  }

  #typeOf(schema: JsonSchemaObject): unknown {
    if (typeof schema.type === 'string') return schema.type
    if (Array.isArray(schema.type)) return (schema.type as unknown[])[0]
    if (schema.items !== undefined || schema.prefixItems !== undefined) return 'array'
    if (schema.pattern !== undefined || schema.format !== undefined || schema.minLength !== undefined) return 'string'
    if (schema.minimum !== undefined || schema.maximum !== undefined || schema.multipleOf !== undefined) return 'number'
    return 'object'
  }

  #record(schema: JsonSchemaObject, text: string, depth: number): Record<string, unknown> {
    const properties = Object.entries(objectOf(schema.properties) ?? {})
    const required = new Set(listOf(schema.required))
    const record: [string, unknown][] = []
    for (const [key, part] of properties) {
      if (this.#isEnough(depth) && !required.has(key)) continue
      if (part === false) continue
      record.push([key, this.value(part, key, text, depth + 1)])
    }
    const extra = objectOf(schema.additionalProperties) ?? Object.values(objectOf(schema.patternProperties) ?? {})[0]
    for (const key of this.#extraKeys(schema, text, extra !== undefined)) {
      if (!record.some(([known]) => known === key)) record.push([key, this.value(extra ?? {}, key, text, depth + 1)])
    }
    return Object.fromEntries(record)
  }

  /** Keys of a record: those that it must have, those that it names, or words of the text. */
  #extraKeys(schema: JsonSchemaObject, text: string, isRecord: boolean): readonly string[] {
    const required = listOf(schema.required).filter((key) => typeof key === 'string')
    if (!isRecord) return required
    const names = objectOf(schema.propertyNames) ?? {}
    const named = listOf(names.enum).filter((key) => typeof key === 'string')
    if (named.length > 0) return named.slice(0, mostValues)
    const pattern = names.pattern ?? Object.keys(objectOf(schema.patternProperties) ?? {})[0]
    if (pattern !== undefined || names.format !== undefined)
      return [...required, stringOf({ ...names, pattern }, '', text, this.#draw)]
    const words = keywordsOf(text).slice(0, 3)
    const least = Math.max(1, countOf(schema.minProperties, 'minProperties') ?? 1)
    while (words.length < least) words.push(`key${words.length + 1}`)
    return [...required, ...words]
  }

  /** The member that the text names, or that says its sentiment; else any. */
  #choose(members: readonly unknown[], text: string): unknown {
    const sentiment = sentimentOf(text)
    const named = members.find((member) => member === sentiment)
    if (named !== undefined) return named
    const lower = text.toLowerCase()
    const spoken = (member: unknown): boolean => typeof member !== 'object' && lower.includes(String(member).toLowerCase())
    return members.find(spoken) ?? members[Math.floor(this.#draw() * members.length)]
  }

  #list(schema: JsonSchemaObject, name: string, text: string, depth: number): unknown[] {
    const [least, most] = [countOf(schema.minItems, 'minItems') ?? 0, countOf(schema.maxItems, undefined) ?? 5]
    const tuple = listOf(schema.prefixItems ?? (Array.isArray(schema.items) ? schema.items : undefined))
    const found = tuple.map((part) => this.value(part, name, text, depth + 1))
    const rest = tuple.length > 0 ? (schema.prefixItems === undefined ? schema.additionalItems : schema.items) : schema.items
    if (rest === false || (tuple.length > 0 && rest === undefined)) return found
    if (this.#isEnough(depth) && least <= found.length) return found
    const items = objectOf(rest) ?? { type: 'string' }
    const more = isText(items) ? this.#words(name, text).slice(0, Math.max(0, Math.max(most, least) - found.length)) : []
    found.push(...more)
    const sentences = sentencesOf(text)
    const wanted =
      more.length > 0 ? least : Math.min(Math.max(most, least), Math.max(least, tuple.length > 0 ? tuple.length + 1 : 3))
    while (found.length < wanted) {
      const about = sentences[found.length % Math.max(1, sentences.length)] ?? text
      found.push(this.value(items, name, about, depth + 1))
    }
    return schema.uniqueItems === true ? unique(found) : found
  }

  #words(name: string, text: string): readonly string[] {
    if (/sentence|point|summary|step/.test(name)) return sentencesOf(text)
    return /entit|name|people|place/.test(name) ? entitiesOf(text) : keywordsOf(text)
  }
}

/** Two schemas that must both be matched. */
function merged(a: JsonSchemaObject, b: JsonSchemaObject): JsonSchemaObject {
  const properties = { ...objectOf(a.properties), ...objectOf(b.properties) }
  const required = [...new Set([...listOf(a.required), ...listOf(b.required)])]
  return {
    ...a,
    ...b,
    ...(Object.keys(properties).length > 0 && { properties }),
    ...(required.length > 0 && { required }),
  }
}

function objectOf(value: unknown): JsonSchemaObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : []
}

/** A number of items. @param required the name of a bound that must be reached @throws {BadRequest} when that is too much */
function countOf(value: unknown, required: string | undefined): number | undefined {
  if (typeof value !== 'number' || Number.isNaN(value)) return undefined
  if (required !== undefined && value > mostValues)
    throw new BadRequest(`Invalid schema: '${required}' may be at most ${mostValues}, not ${value}.`)
  return Math.max(0, Math.ceil(value))
}

/** Texts without any rules: what the text has of words is a better list than made-up ones. */
function isText(schema: JsonSchemaObject): boolean {
  return (
    schema.type === 'string' && Object.keys(schema).every((key) => ['type', 'description', 'title', 'examples'].includes(key))
  )
}

/** Holds no other schemas. */
function isPlain(schema: JsonSchemaObject): boolean {
  return schema.const !== undefined || ['string', 'number', 'integer', 'boolean', 'null'].includes(schema.type as string)
}

function unique(values: readonly unknown[]): unknown[] {
  const seen = new Set<string>()
  return values.filter((value) => {
    const key = JSON.stringify(value)
    return seen.has(key) ? false : seen.add(key)
  })
}
