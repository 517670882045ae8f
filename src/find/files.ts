/** The files below the paths that a person names, and the packages of their workspace. */
import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readJson } from './source/project.ts'

const skipped = new Set([
  'node_modules',
  'dist',
  'build',
  'out',
  'coverage',
  'vendor',
  '.git',
  '.next',
  '.nuxt',
  '.turbo',
  '.cache',
  '__generated__',
  'generated',
])

export interface Listed {
  readonly files: readonly string[]
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[]
  /** Packages by name, for imports within a workspace. */
  readonly packages: ReadonlyMap<string, string>
}

export function listFiles(paths: readonly string[]): Listed {
  const files: string[] = []
  const unreadable: { path: string; reason: string }[] = []
  const packages = new Map<string, string>()
  const seen = new Set<string>()
  const visit = (path: string, named: boolean): void => {
    try {
      // A link may lead in a circle: its target is visited once.
      const real = lstatSync(path).isSymbolicLink() ? realpathSync(path) : path
      if (seen.has(real)) return
      seen.add(real)
      const stats = statSync(real)
      if (stats.isDirectory()) return folder(real)
      if (!stats.isFile()) return named ? void unreadable.push({ path, reason: 'it is not a regular file' }) : undefined
      if (named || isSource(real)) files.push(real)
    } catch (error) {
      unreadable.push({ path, reason: `it cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}` })
    }
  }
  const folder = (path: string): void => {
    const entries = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
    if (entries.some(({ name }) => name === 'package.json')) {
      const name = readJson(join(path, 'package.json'))?.['name']
      if (typeof name === 'string') packages.set(name, path)
    }
    for (const entry of entries) {
      if (entry.isDirectory() ? skipped.has(entry.name) || entry.name.startsWith('.') : entry.isFile() && !isSource(entry.name))
        continue
      visit(join(path, entry.name), false)
    }
  }
  for (const path of paths) visit(path, true)
  return { files, unreadable, packages }
}

const workspaces = new Map<string, ReadonlyMap<string, string>>()

/** The packages of the workspace at `root`, looked for once. */
export function workspaceOf(root: string): ReadonlyMap<string, string> {
  let packages = workspaces.get(root)
  if (!packages) workspaces.set(root, (packages = listFiles([root]).packages))
  return packages
}

function isSource(name: string): boolean {
  return /\.[cm]?[jt]sx?$/.test(name) && !/\.d\.[cm]?ts$|\.min\.js$/.test(name)
}

/** Tests share fixtures, and migrations, seeds and build scripts run in an order on purpose: what is found there is shown on request only. */
export function isOrderedOnPurpose(path: string): boolean {
  return /(?:^|\/)(?:__tests__|__mocks__|(?:[\w-]+-)?tests?|e2e|spec|evals?|fixtures?|migrations?|alterations?|seeds?|cypress)\/|[._](?:test|tests|spec|e2e|eval|stories)\.[cm]?[jt]sx?$|(?:^|\/)(?:seed|tests?)\.[jt]s$/.test(
    path,
  )
}
