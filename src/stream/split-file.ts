/**
 * A large file as ranges of bytes that end where records end, so that workers read their own: a line that this thread reads and sends is
 * copied twice, and costs more than most of what is done with it.
 *
 * Without quotes a range is found by looking for the end of a record behind each multiple of its size: next to nothing is read. With
 * quotes everything before has to be looked at, because only the number of quotes before says whether an end is one. The end of a record is ASCII or a
 * whole sequence of UTF-8, so no character is ever cut.
 */
import type { FileHandle } from 'node:fs/promises'
import { lazily } from '../base/builtin.js'
import { peek } from '../base/look.js'
import { describe, HeddleError, InvalidOption, RecordTooLong } from '../base/errors.ts'
import { checkOptions, type OptionRules, rules } from '../base/options.ts'

const fs = lazily('node:fs')
const disk = lazily('node:fs/promises')

/** Options of {@link splitFile}. */
export interface SplitFileOptions {
  /** How large a part is, in bytes: up to the first end of a record from there on. Minimum 1. @default 4 MiB */
  readonly bytes?: number
  /** What a record ends with. With `'\n'` the lines of a file from Windows keep their `'\r'`. @default '\n' */
  readonly end?: string
  /** Between two of these an end is part of a record, as in CSV; doubled, it stands for itself. One ASCII character. The file is then read once by this thread. @default none */
  readonly quote?: string
  /** True: the first record is in no part; each has it as `header`. @default false */
  readonly header?: boolean
  /** Longest record, in bytes; a longer one is an error, such as a quote that is never closed. Minimum 1. @default 64 MiB */
  readonly recordBytes?: number
}

/** Bytes of a file, from `start` up to `end`, with whole records: data that crosses to workers. */
export interface FilePart {
  readonly path: string
  readonly start: number
  readonly end: number
  /** The first record of the file, without its end. */
  readonly header?: string
}

const splitRules: OptionRules<SplitFileOptions> = {
  bytes: rules.whole(1),
  end: rules.string,
  quote: rules.string,
  header: rules.boolean,
  recordBytes: rules.whole(1),
}

const mebibyte = 2 ** 20
/** Read at once while looking for an end; most records are shorter. Chosen. */
const windowBytes = 64 * 1_024
/** Read at once where everything is read. Chosen. */
const scanBytes = mebibyte

