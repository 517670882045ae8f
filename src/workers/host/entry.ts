/** Finds the file in which workers start: beside this code, from the sources, from the build, or from inside somebody's bundle. */
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { fileBeside } from '../../base/package-url.ts'
import { lazily } from '../../base/builtin.js'
import { WorkerStartFailed } from '../../base/errors.ts'

const fs = lazily('node:fs')
const modules = lazily('node:module')

const fromSources = import.meta.url.endsWith('.ts')
let found: URL | undefined

export function workerEntry(): URL {
  found ??= find()
  return found
}

/** The file that `heddle` means inside workers while heddle itself runs from its sources. */
export function sourcesEntry(): string | undefined {
  return fromSources ? join(fileURLToPath(fileBeside(import.meta.url, '../..')), 'index.ts') : undefined
}

function find(): URL {
  const beside = fileBeside(import.meta.url, fromSources ? '../thread/entry.js' : './thread.js')
  if (fs().existsSync(beside)) return beside
  try {
    // Bundled into a program of another place: the installed package still has the file.
    return pathToFileURL(
      modules()
        .createRequire(import.meta.url)
        .resolve('heddle/thread'),
    )
  } catch (cause) {
    throw new WorkerStartFailed('The file in which workers start was not found beside this program', {
      cause,
      hint: 'When you bundle, keep heddle external, or add node_modules/heddle/dist/thread.js as an entry named "thread".',
    })
  }
}
