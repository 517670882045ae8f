/** What readers check before they allocate: a small file may claim to hold more than there is memory for. */
import { stat } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { describe, FileRefused, InvalidOption } from '../../base/errors.ts'
import { rules } from '../../base/options.ts'
import { formatBytes } from '../../base/bytes.ts'
import { bytesOf, type MemoryOptions } from '../memory/limit.ts'

/** @throws {FileRefused} when the arrays of a file would take more than the limit */
export function checkBytes(path: string, bytes: number, limit: MemoryOptions['memoryLimit']): void {
  const most = bytesOf(limit) ?? totalmem() / 2
  if (bytes <= most) return
  throw new FileRefused(`${path} needs ${formatBytes(bytes)} of memory, and ${formatBytes(most)} are allowed`, {
    hint: limit === undefined ? 'Give a `memoryLimit` that suffices.' : 'Raise `memoryLimit`.',
  })
}

/** @throws {InvalidOption} when it is not text; {@link FileRefused} when it is a device, a pipe or a folder, which have no end or no bytes */
export async function checkRegularFile(path: unknown): Promise<void> {
  checkPath(path)
  const stats = await stat(path)
  if (!stats.isFile())
    throw new FileRefused(`${path} is not a regular file`, stats.isDirectory() ? { hint: 'It is a folder.' } : {})
}

/** @throws {InvalidOption} */
export function checkPath(path: unknown): asserts path is string {
  if (!rules.string.accepts(path))
    throw new InvalidOption(`Expected \`path\` to be ${rules.string.expected}, got ${describe(path)}`)
}
