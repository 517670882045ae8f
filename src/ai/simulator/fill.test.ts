import { beforeAll, expect, test } from 'vitest'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { z } from 'zod'
import { ask } from '../patterns/ask.ts'
import { fill } from './fill.ts'
import { simulate } from './index.ts'
import { matching } from './pattern.ts'
import { Draws } from './random.ts'

beforeAll(() => {
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false })
})

interface Tree {
  readonly name: string
  readonly below: readonly Tree[]
}
const tree: z.ZodType<Tree> = z.object({ name: z.string(), below: z.lazy(() => z.array(tree)) })
interface Link {
  readonly value: number
  readonly next: Link | null
}
const link: z.ZodType<Link> = z.object({ value: z.number(), next: z.lazy(() => link.nullable()) })

/** Every kind of zod schema that JSON Schema can say. */
const kinds: Readonly<Record<string, z.ZodType>> = {
  transform: z.string().transform((text) => text.length),
  preprocess: z.preprocess((value) => `${String(value)}!`, z.string()),
  refine: z.string().refine((text) => text.length > 0),
  union: z.union([z.number(), z.string()]),
  'union of objects': z.union([z.object({ a: z.string() }), z.object({ b: z.number() })]),
  'discriminated union': z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('a'), n: z.number() }),
    z.object({ kind: z.literal('b'), s: z.string() }),
  ]),
  record: z.record(z.string(), z.number()),
  'record of an enum': z.record(z.enum(['a', 'b']), z.number()),
  'record of a pattern': z.record(z.string().regex(/^k\d+$/), z.boolean()),
  tuple: z.tuple([z.string(), z.number(), z.boolean()]),
  'tuple with a rest': z.tuple([z.string()]).rest(z.number()),
  lazy: tree,
  'lazy and nullable': link,
  default: z.string().default('x'),
  optional: z.number().optional(),
  nullable: z.number().nullable(),
  nullish: z.object({ a: z.string() }).nullish(),
  enum: z.enum(['p', 'q']),
  'enum of TypeScript': z.enum({ One: 1, Two: 'two' }),
  literal: z.literal('only'),
  'literal of several types': z.literal(['a', 3, true, null]),
  branded: z.string().brand<'Id'>(),
  pipe: z.string().pipe(z.string().min(2)),
  codec: z.codec(z.iso.datetime(), z.date(), { decode: (text) => new Date(text), encode: (date) => date.toISOString() }),
  catch: z.number().catch(3),
  readonly: z.array(z.string()).readonly(),
  'set by a transform': z.array(z.number()).transform((list) => new Set(list)),
  'map by a transform': z.array(z.tuple([z.string(), z.number()])).transform((list) => new Map(list)),
  'bigint by a transform': z
    .string()
    .regex(/^-?\d+$/)
    .transform(BigInt),
  'date by a transform': z.iso.date().transform((text) => new Date(text)),
  intersection: z.intersection(z.object({ a: z.string() }), z.object({ b: z.number() })),
  'strict object': z.strictObject({ a: z.string(), b: z.array(z.number()) }),
  'loose object': z.looseObject({ a: z.string() }),
  'catch-all object': z.object({ a: z.string() }).catchall(z.number()),
  'array of a length': z.array(z.string()).length(7),
  'array of a range': z
    .array(z.object({ a: z.number() }))
    .min(6)
    .max(8),
  'short array': z.array(z.string()).max(1),
  'text of a length': z.string().min(30).max(40),
  'very short text': z.string().length(2),
  integer: z.int(),
  'number of a range': z.number().min(-5).max(-4),
  'number between': z.number().gt(5).lt(5.5),
  'integer between': z.int().gt(3).lt(6),
  'number from above': z.number().max(-10),
  'multiple of': z.number().min(3).max(30).multipleOf(7),
  'multiple of a fraction': z.number().min(0).max(1).multipleOf(0.25),
  pattern: z.string().regex(/^[A-Z]{3}-\d{2,4}(?:x|yy)*$/),
  'template literal': z.templateLiteral(['v', z.int(), '-', z.enum(['a', 'b'])]),
  email: z.email(),
  uuid: z.uuid(),
  url: z.url(),
  datetime: z.iso.datetime(),
  time: z.iso.time(),
  duration: z.iso.duration(),
  ipv4: z.ipv4(),
  ipv6: z.ipv6(),
  base64: z.base64(),
  base64url: z.base64url(),
  e164: z.e164(),
  cidr: z.cidrv4(),
  ulid: z.ulid(),
  nanoid: z.nanoid(),
  cuid2: z.cuid2(),
  emoji: z.emoji(),
  jwt: z.jwt(),
  boolean: z.boolean(),
  null: z.null(),
  any: z.any(),
  unknown: z.unknown(),
  json: z.json(),
}

test.each(Object.entries(kinds))('an answer to a schema matches it: %s', (name, kind) => {
  const schema = z.object({ it: kind })
  for (const target of ['draft-7', 'draft-2020-12'] as const) {
    let json: object
    try {
      json = z.toJSONSchema(schema, { target, io: 'input' })
    } catch {
      continue
    }
    for (let seed = 0; seed < 20; seed++) {
      const draws = new Draws(seed, name)
      const answer = fill(json as never, 'The trip with Nordic Rail to Oslo was great. Staff in Bergen helped.', () =>
        draws.uniform(),
      )
      expect({ answer, issues: schema.safeParse(answer).error?.issues }).toEqual({ answer, issues: undefined })
    }
  }
})

test('ask gets through to a real client for every kind', async () => {
  await using provider = await simulate({ firstToken: 1, tokensPerSecond: 1e6 })
  const model = createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL, supportsStructuredOutputs: true })('small')
  for (const kind of Object.values(kinds)) {
    const answer = await ask(model, 'Judge:\n\nAll is great in Oslo.', { schema: z.object({ it: kind }) as z.ZodType<object> })
    expect(answer).toBeTypeOf('object')
  }
})

test('patterns are matched, or left alone', () => {
  const draws = new Draws(1)
  for (const pattern of [
    /^a+b*c?$/,
    /^(?:ab|cd){2}$/,
    /^[^a-z]$/,
    /^\w\d\s\S$/,
    /^[\w.-]+@[a-z]{2,}$/,
    /^\/\(x\)\.$/,
    /^(?<year>\d{4})-\d\d$/,
    /^[\]\\-]$/,
  ]) {
    for (let i = 0; i < 50; i++) expect(matching(pattern.source, () => draws.uniform())).toMatch(pattern)
  }
  for (const pattern of ['(?=a)', '(a)\\1', '\\p{L}', '(', '[a', '*', 'a{5000}', '((((){99999}){99999}){99999}){99999}']) {
    expect(matching(pattern, () => 0.5)).toBeUndefined()
  }
})
