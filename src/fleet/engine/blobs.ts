/**
 * Where large texts lie beside the store: a folder that all machines share. Names carry the attempt, so that a machine that was given up writes over nothing.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InvalidOption } from '../../base/errors.ts'
import { FleetRefused } from '../protocol/errors.ts'
import type { BlobStore } from './blob-store.ts'
import { s3Store } from './s3.ts'

/** Run, then batch and attempt: nothing that could leave the folder. */
const nameRule = /^[\w-]{1,200}\/[\w-]{1,100}$/

function checkBlobName(name: string): void {
  if (nameRule.test(name)) return
  throw new FleetRefused(`The name of a blob is not one that heddle gives: ${JSON.stringify(name.slice(0, 100))}`)
}

/** @throws {InvalidOption} for a URL of another kind */
export function blobStore(url: string, space: string): BlobStore {
  if (url.startsWith('s3:')) return s3Store(url, space, checkBlobName)
  if (!url.startsWith('file:'))
    throw new InvalidOption(
      `Expected \`blobs\` to be a URL such as file:///mnt/shared/heddle or s3://bucket/folder, got ${JSON.stringify(url)}`,
    )
  const folder = join(fileURLToPath(url), space)
  const pathOf = (name: string): string => {
    checkBlobName(name)
    return join(folder, name)
  }
  return {
    async put(name, text) {
      const path = pathOf(name)
      await mkdir(dirname(path), { recursive: true })
      // Whoever reads it sees all of it.
      await writeFile(`${path}.part`, text)
      await rename(`${path}.part`, path)
    },
    async get(name) {
      try {
        return await readFile(pathOf(name), 'utf8')
      } catch (cause) {
        throw new FleetRefused(`A large value cannot be read from ${folder}: ${(cause as Error).message}`, {
          cause,
          hint: 'Mount the same folder on every machine of the fleet, and name it with `blobs` and --blobs.',
        })
      }
    },
    drop: (run) => rm(dirname(pathOf(`${run}/x`)), { recursive: true, force: true }),
    async runs() {
      return readdir(folder).catch(() => [])
    },
  }
}
