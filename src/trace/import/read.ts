/** Reads files of other systems' traces, whatever their format, in pieces. */
import { closeSync, openSync, readSync } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { FileRefused } from '../../base/errors.ts'
import { githubJobs, nx, turbo } from './formats/builds.ts'
import { ChromeReader, isChrome } from './formats/chrome.ts'
import { isJaegerTrace, JaegerReader } from './formats/jaeger.ts'
import { otlpJson } from './formats/otlp-json.ts'
import { OtlpProtobufReader } from './formats/otlp-protobuf.ts'
import type { DocumentFormat } from './formats/reader.ts'
import { playwright, vitest } from './formats/tests.ts'
import { docOf, isDoc } from './formats/values.ts'
import { isZipkin, ZipkinReader } from './formats/zipkin.ts'
import { JsonCutter, type Pattern } from './json/cutter.ts'
import { type Spans, SpanSink } from './spans/spans.ts'

const documents: readonly DocumentFormat[] = [turbo, nx, githubJobs, playwright, vitest]

/** What can be read, for messages. */
export const foreignFormats =
  'OTLP (JSON, JSON lines, protobuf), Jaeger JSON, Zipkin v2, Chrome and Perfetto trace events (JSON), turbo and Nx runs, GitHub Actions jobs, Playwright and Vitest reports; each also gzipped'

const chunkBytes = 1 << 20

/**
 * Reads the spans of files; traces may be spread over them. A file that was cut short counts as far as it goes, with a warning.
 *
 * @param files paths; at least one
 * @throws {FileRefused} for what is none of {@link foreignFormats}, or damaged, with the place of the damage
 * @throws {Error} what the system says of a file that cannot be opened
 * @example
 * const spans = await readSpans(['otlp.json', 'jaeger.json.gz'])
 */
export async function readSpans(files: readonly string[]): Promise<Spans> {
  const sink = new SpanSink()
  for (const file of files) {
    const before = sink.count
    try {
      await readInto(sink, file)
    } catch (error) {
      if (error instanceof FileRefused)
        throw new FileRefused(`${file}: ${sink.count === before ? 'not a trace that heddle reads: ' : ''}${error.message}`, {
          hint: `heddle trace reads ${foreignFormats}`,
          cause: error,
        })
      throw error
    }
    if (sink.count === before) throw new FileRefused(`${file}: no spans in it`, { hint: `heddle trace reads ${foreignFormats}` })
  }
  return sink.finish()
}

async function readInto(sink: SpanSink, file: string): Promise<void> {
  const handle = openSync(file, 'r')
  try {
    const first = Buffer.alloc(chunkBytes)
    const length = readSync(handle, first, 0, chunkBytes, 0)
    if (length === 0) throw new FileRefused('the file is empty')
    const chunks = first[0] === 0x1f && first[1] === 0x8b ? gunzipped(pieces(handle)) : pieces(handle)
    await readChunks(sink, file, chunks)
  } finally {
    closeSync(handle)
  }
}

/** The bytes of a file; each chunk is valid until the next. */
function* pieces(handle: number): Generator<Buffer> {
  const chunk = Buffer.alloc(chunkBytes)
  for (let at = 0; ;) {
    const length = readSync(handle, chunk, 0, chunkBytes, at)
    if (length === 0) return
    at += length
    yield chunk.subarray(0, length)
  }
}

async function* gunzipped(source: Iterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip()
  const fed = (async () => {
    for (const piece of source) {
      // A copy: the piece is overwritten while zlib may still hold it.
      if (!gunzip.write(Buffer.from(piece))) await new Promise((resolve) => gunzip.once('drain', resolve))
    }
    gunzip.end()
  })()
  fed.catch(() => {})
  try {
    for await (const piece of gunzip) yield piece as Buffer
  } catch (error) {
    throw new FileRefused(`gzip: ${(error as Error).message}`, { cause: error })
  }
}

async function readChunks(sink: SpanSink, file: string, chunks: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<void> {
  let reader: ChunkReader | undefined
  for await (const chunk of chunks) {
    reader ??= looksLikeJson(chunk) ? new JsonReader(sink, file) : new OtlpProtobufReader(sink, file)
    reader.write(chunk)
  }
  reader?.end()
}

interface ChunkReader {
  write(chunk: Buffer): void
  end(): void
}

function looksLikeJson(chunk: Buffer): boolean {
  // A message of protobuf begins with the byte of a line feed, and a length follows; in JSON a bracket comes after white space.
  if (chunk[0] === 0x0a) return /^\s*[[{]/.test(chunk.toString('latin1', 0, 256))
  return chunk[0] !== 0x12 && chunk[0] !== 0x1a
}

const byteOrderMark = (chunk: Buffer): number => (chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf ? 3 : 0)

/** One reader for all forms of JSON: which one a file has shows in what stands at which path. */
class JsonReader implements ChunkReader {
  readonly #sink: SpanSink
  readonly #file: string
  readonly #cutter: JsonCutter
  readonly #chrome: ChromeReader
  readonly #jaeger: JaegerReader
  #events = 0
  #started = false

  constructor(sink: SpanSink, file: string) {
    this.#sink = sink
    this.#file = file
    this.#chrome = new ChromeReader(sink)
    this.#jaeger = new JaegerReader(sink)
    const zipkin = new ZipkinReader(sink)
    const jaeger = this.#jaeger
    const element = (value: unknown): void => {
      if (isChrome(value)) this.#event(value)
      else if (isJaegerTrace(value)) jaeger.trace(value)
      else if (isZipkin(value)) zipkin.span(value)
    }
    const patterns: Pattern[] = [
      { path: [], take: this.#document },
      { path: ['*'], take: element },
      { path: ['*', '*'], take: element },
      { path: ['traceEvents', '*'], take: (value) => isChrome(value) && this.#event(value) },
      ...otlpJson.patterns(sink),
      ...jaeger.patterns(),
    ]
    this.#cutter = new JsonCutter(patterns)
  }

  write(chunk: Buffer): void {
    const mark = this.#started ? 0 : byteOrderMark(chunk)
    this.#started = true
    this.#cutter.write(mark === 0 ? chunk : chunk.subarray(mark))
  }

  end(): void {
    this.#cutter.end()
    const since = this.#cutter.openSince
    if (since !== undefined) {
      const end = this.#cutter.offset.toLocaleString('en')
      // Chrome writes its files without an end when it is closed early, and says that readers shall take them.
      if (this.#events === 0)
        this.#sink.warn(
          `${this.#file} was cut short: it ends at byte ${end}, inside what began at byte ${since.toLocaleString('en')}; what was whole counts`,
        )
    }
    if (this.#events > 0) this.#chrome.finish()
  }

  #event(value: unknown): void {
    this.#events++
    this.#chrome.event(value)
  }

  #document = (value: unknown): void => {
    if (!isDoc(value)) return
    if (isJaegerTrace(value)) return this.#jaeger.trace(value)
    const format = documents.find((one) => one.is(docOf(value)))
    format?.read(value, this.#sink, this.#file)
  }
}
