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
 * had been synced. So damage at byte N, with a record behind it of a batch that begins after N, means that the
 * damaged bytes had been safe; see reader.ts.
 */
import { checksumOf } from './checksum.ts'

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
const opening = 0x5b
const bracket = 0x5d
const zero = 0x30
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
    putHexadecimal(bytes, start + checksumStart, checksumOf(bytes, start + bodyStart, end - 1))
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

/** Where a value begins that there is not: the step gave undefined. */
export const nothing = -1

/** A record, and its place in the bytes that it was read from. One object is used for all: a journal has millions. */
export interface FoundRecord {
  batch: number
  /** The key as {@link keyText} gives it, in UTF-8. */
  keyFrom: number
  keyTo: number
  /** The value as JSON, or {@link nothing}. It is not parsed: most journals are read to be mostly skipped. */
  from: number
  to: number
}

/** Whether the bytes are a line with its newline, and the checksum is that of what it says. */
export function isWhole(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < bodyStart + 3 || bytes[end - 1] !== newline || bytes[end - 2] !== bracket) return false
  if (bytes[start] !== opening || bytes[start + 1] !== quote || bytes[start + 10] !== quote || bytes[start + 11] !== comma)
    return false
  const checksum = hexadecimalAt(bytes, start + checksumStart)
  return checksum !== undefined && checksum === checksumOf(bytes, start + bodyStart, end - 2)
}

/** The text between the checksum and the closing bracket of a whole line. */
export function bodyOf(line: Uint8Array): Uint8Array {
  return line.subarray(bodyStart, -2)
}

/** Eight digits; undefined when there is something else among them. */
function hexadecimalAt(bytes: Uint8Array, at: number): number | undefined {
  let value = 0
  for (let i = at; i < at + 8; i++) {
    const digit = valueOfDigit[bytes[i] as number] as number
    if (digit < 0) return undefined
    value = value * 16 + digit
  }
  return value
}

const valueOfDigit = Int8Array.from({ length: 256 }, (_, code) => digits.indexOf(String.fromCharCode(code)))

/** Into `record`; false when the body of the line from `start` to `end` is not a record. */
export function findRecord(bytes: Uint8Array, start: number, end: number, record: FoundRecord): boolean {
  const close = end - 2
  let at = start + bodyStart
  let batch = 0
  for (const first = at; ; at++) {
    const digit = (bytes[at] as number) - zero
    if (digit >= 0 && digit <= 9 && at - first < 16) batch = batch * 10 + digit
    else if (at > first && bytes[at] === comma && Number.isSafeInteger(batch)) break
    else return false
  }
  const keyEnd = endOfKey(bytes, ++at, close)
  if (keyEnd < 0 || (keyEnd !== close && bytes[keyEnd] !== comma)) return false
  record.batch = batch
  record.keyFrom = at
  record.keyTo = keyEnd
  record.from = keyEnd === close ? nothing : keyEnd + 1
  record.to = close
  return true
}

/** Behind the text, or list of texts, that begins at `at`; -1 when there is none. */
function endOfKey(bytes: Uint8Array, at: number, close: number): number {
  if (at < close && bytes[at] === quote) return endOfText(bytes, at, close)
  const end = bytes[at] === opening ? at + 1 : -1
  for (let next = end; next > 0 && next < close && bytes[next] === quote;) {
    next = endOfText(bytes, next, close)
    if (next < 0 || next >= close) return -1
    if (bytes[next] === bracket) return next + 1
    if (bytes[next] !== comma) return -1
    next++
  }
  return -1
}

function endOfText(bytes: Uint8Array, at: number, close: number): number {
  for (let i = at + 1; i < close; i++) {
    if (bytes[i] === quote) return i + 1
    if (bytes[i] === backslash) i++
  }
  return -1
}

export function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
}
