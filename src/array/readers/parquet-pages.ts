/**
 * The headers of a Parquet column's pages, checked before hyparquet follows them: it goes on where a header says that the next page is, and a
 * damaged one may say "back there", for ever. Read as far as that takes (Thrift's compact protocol; `PageHeader` of parquet.thrift).
 */

/** One column of one row group: where its pages lie in the file, and how many values they have together. */
export interface ColumnPages {
  readonly from: number
  readonly to: number
  readonly values: number
  /** Whether its pages are compressed unless they say otherwise. */
  readonly compressed: boolean
  /** Whether they are also where they say otherwise: Arrow's C++ wrote that wrongly before version 3 (ARROW-10353). */
  readonly always: boolean
}

/** What of a structure matters here: whole numbers, structures and where a `false` stands, by the number of their field. */
interface Fields {
  readonly falses: Map<number, number>
  readonly numbers: Map<number, number>
  readonly structures: Map<number, Fields>
}

const type = {
  stop: 0,
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  set: 10,
  map: 11,
  struct: 12,
}
const deepest = 16

/** The fields that a header must have: one that is missing would leave hyparquet without a place to go on. */
const required = {
  page: { kind: 1, size: 2, compressedSize: 3 },
  dataPage: { values: 1, encoding: 2 },
  dictionary: { values: 1, encoding: 2 },
  dataPage2: { values: 1, nulls: 2, rows: 3, encoding: 4, definitionBytes: 5, repetitionBytes: 6 },
}
/** By the kind of page: the field with its header. An index page has no values. */
const headerOf = new Map<number, readonly [field: number, required: Readonly<Record<string, number>>]>([
  [0, [5, required.dataPage]],
  [2, [7, required.dictionary]],
  [3, [8, required.dataPage2]],
])

/** Where a page of the second version says whether it is compressed. */
const compressedField = 7
/** The most bytes that a page of numbers takes, for each of them (a decimal of many digits) and besides. */
const bytesPerValue = 64
const bytesPerPage = 4_096

/**
 * Checks the headers, and mends a wrong "not compressed" of pages of the second version.
 * @param bytes the pages, one after the other
 * @throws {RangeError} when a header is damaged, or a page would take more memory than its values can
 */
export function checkPages(bytes: Uint8Array, pages: Omit<ColumnPages, 'from' | 'to'>): void {
  for (const _ of eachPage(bytes, pages));
}

/** A page with what its header says. */
export interface Page {
  readonly kind: 'data' | 'data2' | 'dictionary' | 'other'
  /** As they lie in the file. */
  readonly bytes: Uint8Array
  /** Its bytes after decompression. */
  readonly size: number
  readonly count: number
  readonly encoding: number
  /** How levels are encoded, in pages of the first version. */
  readonly levelEncoding: number
  /** In pages of the second version. */
  readonly definitionBytes: number
  readonly repetitionBytes: number
  readonly compressed: boolean
}

const kinds = new Map<number, Page['kind']>([
  [0, 'data'],
  [2, 'dictionary'],
  [3, 'data2'],
])

