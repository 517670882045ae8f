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
import { lazily } from '../base/builtin.ts'

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
const bodyStart = 12
const bracket = 0x5d
const quote = 0x22
const backslash = 0x5c
const comma = 0x2c

/** The key as JSON: text, or the list of the parts that it lies in and itself. Equal keys have equal text. */
export function keyText(parts: readonly string[], key: string): string {
  return JSON.stringify(parts.length === 0 ? key : [...parts, key])
}

export function headerLine(header: Header): string {
  return line(JSON.stringify(header))
}

/** @param json the value, or undefined for a step that gave undefined */
export function recordLine(batch: number, key: string, json: string | undefined): string {
  return line(json === undefined ? `${batch},${key}` : `${batch},${key},${json}`)
}

function line(body: string): string {
  return `["${checksum(body)}",${body}]\n`
}

function checksum(body: string | Uint8Array): string {
  return zlib().crc32(body).toString(16).padStart(8, '0')
}

/** Not by one long text: that would have an end at half a gigabyte. */
export function encode(lines: readonly string[]): Uint8Array {
  let length = 0
  for (const text of lines) length += Buffer.byteLength(text)
  const bytes = Buffer.allocUnsafe(length)
  let at = 0
  for (const text of lines) at += bytes.write(text, at)
  return bytes
}

/** What is between the checksum and the closing bracket of a line, which ends with its newline; undefined when it is damaged. */
export function bodyOf(text: Uint8Array): Uint8Array | undefined {
  if (text.length < bodyStart + 3 || text[text.length - 2] !== bracket) return undefined
  const body = text.subarray(bodyStart, -2)
  const head = Buffer.from(text.buffer, text.byteOffset, bodyStart).toString('latin1')
  return head === `["${checksum(body)}",` ? body : undefined
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
