/** Finds the file in which workers start: beside this code, from the sources, from the build, or from inside somebody's bundle. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { WorkerStartFailed } from '../../base/errors.ts'

const fromSources = import.meta.url.endsWith('.ts')
let found: URL | undefined

export function workerEntry(): URL {
  found ??= find()
  return found
}

/** The file that `heddle` means inside workers while heddle itself runs from its sources. */
export function sourcesEntry(): string | undefined {
  return fromSources ? join(fileURLToPath(new URL('../..', import.meta.url)), 'index.ts') : undefined
}

function find(): URL {
  const beside = new URL(fromSources ? '../thread/entry.js' : './thread.js', import.meta.url)
  if (existsSync(beside)) return beside
  try {
    // Bundled into a program of another place: the installed package still has the file.
    return pathToFileURL(createRequire(import.meta.url).resolve('heddle/thread'))
  } catch (cause) {
    throw new WorkerStartFailed('The file in which workers start was not found beside this program', {
      cause,
      hint: 'When you bundle, keep heddle external, or add node_modules/heddle/dist/thread.js as an entry named "thread".',
    })
  }
}
