/**
 * Pages of a flat column of numbers, decoded in loops over bytes: what most files hold (plain or by a dictionary, with or without missing values). Everything
 * else is left to hyparquet, which makes a list of values of each page. Formats: Encodings.md of parquet-format; format_description.txt of Snappy.
 */
import type { ColumnMetaData, CompressionCodec, Compressors, SchemaElement } from 'hyparquet'
import { bytesPer, type DType, typedArray } from '../expression/dtype.ts'
import type { ColumnValues } from './column-values.ts'
import { type ColumnPages, eachPage, type Page } from './parquet-pages.ts'

/** The dtypes whose elements lie in pages as they lie in memory. */
const stored: Readonly<Record<string, readonly DType[]>> = {
  DOUBLE: ['f64'],
  FLOAT: ['f32'],
  INT32: ['i32', 'u32'],
  INT64: ['i64', 'u64'],
}

/** `Encoding` of parquet.thrift. */
const encoding = { plain: 0, plainDictionary: 2, dictionary: 8 }
/** Indices of more bits are left to hyparquet: a dictionary with that many values saves nothing. */
const mostBits = 24

const codecs: ReadonlySet<CompressionCodec> = new Set(['UNCOMPRESSED', 'SNAPPY', 'GZIP', 'BROTLI', 'ZSTD', 'LZ4', 'LZ4_RAW'])

/** How one column of a row group is decoded. */
export interface Decoding {
  readonly dtype: DType
  readonly optional: boolean
  readonly codec: CompressionCodec
  readonly compressors: Compressors | undefined
}

/** @returns undefined where the column is left to hyparquet */
export function decodingOf(
  element: SchemaElement,
  meta: ColumnMetaData,
  dtype: DType,
  compressors: Compressors | undefined,
): Decoding | undefined {
  const known = stored[element.type ?? '']?.includes(dtype) && !element.num_children && meta.path_in_schema.length === 1
  const decimal = element.converted_type === 'DECIMAL' || element.logical_type?.type === 'DECIMAL'
  const readable =
    codecs.has(meta.codec) && (meta.codec === 'UNCOMPRESSED' || meta.codec === 'SNAPPY' || compressors?.[meta.codec])
  if (!known || decimal || !readable || element.repetition_type === 'REPEATED') return undefined
  return { dtype, optional: element.repetition_type === 'OPTIONAL', codec: meta.codec, compressors }
}

/**
 * Decodes all pages to their place.
 * @param at the row of the first value, in what is read
 * @returns false at the first page that hyparquet has to read; then all of the column is read anew
 * @throws {RangeError} when a page is damaged
 */
export function decodePages(
  bytes: Uint8Array,
  pages: ColumnPages,
  decoding: Decoding,
  values: ColumnValues,
  at: number,
): boolean {
  const width = bytesPer(decoding.dtype)
  let dictionary: Float64Array | undefined
  let place = at
  for (const page of eachPage(bytes, pages)) {
    if (page.kind === 'dictionary') {
      if (page.encoding !== encoding.plain && page.encoding !== encoding.plainDictionary) return false
      const entries = decompressed(page.bytes, page.size, decoding)
      if (entries.length < page.count * width) throw cutOff()
      // It stays while pages are read into the same room.
      dictionary = wordsOf(width, entries.slice().buffer, page.count)
      continue
    }
    if (page.kind === 'other') continue
    const opened = openPage(page, decoding)
    if (!opened) return false
    const { data, present, valid } = opened
    if (present < page.count && decoding.dtype !== 'f64' && decoding.dtype !== 'f32') {
      values.lacks = true
      return true
    }
    let elements = data
    if (page.encoding !== encoding.plain) {
      if (!dictionary || (data[0] as number) > mostBits) return false
      elements = lookedUp(data, present, dictionary, width)
    }
    if (elements.length < present * width) throw cutOff()
    values.putBytes(elements.subarray(0, present * width), place, page.count, valid)
    place += page.count
  }
  return true
}

const cutOff = (): RangeError => new RangeError('a page is shorter than its values')

interface OpenedPage {
  /** The values that are there, encoded. */
  readonly data: Uint8Array
  readonly present: number
  /** 1 for each value that is there; undefined where all are. */
  readonly valid: Uint8Array | undefined
}

function openPage(page: Page, decoding: Decoding): OpenedPage | undefined {
  const plain = page.encoding === encoding.plain
  if (!plain && page.encoding !== encoding.dictionary && page.encoding !== encoding.plainDictionary) return undefined
  if (page.repetitionBytes !== 0) return undefined
  if (page.kind === 'data') {
    const all = decompressed(page.bytes, page.size, decoding)
    if (!decoding.optional) return { data: all, present: page.count, valid: undefined }
    if (page.levelEncoding !== 3 || all.length < 4) return undefined
    const length = new DataView(all.buffer, all.byteOffset).getUint32(0, true)
    if (length > all.length - 4) throw cutOff()
    return { data: all.subarray(4 + length), ...levels(all.subarray(4, 4 + length), page.count) }
  }
  const { definitionBytes, size } = page
  const rest = page.bytes.subarray(definitionBytes)
  const data = page.compressed ? decompressed(rest, size - definitionBytes, decoding) : rest
  if (!decoding.optional) return { data, present: page.count, valid: undefined }
  return { data, ...levels(page.bytes.subarray(0, definitionBytes), page.count) }
}

