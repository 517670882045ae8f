/** The package as npm would publish it, unpacked into a project, without touching `dist`, which other tests use. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const require = createRequire(import.meta.url)

/** Builds and packs; gives the tarball in a new folder. */
export function packTarball(): string {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-packed-'))
  const staging = join(folder, 'staging')
  const files = ['package.json', 'README.md', 'LICENSE', 'ARCHITECTURE.md', 'docs', 'examples', 'bench/README.md']
  for (const file of files) {
    cpSync(join(root, file), join(staging, file), { recursive: true, filter: (path) => !path.includes('node_modules') })
  }
  const tsdown = join(dirname(require.resolve('tsdown/package.json')), 'dist/run.mjs')
  execFileSync(process.execPath, [tsdown, '--logLevel', 'error', '--out-dir', join(staging, 'dist')], {
    cwd: root,
    stdio: 'pipe',
  })
  if (existsSync(join(root, 'dist/ui'))) cpSync(join(root, 'dist/ui'), join(staging, 'dist/ui'), { recursive: true })
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder], { cwd: staging, stdio: 'pipe' })
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '')
}

/** Links packages of this repository into a `node_modules` that does not have them. */
export function linkFromHere(modules: string, names: readonly string[]): void {
  for (const name of names) {
    const path = join(modules, name)
    if (existsSync(path)) continue
    mkdirSync(dirname(path), { recursive: true })
    symlinkSync(join(root, 'node_modules', name), path)
  }
}

/**
 * A project whose `node_modules` has the packed package and those of a set of counterparts, as links.
 * @returns its folder
 */
export function projectWith(tarball: string, packages: string): string {
  const project = join(dirname(tarball), 'project')
  const modules = join(project, 'node_modules')
  mkdirSync(modules, { recursive: true })
  for (const name of readdirSync(packages)) symlinkSync(join(packages, name), join(modules, name))
  mkdirSync(join(modules, 'heddle'))
  execFileSync('tar', ['-xzf', tarball, '-C', join(modules, 'heddle'), '--strip-components=1'])
  if (!existsSync(join(modules, 'jiti')))
    cpSync(dirname(require.resolve('jiti/package.json')), join(modules, 'jiti'), { recursive: true })
  // As npm would install them beside it.
  const { dependencies } = require('../../package.json') as { dependencies: Record<string, string> }
  linkFromHere(modules, Object.keys(dependencies))
  return project
}
