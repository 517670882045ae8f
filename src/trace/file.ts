/** Traces on disk. */
import { closeSync, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { InvalidTrace, toError } from '../base/errors.ts'
import { decodeTrace } from './decode.ts'
import { encodeTrace, TraceEncoder } from './encode.ts'
import type { Trace } from './model.ts'
import type { Recorder } from './recorder.ts'

/** How often a file is brought up to date: what a crash may cost. */
const flushEveryMs = 250

/** @throws {InvalidTrace} when the file cannot be read, is no trace, or is damaged */
export function readTrace(path: string): Trace {
  let bytes: Buffer
  try {
    // A device or a pipe may never end.
    if (!statSync(path).isFile() && !statSync(path).isDirectory()) throw new Error('it is no regular file')
    bytes = readFileSync(path)
  } catch (error) {
    throw new InvalidTrace(`The trace ${path} cannot be read: ${reason(error)}`, { cause: error })
  }
  return decodeTrace(bytes)
}

/** Writes a trace to a file, for `heddle trace FILE`. */
export function saveTrace(trace: Trace, path: string): void {
  writeFileSync(path, encodeTrace(trace))
}

/**
 * Writes a recording while it runs. Writes are synchronous: they go to the page cache, a few times a second, and so the
 * file is whole also when the process ends by `process.exit`.
 */
export class TraceFile {
  readonly path: string
  /** What stopped the writing, if anything did: a full disk does not stop the program that is recorded. */
  error: Error | undefined
  readonly #recorder: Recorder
  readonly #encoder = new TraceEncoder()
  readonly #timer: NodeJS.Timeout
  #file: number | undefined

  /** @throws when the file cannot be made */
  constructor(path: string, recorder: Recorder) {
    this.path = path
    this.#recorder = recorder
    this.#file = openSync(path, 'w')
    this.#write(this.#encoder.begin(recorder.meta()))
    this.flush()
    this.#timer = setInterval(() => this.flush(), flushEveryMs).unref()
  }

  flush(): void {
    this.#write(this.#encoder.next(this.#recorder.snapshot(), this.#recorder.changes()))
  }

  /** Writes the end; the recorder must have ended. */
  close(): void {
    clearInterval(this.#timer)
    this.#write(this.#encoder.end(this.#recorder.snapshot(), this.#recorder.changes()))
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  #write(blocks: readonly Uint8Array[]): void {
    if (this.#file === undefined) return
    try {
      for (const block of blocks) writeFully(this.#file, block)
    } catch (error) {
      this.error = toError(error)
      closeSync(this.#file)
      this.#file = undefined
    }
  }
}

function writeFully(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
}

function reason(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EISDIR') return 'it is a folder'
  if (code === 'EACCES') return 'it may not be read'
  if (code === 'ERR_FS_FILE_TOO_LARGE') return 'it is larger than 2 GB'
  return toError(error).message
}