function levels(bytes: Uint8Array, count: number): { present: number; valid: Uint8Array | undefined } {
  const run = readVarint(bytes, 0)
  // One run of ones: nothing is missing.
  if ((run.value & 1) === 0 && run.value >>> 1 >= count && bytes[run.at] === 1) return { present: count, valid: undefined }
  const all = new Uint32Array(count)
  readHybrid(bytes, 0, 1, all)
  const valid = Uint8Array.from(all)
  let present = 0
  for (let i = 0; i < count; i++) present += valid[i] as number
  return { present, valid: present === count ? undefined : valid }
}

function readVarint(bytes: Uint8Array, start: number): { value: number; at: number } {
  let [value, at] = [0, start]
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++]
    if (byte === undefined || shift > 28) throw cutOff()
    value |= (byte & 127) << shift
    if (byte < 128) return { value: value >>> 0, at }
  }
}

/** Runs of one value, and values of `width` bits one behind the other. */
function readHybrid(bytes: Uint8Array, start: number, width: number, out: Uint32Array): void {
  const valueBytes = Math.ceil(width / 8)
  const mask = 2 ** width - 1
  let [at, done] = [start, 0]
  while (done < out.length) {
    const head = readVarint(bytes, at)
    at = head.at
    if ((head.value & 1) === 0) {
      let value = 0
      for (let i = 0; i < valueBytes; i++) value |= (bytes[at++] as number) << (8 * i)
      const end = Math.min(out.length, done + (head.value >>> 1))
      if (at > bytes.length || end === done) throw cutOff()
      out.fill(value, done, end)
      done = end
      continue
    }
    const groups = head.value >>> 1
    const count = Math.min(8 * groups, out.length - done)
    if (count === 0 || at + Math.ceil((count * width) / 8) > bytes.length) throw cutOff()
    let [held, bits, from] = [0, 0, at]
    for (let i = 0; i < count; i++) {
      while (bits < width) {
        held |= (bytes[from++] as number) << bits
        bits += 8
      }
      out[done + i] = held & mask
      held >>>= width
      bits -= width
    }
    done += count
    at += groups * width
  }
}

/** Words of the same size are copied, whatever they mean. */
const wordsOf = (width: number, buffer: ArrayBuffer, count: number): Float64Array =>
  typedArray(width === 8 ? 'f64' : 'u32', buffer, 0, count) as Float64Array

/** Values of a dictionary by their indices, as bytes. */
function lookedUp(data: Uint8Array, count: number, dictionary: Float64Array, width: number): Uint8Array {
  const indices = new Uint32Array(count)
  const bits = data[0] ?? 0
  if (bits > 0) readHybrid(data, 1, bits, indices)
  const buffer = new ArrayBuffer(count * width)
  const found = wordsOf(width, buffer, count)
  for (let i = 0; i < count; i++) {
    const index = indices[i] as number
    if (index >= dictionary.length) throw new RangeError(`an index of ${index} is not in the dictionary of ${dictionary.length}`)
    found[i] = dictionary[index] as number
  }
  return new Uint8Array(buffer)
}

/** Grows with the largest page; what is in it is used before the next page. */
let scratch = new Uint8Array(0)

function decompressed(bytes: Uint8Array, size: number, { codec, compressors }: Decoding): Uint8Array {
  if (codec === 'UNCOMPRESSED') return bytes
  if (codec !== 'SNAPPY') {
    const found = compressors?.[codec]?.(bytes, size)
    if (found?.length !== size) throw new RangeError(`a page has ${found?.length} bytes instead of ${size}`)
    return found
  }
  if (scratch.length < size) scratch = new Uint8Array(size)
  const out = scratch.subarray(0, size)
  unsnap(bytes, out)
  return out
}

/** @throws {RangeError} when the bytes are not what Snappy makes of as many as there is room for */
export function unsnap(bytes: Uint8Array, out: Uint8Array): void {
  const head = readVarint(bytes, 0)
  if (head.value !== out.length) throw new RangeError(`a page has ${head.value} bytes instead of ${out.length}`)
  let [at, to] = [head.at, 0]
  while (at < bytes.length) {
    const tag = bytes[at++] as number
    if ((tag & 3) === 0) {
      let length = tag >>> 2
      if (length >= 60) {
        const extra = length - 59
        length = 0
        for (let i = 0; i < extra; i++) length += (bytes[at++] ?? 0) * 2 ** (8 * i)
      }
      length++
      if (at + length > bytes.length || to + length > out.length) throw damagedSnappy()
      if (length < 24) for (let i = 0; i < length; i++) out[to + i] = bytes[at + i] as number
      else out.set(bytes.subarray(at, at + length), to)
      at += length
      to += length
      continue
    }
    let [length, distance] = [(tag >>> 2) + 1, 0]
    if ((tag & 3) === 1) {
      length = ((tag >>> 2) & 7) + 4
      distance = ((tag >>> 5) << 8) | (bytes[at++] ?? 0)
    } else {
      const count = (tag & 3) === 2 ? 2 : 4
      for (let i = 0; i < count; i++) distance += (bytes[at++] ?? 0) * 2 ** (8 * i)
    }
    if (distance === 0 || distance > to || to + length > out.length) throw damagedSnappy()
    // It may overlap what it copies: then it repeats.
    for (let i = 0, from = to - distance; i < length; i++) out[to + i] = out[from + i] as number
    to += length
  }
  if (to !== out.length) throw damagedSnappy()
}

const damagedSnappy = (): RangeError => new RangeError('a page is not what Snappy makes')
