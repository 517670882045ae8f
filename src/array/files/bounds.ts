/** What readers check before they allocate: a small file may claim to hold more than there is memory for. */
import { stat } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { describe, FileRefused, InvalidOption } from '../../base/errors.ts'
import { rules } from '../../base/options.ts'
import { formatBytes } from '../cost.ts'

export interface MemoryOptions {
  /** Bytes, or text such as `'500MB'`, that the arrays may take; a file that needs more is refused. @default half of the machine's memory */
  readonly memoryLimit?: number | `${number}MB` | `${number}GB`
}

export const memoryLimitRule = rules.either(rules.number(0), {
  expected: "text such as '500MB' or '2GB'",
  accepts: (v) => typeof v === 'string' && /^\d+(\.\d+)?[MG]B$/.test(v),
})

/** Bytes of a `memoryLimit` that has been checked. */
export function bytesOf(limit: MemoryOptions['memoryLimit']): number | undefined {
  if (typeof limit !== 'string') return limit
  return Number.parseFloat(limit) * (limit.endsWith('GB') ? 1e9 : 1e6)
}

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
