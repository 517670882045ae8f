import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface Thumbnails {
  readonly made: number
  readonly bytes: number
  /** Files that could not be read. */
  readonly failed: readonly string[]
}

export async function pictures(folder: string): Promise<string[]> {
  const names = await readdir(folder)
  return names
    .filter((name) => /\.(jpe?g|png|webp)$/i.test(name))
    .toSorted()
    .map((name) => join(folder, name))
}

export const prepare = (folder: string): Promise<unknown> => mkdir(folder, { recursive: true })
