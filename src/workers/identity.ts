/** What a worker function is called on every machine: its package, its place in there, its name, and a hash of its module. */
import { fileURLToPath } from 'node:url'
import { lazily } from '../base/builtin.js'
import type { FunctionIdentity } from '../run/executor.ts'

const fs = lazily('node:fs')
const crypto = lazily('node:crypto')

/** @param module URL of a file @throws never: what cannot be read is left out */
export function identityOf(module: string, name: string): FunctionIdentity {
  const path = module.startsWith('file:') ? fileURLToPath(module).replaceAll('\\', '/') : module
  const home = module.startsWith('file:') ? packageAbove(path) : undefined
  const inside = home ? path.slice(home.folder.length + 1) : path
  return {
    package: home?.name ?? '',
    module: inside.replace(/\.[cm]?[jt]sx?$/, ''),
    name,
    hash: hashOf(path),
  }
}

function packageAbove(path: string): { readonly folder: string; readonly name: string } | undefined {
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const folder = path.slice(0, end)
    try {
      const { name } = JSON.parse(fs().readFileSync(`${folder}/package.json`, 'utf8')) as { readonly name?: unknown }
      // One without a name only says how its folder is to be read.
      if (typeof name === 'string') return { folder, name }
    } catch {
      // Not here, or not readable.
    }
  }
  return undefined
}

function hashOf(path: string): string | undefined {
  try {
    return crypto().createHash('sha256').update(fs().readFileSync(path)).digest('hex')
  } catch {
    return undefined
  }
}
