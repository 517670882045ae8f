/** The part of a file system that a journal needs: passed in, so that tests crash and break it at every call. */
import { performance } from '../base/globals.js'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { lazily } from '../base/builtin.js'

const fs = lazily('node:fs')
const disk = lazily('node:fs/promises')

export interface JournalFile {
  /** Writes at the position; gives how many bytes were written, which may be fewer. */
  write(bytes: Uint8Array, position: number): Promise<number>
  /** Resolves when everything written is on the disk. */
  sync(): Promise<void>
  truncate(length: number): Promise<void>
  close(): Promise<void>
}

export interface JournalFileSystem {
  /** The one name of the file, whatever links lead to it; there need not be such a file yet, but its folder. */
  realPath(path: string): Promise<string>
  /** `'create'` fails with EEXIST where there is anything under that name, also a link; `'write'` fails with ENOENT where there is no such file. */
  open(path: string, how: 'create' | 'write'): Promise<JournalFile>
  /** The bytes, in pieces of any size. Fails with ENOENT where there is no such file. */
  read(path: string): AsyncIterable<Uint8Array>
  rename(from: string, to: string): Promise<void>
  /** Gives the file a second name; fails with EEXIST where that is taken. */
  link(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Resolves when the names in the directory of `path` are on the disk. */
  syncDirectoryOf(path: string): Promise<void>
}

const flags = { create: 'wx', write: 'r+' } as const
/** For its owner alone: results may be anybody's secrets. */
const mode = 0o600
/** Large enough that reading costs few calls; chosen. */
const pieceBytes = 1 << 20

export const nodeFileSystem: JournalFileSystem = {
  async realPath(path) {
    try {
      return await disk().realpath(path)
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
      return join(await disk().realpath(dirname(path)), basename(path))
    }
  },
  open: async (path, how) => new NodeFile(await disk().open(path, flags[how], mode)),
  read: readRegular,
  rename: (from, to) => disk().rename(from, to),
  link: (from, to) => disk().link(from, to),
  remove: (path) => disk().unlink(path),
  async syncDirectoryOf(path) {
    // Windows has no such thing, and needs none.
    if (process.platform === 'win32') return
    const directory = await disk().open(dirname(path), 'r')
    try {
      await directory.sync()
    } finally {
      await directory.close()
    }
  },
}

/** A pipe or a device may never end, or never begin. */
async function* readRegular(path: string): AsyncGenerator<Uint8Array> {
  const { O_RDONLY, O_NONBLOCK = 0 } = fs().constants
  const handle = await disk().open(path, O_RDONLY | O_NONBLOCK)
  if (!(await handle.stat()).isFile()) {
    await handle.close()
    throw new Error('it is not a regular file')
  }
  yield* handle.createReadStream({ highWaterMark: pieceBytes }) as AsyncIterable<Uint8Array>
}

/** What a system takes into its memory in microseconds, sooner than another thread could be woken for it; chosen. */
const quickBytes = 1 << 16
/** A write of so little that took longer was held up by the disk, in ms; then this thread keeps away from it for a while. Chosen. */
const heldUpMs = 1
const keepAwayMs = 1_000

class NodeFile implements JournalFile {
  readonly #handle: FileHandle
  #quickFrom = 0

  constructor(handle: FileHandle) {
    this.#handle = handle
  }

  async write(bytes: Uint8Array, position: number): Promise<number> {
    const now = performance.now()
    if (bytes.length <= quickBytes && now >= this.#quickFrom) {
      const written = fs().writeSync(this.#handle.fd, bytes, 0, bytes.length, position)
      if (performance.now() - now > heldUpMs) this.#quickFrom = now + keepAwayMs
      return written
    }
    return (await this.#handle.write(bytes, 0, bytes.length, position)).bytesWritten
  }

  sync(): Promise<void> {
    return this.#handle.datasync()
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length)
  }

  close(): Promise<void> {
    return this.#handle.close()
  }
}

/** Writes all bytes, however few the system takes at a time. */
export async function writeAll(file: JournalFile, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const written = await file.write(bytes.subarray(done), position + done)
    if (written === 0) throw new Error('the file system wrote no bytes')
    done += written
  }
}

/** A whole small file, which must not be there yet. With `sync` its bytes are on the disk when this resolves; its name need not be. */
export async function writeFile(
  fs: JournalFileSystem,
  path: string,
  bytes: Uint8Array,
  { sync }: { readonly sync: boolean },
): Promise<void> {
  const file = await fs.open(path, 'create')
  try {
    await writeAll(file, bytes, 0)
    if (sync) await file.sync()
  } finally {
    await file.close()
  }
}

export async function readFile(fs: JournalFileSystem, path: string): Promise<string> {
  const pieces: Uint8Array[] = []
  for await (const piece of fs.read(path)) pieces.push(piece)
  return Buffer.concat(pieces).toString('utf8')
}

export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