/** The pages, checked and mended as {@link checkPages} says. @throws {RangeError} as it does */
export function* eachPage(
  bytes: Uint8Array,
  { values, compressed, always }: Omit<ColumnPages, 'from' | 'to'>,
): Generator<Page, void> {
  const reader = new HeaderReader(bytes)
  // hyparquet stops at the last byte as well.
  while (reader.at < bytes.length - 1) {
    const start = reader.at
    const page = reader.structure()
    const { kind, size, compressedSize } = numbersOf(page, required.page, start)
    if (compressedSize > bytes.length - reader.at) throw damaged(start, `its page would have ${compressedSize} bytes`)
    const [field, needed] = headerOf.get(kind) ?? []
    let counts: Partial<Record<string, number>> = {}
    let header: Fields | undefined
    let raw = false
    if (field !== undefined && needed) {
      header = page.structures.get(field)
      if (!header) throw damaged(start, `field ${field} is missing`)
      counts = numbersOf(header, needed, start)
      const { values: count = 0, nulls = 0, rows = 0, definitionBytes = 0, repetitionBytes = 0 } = counts
      if (count > values || nulls > count || rows > count)
        throw damaged(start, `its page would have ${count} of ${values} values`)
      if (definitionBytes + repetitionBytes > compressedSize) throw damaged(start, 'its levels would be longer than its page')
      if (size > bytesPerPage + bytesPerValue * count) throw damaged(start, `its ${count} values would have ${size} bytes`)
      const at = kind === 3 ? header.falses.get(compressedField) : undefined
      if (at !== undefined && compressed && (always || size !== compressedSize)) {
        bytes[at] = ((bytes[at] as number) & 0xf0) | type.true
      } else raw = at !== undefined
    }
    yield {
      kind: kinds.get(kind) ?? 'other',
      bytes: bytes.subarray(reader.at, reader.at + compressedSize),
      size,
      count: counts['values'] ?? 0,
      encoding: counts['encoding'] ?? -1,
      levelEncoding: header?.numbers.get(3) ?? -1,
      definitionBytes: counts['definitionBytes'] ?? 0,
      repetitionBytes: counts['repetitionBytes'] ?? 0,
      compressed: compressed && !raw,
    }
    reader.at += compressedSize
  }
}

function numbersOf<K extends string>({ numbers }: Fields, fields: Readonly<Record<K, number>>, at: number): Record<K, number> {
  const found = {} as Record<K, number>
  for (const name of Object.keys(fields) as K[]) {
    const value = numbers.get(fields[name])
    if (value === undefined || value < 0) throw damaged(at, `its ${name} is ${value ?? 'missing'}`)
    found[name] = value
  }
  return found
}

const damaged = (at: number, why: string): RangeError =>
  new RangeError(`the page header at byte ${at} of the column is damaged: ${why}`)

class HeaderReader {
  readonly #bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  structure(depth = 0): Fields {
    if (depth > deepest) throw damaged(this.at, 'it is nested too deep')
    const fields: Fields = { numbers: new Map(), structures: new Map(), falses: new Map() }
    let number = 0
    for (;;) {
      const { at } = this
      const head = this.#byte()
      const kind = head & 15
      if (kind === type.stop) return fields
      const step = head >> 4
      number = step === 0 ? this.#integer() : number + step
      if (kind === type.struct) fields.structures.set(number, this.structure(depth + 1))
      else if (kind === type.i16 || kind === type.i32 || kind === type.i64) fields.numbers.set(number, this.#integer())
      else {
        if (kind === type.false) fields.falses.set(number, at)
        this.#skip(kind, depth + 1)
      }
    }
  }

  #skip(kind: number, depth: number): void {
    switch (kind) {
      case type.true:
      case type.false:
        return
      case type.byte:
        return this.#pass(1)
      case type.i16:
      case type.i32:
      case type.i64:
        this.#varint()
        return
      case type.double:
        return this.#pass(8)
      case type.binary:
        return this.#pass(this.#varint())
      case type.struct:
        this.structure(depth)
        return
      default:
        throw damaged(this.at, `it has a field of type ${kind}`)
    }
  }

  #pass(count: number): void {
    if (count > this.#bytes.length - this.at) throw damaged(this.at, 'it ends too early')
    this.at += count
  }

  #byte(): number {
    const byte = this.#bytes[this.at++]
    if (byte === undefined) throw damaged(this.at - 1, 'it ends too early')
    return byte
  }

  #varint(): number {
    let value = 0
    for (let unit = 1; ; unit *= 128) {
      if (unit > 2 ** 63) throw damaged(this.at, 'a number in it does not end')
      const byte = this.#byte()
      value += (byte & 127) * unit
      if (byte < 128) return value
    }
  }

  /** Zigzag: 0, −1, 1, −2, … */
  #integer(): number {
    const value = this.#varint()
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }
}
