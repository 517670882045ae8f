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
import { bodyOf, decode, findRecord, type FoundRecord, type Header, isWhole, nothing } from './format.ts'
import { RecordIndex } from './record-index.ts'

/** The contents of a journal, or why it is refused. */
export type Contents =
  | {
      readonly refused: string
      /** Everything before this byte is right; undefined when nothing is. */
      readonly rightTo?: number
    }
  | {
      readonly header: Header
      /** Values as JSON by key, both as in format.ts; of two records with one key the later. */
      readonly records: RecordIndex
      /** Where what can be trusted ends; what lies behind it is the torn tail. */
      readonly end: number
      readonly length: number
      /** The last batch that can be trusted, and where it stands; empty when there is none. */
      readonly last: { readonly start: number; readonly bytes: Uint8Array }
    }

const newline = 0x0a

interface Stretch {
  readonly bytes: Uint8Array
  readonly start: number
  end: number
}

export class Reader {
  /** Pieces of the line that has not ended yet. */
  #open: Uint8Array[] = []
  #length = 0
  #line = 0
  #lineStart = 0
  #header: Header | undefined
  readonly #records = new RecordIndex()
  /** The record of the line at hand. */
  readonly #found: FoundRecord = { batch: 0, keyFrom: 0, keyTo: 0, from: nothing, to: 0 }
  #end = 0
  #batch = 0
  /** Where the lines of the last batch are; those that follow one another in one piece are one stretch. */
  #stretches: Stretch[] = []
  #refused: string | undefined
  #rightTo: number | undefined
  /** The first damaged line. */
  #damage: { readonly line: number; readonly start: number; readonly end: number } | undefined

  push(piece: Uint8Array): void {
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length)
    let start = 0
    for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, start)) {
      if (this.#open.length > 0) this.#endOpen(bytes.subarray(start, at + 1))
      else this.#endLine(bytes, start, at + 1)
      start = at + 1
    }
    if (start < bytes.length) this.#open.push(bytes.subarray(start))
  }

  finish(): Contents {
    if (this.#open.length > 0) this.#endOpen(new Uint8Array())
    if (!this.#header) this.#refused ??= 'it is empty'
    if (this.#refused !== undefined)
      return { refused: this.#refused, ...(this.#rightTo !== undefined && { rightTo: this.#rightTo }) }
    return {
      header: this.#header as Header,
      records: this.#records,
      end: this.#end,
      length: this.#length,
      last: {
        start: this.#batch,
        bytes: Buffer.concat(this.#stretches.map(({ bytes, start, end }) => bytes.subarray(start, end))),
      },
    }
  }

  #endOpen(last: Uint8Array): void {
    const line = Buffer.concat([...this.#open, last])
    this.#open = []
    this.#endLine(line, 0, line.length)
  }

  #endLine(bytes: Buffer, start: number, end: number): void {
    this.#line++
    this.#length += end - start
    if (this.#refused === undefined) this.#take(bytes, start, end)
    this.#lineStart = this.#length
  }

  #take(bytes: Buffer, start: number, end: number): void {
    const whole = isWhole(bytes, start, end)
    if (!this.#header) return this.#takeHeader(bytes.subarray(start, end), whole)
    const found = this.#found
    const isRecord = whole && findRecord(bytes, start, end, found)
    const damaged = this.#damage
    if (damaged) {
      if (isRecord && found.batch !== this.#batch && found.batch !== damaged.start) this.#refuseDamage()
      return
    }
    if (isRecord && (found.batch === this.#batch || found.batch === this.#lineStart)) {
      if (found.batch !== this.#batch) this.#stretches = []
      this.#batch = found.batch
      this.#stretch(bytes, start, end)
      this.#records.add(bytes, found.keyFrom, found.keyTo, found.from, found.to)
      this.#end = this.#length
      return
    }
    this.#damage = { line: this.#line, start: this.#lineStart, end: this.#length }
    // A whole record in the wrong place: no crash has put it there.
    if (isRecord) this.#refuseDamage()
  }

  #stretch(bytes: Uint8Array, start: number, end: number): void {
    const last = this.#stretches.at(-1)
    if (last?.bytes === bytes && last.end === start) last.end = end
    else this.#stretches.push({ bytes, start, end })
  }

  #takeHeader(text: Uint8Array, whole: boolean): void {
    const header = whole ? parseHeader(bodyOf(text)) : undefined
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
