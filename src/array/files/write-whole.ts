/** Writes a file in whole or not at all: into a file beside it, which then takes its name. */
import { randomBytes } from 'node:crypto'
import { open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * @param fill gets the path of an empty file and fills it; the file at `path` is replaced when it is done, and stays as it was when it
 *   throws
 */
export async function writeWhole(path: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const created = await open(temporary, 'wx')
  await created.close()
  try {
    await fill(temporary)
    await synchronize(temporary)
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
  // The new name is safe only when its directory is; some systems cannot sync one, and the file is whole anyway.
  await synchronize(dirname(path)).catch(() => {})
}

async function synchronize(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
