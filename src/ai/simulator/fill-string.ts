/** Texts that match a JSON Schema: of a format, of a pattern, of a length, or about what the name of the field asks for. */
import { entitiesOf, keywordsOf, sentencesOf, sentimentOf } from './language.ts'
import { matching } from './pattern.ts'
import { BadRequest, type JsonSchemaObject } from './request.ts'

const longest = 100_000

/** @throws {BadRequest} for a text that must be too long */
export function stringOf(schema: JsonSchemaObject, name: string, text: string, draw: () => number): string {
  const formatted = typeof schema.format === 'string' ? formats[schema.format]?.(draw) : undefined
  if (formatted !== undefined) return formatted
  if (typeof schema.pattern === 'string') {
    const found = matching(schema.pattern, draw)
    if (found !== undefined) return found
  }
  return ofLength(about(name, schema, text), schema)
}

function about(name: string, schema: JsonSchemaObject, text: string): string {
  const wish = `${name} ${typeof schema.description === 'string' ? schema.description : ''}`.toLowerCase()
  if (/sentiment|tone/.test(wish)) return sentimentOf(text)
  if (/title|topic|subject/.test(wish)) return keywordsOf(text).slice(0, 3).join(' ')
  if (/\bname|entity/.test(wish)) return entitiesOf(text)[0] ?? keywordsOf(text)[0] ?? ''
  return sentencesOf(text)[0] ?? text
}

function ofLength(text: string, schema: JsonSchemaObject): string {
  const least = typeof schema.minLength === 'number' ? schema.minLength : 0
  if (least > longest) throw new BadRequest(`Invalid schema: 'minLength' may be at most ${longest}, not ${least}.`)
  const most = typeof schema.maxLength === 'number' ? Math.max(0, schema.maxLength) : Number.POSITIVE_INFINITY
  const padded = text.length < least ? `${text}${' and so on'.repeat(Math.ceil((least - text.length) / 10))}` : text
  return padded.length > Math.max(most, least) ? padded.slice(0, Math.max(most, least)) : padded
}

const hex = (length: number, draw: () => number): string =>
  Array.from({ length }, () => Math.floor(draw() * 16).toString(16)).join('')
const digits = (length: number, draw: () => number): string => Array.from({ length }, () => Math.floor(draw() * 10)).join('')
const from = (characters: string, length: number, draw: () => number): string =>
  Array.from({ length }, () => characters[Math.floor(draw() * characters.length)]).join('')
const lower = 'abcdefghijklmnopqrstuvwxyz0123456789'
const between = (low: number, high: number, draw: () => number): string =>
  `${low + Math.floor(draw() * (high - low + 1))}`.padStart(2, '0')
const date = (draw: () => number): string => `20${between(20, 29, draw)}-${between(1, 12, draw)}-${between(1, 28, draw)}`
const time = (draw: () => number): string => `${between(0, 23, draw)}:${between(0, 59, draw)}:${between(0, 59, draw)}`

/** The formats of JSON Schema and those that zod names. */
const formats: Readonly<Record<string, ((draw: () => number) => string) | undefined>> = {
  'date-time': (draw) => `${date(draw)}T${time(draw)}Z`,
  date,
  time,
  duration: (draw) => `P${1 + Math.floor(draw() * 9)}DT${1 + Math.floor(draw() * 9)}H`,
  email: (draw) => `${from(lower.slice(0, 26), 6, draw)}@example.com`,
  hostname: (draw) => `${from(lower.slice(0, 26), 6, draw)}.example.com`,
  uri: (draw) => `https://example.com/${from(lower, 6, draw)}`,
  url: (draw) => `https://example.com/${from(lower, 6, draw)}`,
  uuid: (draw) => `${hex(8, draw)}-${hex(4, draw)}-4${hex(3, draw)}-8${hex(3, draw)}-${hex(12, draw)}`,
  guid: (draw) => `${hex(8, draw)}-${hex(4, draw)}-4${hex(3, draw)}-8${hex(3, draw)}-${hex(12, draw)}`,
  ipv4: (draw) => `10.${Math.floor(draw() * 256)}.${Math.floor(draw() * 256)}.${1 + Math.floor(draw() * 254)}`,
  ipv6: (draw) => `2001:db8::${hex(1, draw)}${hex(3, draw)}`,
  cidrv4: (draw) => `10.${Math.floor(draw() * 256)}.0.0/16`,
  cidrv6: (draw) => `2001:db8:${hex(4, draw)}::/48`,
  base64: (draw) => Buffer.from(digits(6, draw)).toString('base64'),
  base64url: (draw) => Buffer.from(digits(6, draw)).toString('base64url'),
  e164: (draw) => `+1555${digits(7, draw)}`,
  cuid: (draw) => `c${from(lower, 24, draw)}`,
  cuid2: (draw) => `a${from(lower, 23, draw)}`,
  ulid: (draw) => `01${from('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 24, draw)}`,
  nanoid: (draw) => from(lower, 21, draw),
  xid: (draw) => from('0123456789abcdefghijklmnopqrstuv', 20, draw),
  ksuid: (draw) => from(lower, 27, draw),
  emoji: () => '🙂',
  jwt: (draw) =>
    [{ alg: 'HS256', typ: 'JWT' }, { sub: digits(6, draw) }]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.') + `.${from(lower, 20, draw)}`,
}
