/**
 * Reads a journal piece by piece, and judges what a crash or anything else has done to it. Pure.
 *
 * Policy. A crash can damage the batch that was being written, and nothing before it: its end may be missing, or any of its blocks, in
 * any order, because the disk had not yet promised to have them. That is a torn tail: it is dropped, and its steps run again. Everything else
 * is damage, and refused by line and byte: what is missing there had been acknowledged.
 *
 * Damage is a torn tail exactly when every whole record behind it belongs to the batch in which it lies. A batch is named by the byte
 * at which it begins, so that lines that were taken out, put in or moved are noticed too.
 */
import { bodyOf, decode, type Header, recordOf } from './format.ts'

/** What a journal holds, or why it is refused. */
export type Contents =
  | {
      readonly refused: string
      /** What stands before this byte is right; undefined when nothing is. */
      readonly rightTo?: number
    }
  | {
      readonly header: Header
      /** Values as JSON by key, both as in format.ts; of two records with one key the later. */
      readonly records: Map<string, Uint8Array | undefined>
      /** Where what can be trusted ends; what lies behind it is the torn tail. */
      readonly end: number
      readonly length: number
      /** The last batch that can be trusted, and where it stands; empty when there is none. */
      readonly last: { readonly start: number; readonly bytes: Uint8Array }
    }

const newline = 0x0a

export class Reader {
  /** Pieces of the line that has not ended yet. */
  #open: Uint8Array[] = []
  #length = 0
  #line = 0
  #lineStart = 0
  #header: Header | undefined
  readonly #records = new Map<string, Uint8Array | undefined>()
  #end = 0
  #batch = 0
  #batchLines: Uint8Array[] = []
  #refused: string | undefined
  #rightTo: number | undefined
  /** The first damaged line. */
  #damage: { readonly line: number; readonly start: number; readonly end: number } | undefined

  push(piece: Uint8Array): void {
    let start = 0
    for (let at = piece.indexOf(newline); at >= 0; at = piece.indexOf(newline, start)) {
      this.#endLine(piece.subarray(start, at + 1))
      start = at + 1
    }
    if (start < piece.length) this.#append(piece.subarray(start))
  }

  finish(): Contents {
    if (this.#open.length > 0) this.#endLine(new Uint8Array())
    if (!this.#header) this.#refused ??= 'it is empty'
    if (this.#refused !== undefined)
      return { refused: this.#refused, ...(this.#rightTo !== undefined && { rightTo: this.#rightTo }) }
    return {
      header: this.#header as Header,
      records: this.#records,
      end: this.#end,
      length: this.#length,
      last: { start: this.#batch, bytes: Buffer.concat(this.#batchLines) },
    }
  }

  #append(bytes: Uint8Array): void {
    this.#open.push(bytes)
    this.#length += bytes.length
  }

  #endLine(last: Uint8Array): void {
    this.#append(last)
    const text = this.#open.length === 1 ? last : Buffer.concat(this.#open)
    this.#open = []
    this.#line++
    if (this.#refused === undefined) this.#take(text, text.at(-1) === newline ? bodyOf(text) : undefined)
    this.#lineStart = this.#length
  }

  #take(text: Uint8Array, body: Uint8Array | undefined): void {
    if (!this.#header) return this.#takeHeader(text, body)
    const record = body && recordOf(body)
    const damaged = this.#damage
    if (damaged) {
      if (record && record.batch !== this.#batch && record.batch !== damaged.start) this.#refuseDamage()
      return
    }
    if (record && (record.batch === this.#batch || record.batch === this.#lineStart)) {
      if (record.batch !== this.#batch) this.#batchLines = []
      this.#batch = record.batch
      this.#batchLines.push(text)
      this.#records.set(record.key, record.value)
      this.#end = this.#length
      return
    }
    this.#damage = { line: this.#line, start: this.#lineStart, end: this.#length }
    // A whole record in the wrong place: no crash has put it there.
    if (record) this.#refuseDamage()
  }

  #takeHeader(text: Uint8Array, body: Uint8Array | undefined): void {
    const header = body && parseHeader(body)
    if (!header) {
      this.#refused = decode(text).includes('"journal":"heddle"')
        ? `its header is damaged (line 1, bytes 0 to ${text.length})`
        : 'its first line is not the header of a journal'
      return
    }
    this.#header = header
    this.#end = this.#length
  }

  #refuseDamage(): void {
    const { line, start, end } = this.#damage as { line: number; start: number; end: number }
    this.#rightTo = start
    this.#refused = `line ${line} is damaged, or not where it was written (bytes ${start} to ${end})`
  }
}

function parseHeader(body: Uint8Array): Header | undefined {
  try {
    const header = JSON.parse(decode(body)) as Header | null
    return header?.journal === 'heddle' ? header : undefined
  } catch {
    return undefined
  }
}
