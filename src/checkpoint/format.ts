/**
 * The bytes of a journal. Pure.
 *
 * Every line is a JSON array whose first element is the CRC-32 of the rest of the line, in hexadecimal:
 *
 *     ["5f0c12ab",{"journal":"heddle","format":1,"program":"embed","version":"1","options":{"model":"small"}}]
 *     ["9be3a1d0",105,"page-17",{"words":204}]                    batch, key, value
 *     ["03c7fe55",105,["summaries","page-18"]]                    key within a part; a step that gave undefined
 *
 * A batch is what was written together, and it is named by the byte at which it begins. The next one is written only after it
 * had been synced. So whoever finds damage at byte N, and behind it a record of a batch that begins after N, knows that the
 * damaged bytes had been safe; see reader.ts.
 */
import { lazily } from '../base/builtin.js'

const zlib = lazily('node:zlib')

export const formatVersion = 1

export interface Header {
  readonly journal: 'heddle'
  readonly format: number
  readonly program: string
  readonly version: string
  /** What the results depend on, keys in order. */
  readonly options: unknown
}

/** A line is `["` checksum `",` body `]` newline. */
const checksumStart = 2
const bodyStart = 12
const digits = '0123456789abcdef'
const newline = 0x0a
const bracket = 0x5d
const quote = 0x22
const backslash = 0x5c
const comma = 0x2c

/** The key as JSON: text, or the list of the parts that it lies in and itself. Equal keys have equal text. */
export function keyText(parts: readonly string[], key: string): string {
  return JSON.stringify(parts.length === 0 ? key : [...parts, key])
}

export function headerBody(header: Header): string {
  return JSON.stringify(header)
}

/** @param json the value, or undefined for a step that gave undefined */
export function recordBody(batch: number, key: string, json: string | undefined): string {
  return json === undefined ? `${batch},${key}` : `${batch},${key},${json}`
}

/** Characters that are turned into bytes at once: one text of everything would have an end at half a gigabyte. Chosen. */
const pieceLength = 1 << 24

/**
 * The lines with these bodies. The checksums are put in when the bytes are there: many short lines become bytes together at half of what
 * they cost one by one.
 */
export function encode(bodies: readonly string[]): Uint8Array {
  const pieces: Uint8Array[] = []
  let text = ''
  for (const body of bodies) {
    text += `["00000000",${body}]\n`
    if (text.length < pieceLength) continue
    pieces.push(withChecksums(text))
    text = ''
  }
  const last = withChecksums(text)
  return pieces.length === 0 ? last : Buffer.concat([...pieces, last])
}

function withChecksums(text: string): Uint8Array {
  const bytes = Buffer.from(text)
  // A newline within a text is written as \n in JSON.
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(newline, start)
    putHexadecimal(bytes, start + checksumStart, zlib().crc32(bytes.subarray(start + bodyStart, end - 1)))
    start = end + 1
  }
  return bytes
}

/** All eight digits, in place. */
function putHexadecimal(bytes: Uint8Array, at: number, value: number): void {
  for (let i = at + 7; i >= at; i--) {
    bytes[i] = digits.charCodeAt(value & 15)
    value >>>= 4
  }
}

/** What is between the checksum and the closing bracket of a line, which ends with its newline; undefined when it is damaged. */
export function bodyOf(text: Uint8Array): Uint8Array | undefined {
  if (text.length < bodyStart + 3 || text[text.length - 2] !== bracket) return undefined
  const body = text.subarray(bodyStart, -2)
  const head = Buffer.from(text.buffer, text.byteOffset, bodyStart).toString('latin1')
  const checksum = zlib().crc32(body).toString(16).padStart(8, '0')
  return head === `["${checksum}",` ? body : undefined
}

export interface StoredRecord {
  readonly batch: number
  /** As {@link keyText} gives it. */
  readonly key: string
  /** JSON; undefined for a step that gave undefined. */
  readonly value: Uint8Array | undefined
}

/** The record of a body; undefined when it is none. The value is not parsed: most journals are read to be mostly skipped. */
export function recordOf(body: Uint8Array): StoredRecord | undefined {
  const keyAt = body.indexOf(comma) + 1
  const batch = keyAt > 0 && keyAt < 18 ? Number(decode(body.subarray(0, keyAt - 1))) : Number.NaN
  const keyEnd = endOfKey(body, keyAt)
  if (!Number.isSafeInteger(batch) || keyEnd < 0) return undefined
  const key = decode(body.subarray(keyAt, keyEnd))
  if (keyEnd === body.length) return { batch, key, value: undefined }
  return body[keyEnd] === comma ? { batch, key, value: body.subarray(keyEnd + 1) } : undefined
}

/** Behind the text, or list of texts, that begins at `at`; -1 when there is none. */
function endOfKey(body: Uint8Array, at: number): number {
  if (body[at] === quote) return endOfText(body, at)
  const end = body[at] === 0x5b ? at + 1 : -1
  for (let next = end; next > 0 && body[next] === quote;) {
    next = endOfText(body, next)
    if (body[next] === bracket) return next + 1
    if (body[next] !== comma) return -1
    next++
  }
  return -1
}

function endOfText(body: Uint8Array, at: number): number {
  for (let i = at + 1; i < body.length; i++) {
    if (body[i] === quote) return i + 1
    if (body[i] === backslash) i++
  }
  return -1
}

export function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
