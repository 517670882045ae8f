/** Reads one column of one row group of a Parquet file, on whichever thread: only its bytes are read. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { AsyncBuffer, Compressors, FileMetaData, RowGroup, SchemaElement } from 'hyparquet'
import { FileRefused } from '../../base/errors.ts'
import { type ColumnTarget, ColumnValues } from './column-values.ts'
import { type Hyparquet, loadCompressors, loadLibrary, parsers } from './parquet-library.ts'
import { decodePages, decodingOf } from './parquet-decode.ts'
import { checkPages, type ColumnPages } from './parquet-pages.ts'
import { topLevel } from './parquet-schema.ts'

/** What of which file. */
export interface GroupRequest {
  readonly target: ColumnTarget
  /** The row groups to read, from the first up to but not including the last. */
  readonly from: number
  readonly to: number
}

/** The footer that was read last, with its bytes: many row groups of one file follow each other. */
let last: { readonly bytes: Buffer; readonly metadata: FileMetaData } | undefined

/** Grows with the largest column of a row group on this thread. */
let room = new Uint8Array(0)

/** The file while it is open; reads where it is asked to, at once. */
class OpenFile implements AsyncBuffer {
  readonly byteLength: number
  readonly #fd: number
  readonly #path: string

  constructor(path: string) {
    this.#path = path
    this.#fd = openSync(path, 'r')
    this.byteLength = fstatSync(this.#fd).size
  }

  async slice(start: number, end = this.byteLength): Promise<ArrayBuffer> {
    const bytes = new Uint8Array(Math.max(0, end - start))
    this.#fill(bytes, start)
    return bytes.buffer
  }

  /** The same in room that the next call uses again: new memory for each column would cost as much as to read it. */
  glance(start: number, end: number): Uint8Array {
    if (room.length < end - start) room = new Uint8Array(end - start)
    const bytes = room.subarray(0, end - start)
    this.#fill(bytes, start)
    return bytes
  }

  #fill(bytes: Uint8Array, start: number): void {
    for (let done = 0; done < bytes.length;) {
      const got = readSync(this.#fd, bytes, done, bytes.length - done, start + done)
      if (got === 0)
        throw new FileRefused(`${this.#path} ends at byte ${start + done}, where bytes up to ${start + bytes.length} are needed`)
      done += got
    }
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** The footer of a file. @throws whatever the library says */
export async function readFooter(path: string): Promise<{ readonly metadata: FileMetaData; readonly bytes: number }> {
  const library = await loadLibrary()
  const file = new OpenFile(path)
  try {
    return { metadata: await footerOf(library, file), bytes: file.byteLength }
  } finally {
    file.close()
  }
}

async function footerOf({ parquetMetadataAsync }: Hyparquet, file: OpenFile): Promise<FileMetaData> {
  const bytes = await footerBytes(file)
  // Compared, because times of files are too coarse to say that one is the same.
  if (last && bytes && last.bytes.equals(bytes)) return last.metadata
  const metadata = await parquetMetadataAsync(file, { parsers, geoparquet: false })
  if (bytes) last = { bytes, metadata }
  return metadata
}

/** The footer's length stands before the last four bytes; undefined where it cannot be. */
async function footerBytes(file: OpenFile): Promise<Buffer | undefined> {
  const { byteLength } = file
  if (byteLength < 8) return undefined
  const length = new DataView(await file.slice(byteLength - 8)).getUint32(0, true)
  return length + 8 > byteLength ? undefined : Buffer.from(await file.slice(byteLength - 8 - length))
}

/**
 * Reads the column of some row groups to its place.
 * @returns false when a value is missing that the dtype has no place for
 * @throws {FileRefused} when the file is damaged, or holds something else
 */
export async function readGroups({ target, from, to }: GroupRequest): Promise<boolean> {
  const { path, name } = target
  let file: OpenFile | undefined
  try {
    const library = await loadLibrary()
    file = new OpenFile(path)
    const metadata = await footerOf(library, file)
    const compressors = await loadCompressors()
    const values = new ColumnValues(target)
    const checked = checkedFile(file, pagesOf(metadata, name, file.byteLength, from, to))
    const rowsBefore = (end: number): number =>
      metadata.row_groups.slice(0, end).reduce((sum, group) => sum + Number(group.num_rows), 0)
    const first = rowsBefore(from)
    let rowStart = first
    let failure: { readonly error: unknown } | undefined
    const element = topLevel(metadata.schema).get(name)
    for (const group of metadata.row_groups.slice(from, to)) {
      const rowEnd = rowStart + Number(group.num_rows)
      const pages = pagesOf({ ...metadata, row_groups: [group] }, name, file.byteLength, 0, 1)
      if (element && decoded(file, element, group, pages, target, values, rowStart - first, compressors)) {
        if (values.lacks) return false
        rowStart = rowEnd
        continue
      }
      await library.parquetRead({
        file: checked,
        metadata,
        columns: [name],
        rowStart,
        rowEnd,
        parsers,
        geoparquet: false,
        ...(compressors && { compressors }),
        // Nobody there would catch what this throws.
        onChunk({ columnData, rowStart: at }) {
          try {
            values.put(columnData, at - first)
          } catch (error) {
            failure ??= { error }
          }
        },
      })
      if (failure) throw failure.error
      if (values.lacks) return false
      rowStart = rowEnd
    }
    values.checkComplete()
    return true
  } catch (cause) {
    throw refusal(path, cause)
  } finally {
    file?.close()
  }
}

/** Decodes the column of a row group here. @returns whether that was possible; what is decoded already is then decoded again */
function decoded(
  file: OpenFile,
  element: SchemaElement,
  { columns }: RowGroup,
  pages: readonly ColumnPages[],
  { dtype, name }: ColumnTarget,
  values: ColumnValues,
  at: number,
  compressors: Compressors | undefined,
): boolean {
  const meta = columns.find(({ meta_data: known }) => known?.path_in_schema[0] === name)?.meta_data
  const decoding = meta && decodingOf(element, meta, dtype, compressors)
  const [only] = pages
  if (!decoding || pages.length !== 1 || !only) return false
  const mark = values.mark()
  if (decodePages(file.glance(only.from, only.to), only, decoding, values, at)) return true
  values.back(mark)
  return false
}

/** A file's failure, as the caller sees it. */
export function refusal(path: string, cause: unknown): Error {
  if (cause instanceof FileRefused) return cause
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new FileRefused(`${path} could not be read as Parquet: ${reason}`, {
    cause,
    ...(/compression codec/i.test(reason) && { hint: 'npm install hyparquet-compressors' }),
  })
}

/** Where the pages of a column lie in a row group. @throws {RangeError} when that is not in the file */
function pagesOf(
  { row_groups: groups, created_by: writer }: FileMetaData,
  name: string,
  bytes: number,
  first: number,
  last: number,
): ColumnPages[] {
  const always = writer?.startsWith('parquet-cpp version') ?? false
  return groups
    .slice(first, last)
    .flatMap(({ columns }) => columns)
    .flatMap(({ meta_data: meta }) => {
      if (!meta || meta.path_in_schema[0] !== name) return []
      const from = Number(meta.dictionary_page_offset || meta.data_page_offset)
      const to = from + Number(meta.total_compressed_size)
      if (!(Number.isSafeInteger(from) && from >= 0 && to >= from && to <= bytes)) {
        throw new RangeError(`column ${JSON.stringify(meta.path_in_schema[0])} would lie at bytes ${from} to ${to} of ${bytes}`)
      }
      return { from, to, values: Number(meta.num_values), compressed: meta.codec !== 'UNCOMPRESSED', always }
    })
}

/** The file, in which the pages of columns are checked as they are read. */
function checkedFile(file: AsyncBuffer, columns: readonly ColumnPages[]): AsyncBuffer {
  return {
    byteLength: file.byteLength,
    async slice(start, end) {
      const buffer = await file.slice(start, end)
      for (const pages of columns) {
        if (pages.from < start || pages.to > start + buffer.byteLength) continue
        checkPages(new Uint8Array(buffer, pages.from - start, pages.to - pages.from), pages)
      }
      return buffer
    },
  }
}
