/** The file of a recording that is still under way. */
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs'
import { toError } from '../../base/errors.ts'
import { ownerOnly, ownOnly } from '../format/file.ts'
import type { Recorder } from './recorder.ts'
import { type TraceSink, TraceStream } from './trace-stream.ts'

/** Fewer rows are not worth a table of their own: megabytes. Chosen. */
const spillAtOnce = 16_384

/**
 * Writes a recording while it runs. Writes are synchronous: they go to the page cache, a few times a second, and so the
 * file is whole also when the process ends by `process.exit`.
 */
export class TraceFile {
  readonly path: string
  /** What stopped the writing, if anything did: a full disk does not stop the program that is recorded. */
  error: Error | undefined
  /** Whether it can be read again: a pipe or a device cannot. */
  readonly seekable: boolean
  readonly #stream: TraceStream
  #file: number | undefined

  /**
   * @param alsoTo who else takes the blocks: a recorder has one reader
   * @param spillFrom from this many tasks on the file alone has the rows of the tasks, the recorder forgets them
   * @throws when the file cannot be made
   */
  constructor(path: string, recorder: Recorder, alsoTo: readonly TraceSink[] = [], spillFrom = Number.POSITIVE_INFINITY) {
    this.path = path
    this.#file = openSync(path, 'w', ownerOnly)
    ownOnly(this.#file)
    this.seekable = fstatSync(this.#file).isFile()
    this.#stream = new TraceStream(recorder, [(blocks) => this.#write(blocks), ...alsoTo], () => {
      const { count, tables } = recorder
      return count >= spillFrom && tables.tasks.count >= spillAtOnce && this.seekable && this.#file !== undefined
    })
  }

  /** Writes what has come since the last time. */
  flush(): void {
    this.#stream.flush()
  }

  /** Writes the end; the recorder must have ended. */
  close(): void {
    this.#stream.close()
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
