/** Traces on disk. */
import { chmodSync, closeSync, fchmodSync, fstatSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs'
import { InvalidTrace, toError } from '../../base/errors.ts'
import { decodeTrace } from './decode.ts'
import { encodeTrace } from './encode.ts'
import { magic } from './format.ts'
import type { Trace } from '../model/trace.ts'

/**
 * Reads a trace from the `.heddle` file at `path`.
 *
 * @throws {InvalidTrace} when the file cannot be read, is not a trace, or is damaged
 * @example
 * console.log(explain(readTrace('run.heddle')).verdict)
 */
export function readTrace(path: string): Trace {
  return decodeTrace(readTraceBytes(path))
}

/**
 * The bytes of the trace file at `path`, not looked at yet.
 *
 * @throws {InvalidTrace} when the file cannot be read
 */
export function readTraceBytes(path: string): Uint8Array {
  try {
    // A device or a pipe may never end.
    if (!statSync(path).isFile() && !statSync(path).isDirectory()) throw new Error('it is not a regular file')
    return readFileSync(path)
  } catch (error) {
    throw new InvalidTrace(`The trace ${path} cannot be read: ${reason(error)}`, { cause: error })
  }
}

/** Messages and stacks may hold what nobody else should read. */
export const ownerOnly = 0o600

/** Also of a file that was there before; where the system does not let us, as on a device, it stays as it is. */
export function ownOnly(file: string | number): void {
  try {
    if (typeof file === 'string') chmodSync(file, ownerOnly)
    else if (fstatSync(file).isFile()) fchmodSync(file, ownerOnly)
  } catch {
    // Of somebody else, or on a disk without modes.
  }
}

/** Whether a file begins as one. */
export function isTrace(path: string): boolean {
  const file = openSync(path, 'r')
  try {
    const bytes = new Uint8Array(magic.length)
    return readSync(file, bytes, 0, bytes.length, 0) === bytes.length && bytes.every((byte, i) => byte === magic[i])
  } finally {
    closeSync(file)
  }
}

/**
 * Writes a `trace` to a file at `path`, for `heddle trace FILE`. Only its owner can read the file, because messages and stacks may hold secrets.
 *
 * @throws what the file system says when the file cannot be written
 * @example
 * const { trace } = await record(() => main())
 * saveTrace(trace, 'run.heddle')
 */
export function saveTrace(trace: Trace, path: string): void {
  writeFileSync(path, encodeTrace(trace), { mode: ownerOnly })
  ownOnly(path)
}

function reason(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  if (code === 'ENOENT') return 'there is no such file'
  if (code === 'EISDIR') return 'it is a folder'
  if (code === 'EACCES') return 'it may not be read'
  if (code === 'ERR_FS_FILE_TOO_LARGE') return 'it is larger than 2 GB'
  return toError(error).message
}