/** The first bytes of files that are not text. */
const signatures: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['compressed with gzip', [0x1f, 0x8b]],
  ['compressed with zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['compressed with bzip2', [0x42, 0x5a, 0x68]],
  ['compressed with xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['a zip archive', [0x50, 0x4b, 0x03, 0x04]],
  ['in UTF-16', [0xff, 0xfe]],
  ['in UTF-16', [0xfe, 0xff]],
]
const byteOrderMark = [0xef, 0xbb, 0xbf]

/**
 * Splits the file at `path` into parts of whole records. A worker function reads its own part with {@link readPart}.
 *
 * @throws {InvalidOption} for a file that is not regular, compressed, or in UTF-16
 * @throws {RecordTooLong} for a record of more than `recordBytes`
 *
 * @example
 * await stream(splitFile('orders.csv', { quote: '"', header: true })).map(totals).reduce(add)
 * // totals, in a worker module:  async totals(part: FilePart) { const rows = (await readPart(part)).toString().split('\n') … }
 */
export async function* splitFile(path: string, options: SplitFileOptions = {}): AsyncGenerator<FilePart, undefined> {
  checkOptions<SplitFileOptions>(options, splitRules, 'splitFile')
  if (typeof path !== 'string') throw new InvalidOption(`Expected splitFile to get the path of a file, got ${describe(path)}`)
  const { bytes = 4 * mebibyte, header = false } = options
  const file = await openRegular(path)
  try {
    const { size } = await file.stat()
    const ends = new RecordEnds(path, file, size, options)
    let start = await beginOf(path, file)
    let first: string | undefined
    if (header && start < size) {
      const end = await ends.behind(start, start)
      first = ends.withoutEnd(await readRange(path, file, start, end))
      start = end
    }
    while (start < size) {
      const end = await ends.behind(start, start + bytes - 1)
      yield { path, start, end, ...(first !== undefined && { header: first }) }
      start = end
    }
    return undefined
  } finally {
    await file.close()
  }
}

/**
 * The bytes of a part, for the function that works on it: `toString()` makes text of them.
 *
 * @throws {HeddleError} when the file has become shorter; what the system says when it cannot be read
 * @example
 * export const { countLines } = workers(import.meta.url, {
 *   countLines: async (part: FilePart) => (await readPart(part)).toString().split('\n').length,
 * })
 */
export async function readPart(part: FilePart): Promise<Buffer> {
  const [path, start, end] = ['path', 'start', 'end'].map((field) => peek(part, field))
  if (typeof path !== 'string' || !isPlace(start) || !isPlace(end) || end < start)
    throw new InvalidOption(`Expected readPart to get a part that splitFile gave, { path, start, end }, got ${describe(part)}`)
  const file = await disk().open(path, 'r')
  try {
    return await readRange(path, file, start, end)
  } finally {
    await file.close()
  }
}

const isPlace = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

async function readRange(path: string, file: FileHandle, start: number, end: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(end - start)
  const read = await fill(file, bytes, start)
  if (read < bytes.length)
    throw new HeddleError(`${path} has become shorter than it was when it was split: it ends at byte ${start + read}`)
  return bytes
}

/** Reads as much as there is; gives how many bytes. */
async function fill(file: FileHandle, bytes: Uint8Array, position: number): Promise<number> {
  let done = 0
  while (done < bytes.length) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}

/** A pipe or a device has no parts, and may never end. */
async function openRegular(path: string): Promise<FileHandle> {
  const { O_RDONLY, O_NONBLOCK = 0 } = fs().constants
  const file = await disk().open(path, O_RDONLY | O_NONBLOCK)
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw new InvalidOption(`Expected splitFile to get a regular file, got ${path}`, {
    hint: 'Pass a stream to `stream` itself: stream(process.stdin).',
  })
}

/** Where the text begins: behind a byte order mark. */
async function beginOf(path: string, file: FileHandle): Promise<number> {
  const head = Buffer.alloc(8)
  await fill(file, head, 0)
  const begins = (bytes: readonly number[]): boolean => bytes.every((byte, i) => head[i] === byte)
  const [what] = signatures.find(([, bytes]) => begins(bytes)) ?? []
  if (what) {
    throw new InvalidOption(`${path} is ${what}: its records cannot be found without reading it all`, {
      hint: what.startsWith('compressed') ? 'Decompress it first, or pass a stream of it to `stream`.' : undefined,
    })
  }
  return begins(byteOrderMark) ? byteOrderMark.length : 0
}

/** Finds where records end. Asked for ever later places. */
class RecordEnds {
  readonly #path: string
  readonly #file: FileHandle
  readonly #size: number
  readonly #end: Buffer
  readonly #quote: number | undefined
  readonly #recordBytes: number
  /** Whether an odd number of quotes lies before {@link #scanned}. */
  #quoted = false
  #scanned = 0
  #window: Buffer = Buffer.alloc(0)
  #windowStart = 0

  constructor(path: string, file: FileHandle, size: number, options: SplitFileOptions) {
    this.#path = path
    this.#file = file
    this.#size = size
    this.#end = Buffer.from(options.end ?? '\n')
    this.#quote = options.quote === undefined ? undefined : quoteOf(options.quote)
    this.#recordBytes = options.recordBytes ?? 64 * mebibyte
    if (this.#end.length === 0) throw new InvalidOption('Expected `end` of splitFile to be text that is not empty, got ""')
  }

  withoutEnd(record: Buffer): string {
    const ended = record.subarray(-this.#end.length).equals(this.#end)
    return record.toString('utf8', 0, record.length - (ended ? this.#end.length : 0)).replace(/\r$/, '')
  }

  /** Behind the first end of a record of which the last byte is at `from` or later; the end of the file when there is none. */
  behind(start: number, from: number): Promise<number> {
    return this.#quote === undefined ? this.#search(start, from) : this.#scan(start, from, this.#quote)
  }

  async #search(start: number, from: number): Promise<number> {
    const overlap = this.#end.length - 1
    for (let at = Math.max(start, from - overlap); at < this.#size; at += this.#window.length - overlap) {
      await this.#read(at, windowBytes + overlap)
      const found = this.#window.indexOf(this.#end)
      if (found >= 0) return at + found + this.#end.length
      this.#checkLength(from, at + this.#window.length)
      if (this.#window.length <= overlap) break
    }
    return this.#size
  }

  async #scan(start: number, from: number, quote: number): Promise<number> {
    const last = this.#end.at(-1) as number
    this.#scanned = Math.max(this.#scanned, start)
    while (this.#scanned < this.#size) {
      const windowEnd = this.#windowStart + this.#window.length
      // The bytes before are for an end of several bytes that began in them.
      if (this.#scanned < this.#windowStart || this.#scanned >= windowEnd) {
        await this.#read(Math.max(start, this.#scanned - this.#end.length), scanBytes)
      }
      const [bytes, offset] = [this.#window, this.#windowStart]
      let at = this.#scanned - offset
      let quoted = this.#quoted
      for (const to = Math.min(bytes.length, from - offset); at < to; at++) if (bytes[at] === quote) quoted = !quoted
      for (; at < bytes.length; at++) {
        const byte = bytes[at]
        if (byte === quote) quoted = !quoted
        if (byte !== last || quoted || !this.#endsAt(at)) continue
        this.#quoted = quoted
        this.#scanned = offset + at + 1
        return this.#scanned
      }
      this.#quoted = quoted
      this.#scanned = offset + bytes.length
      this.#checkLength(from, this.#scanned)
    }
    return this.#size
  }

  #endsAt(last: number): boolean {
    const { length } = this.#end
    return length === 1 || (last + 1 >= length && this.#window.subarray(last + 1 - length, last + 1).equals(this.#end))
  }

  async #read(position: number, count: number): Promise<void> {
    const bytes = Buffer.allocUnsafe(Math.min(count, this.#size - position))
    const read = await fill(this.#file, bytes, position)
    if (read < bytes.length)
      throw new HeddleError(`${this.#path} became shorter while it was split: it ends at byte ${position + read}`)
    this.#window = bytes
    this.#windowStart = position
  }

  #checkLength(from: number, to: number): void {
    if (to - from <= this.#recordBytes) return
    const quoted = this.#quote !== undefined && this.#quoted
    throw new RecordTooLong(
      `${this.#path} has a record of more than ${this.#recordBytes} bytes: none ends between byte ${from} and byte ${to}`,
      {
        hint: quoted
          ? 'A quote before that place is never closed. Leave out `quote` if the file has none around its fields.'
          : 'Is `end` right? Raise `recordBytes` if there are such records.',
      },
    )
  }
}

function quoteOf(quote: string): number {
  if (quote.length === 1 && quote.charCodeAt(0) < 128) return quote.charCodeAt(0)
  throw new InvalidOption(`Expected \`quote\` of splitFile to be one ASCII character, got ${describe(quote)}`)
}
