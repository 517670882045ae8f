import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const skipped = new Set(['node_modules', 'dist', 'build', 'out', 'coverage', 'vendor'])

/** JavaScript, TypeScript and package.json files below a folder. */
export function sourcesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return skipped.has(entry.name) || entry.name.startsWith('.') ? [] : sourcesIn(path)
    return entry.isFile() && (/\.[cm]?[jt]sx?$/.test(entry.name) || /^(?:package|tsconfig.*)\.json$/.test(entry.name))
      ? [path]
      : []
  })
}
