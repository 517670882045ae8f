/**
 * Builds the package and the page once before the tests when they are missing or older than their sources, because some tests run them
 * as users do. Test runs at the same time wait for one another.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const lock = join(root, 'node_modules/.heddle-build')
/** A build takes seconds; a lock this old was left behind. */
const staleMs = 60_000

/** What is built, and from what. */
interface Part {
  readonly built: string
  readonly sources: readonly string[]
  build(): void
}

const code: Part = {
  built: 'dist/cli.js',
  sources: ['package.json', 'entries.ts', 'tsdown.config.ts', ...sourcesOf('src')],
  build() {
    // Files of the older build stay, so that processes that run it find what they have yet to load. Types are most of a build, and no test
    // that runs here looks at them.
    const types = existsSync(join(root, 'dist/index.d.ts')) ? ['--no-dts'] : []
    run(binary('tsdown', 'dist/run.mjs'), '--logLevel', 'error', '--no-clean', ...types)
  },
}

const pages = ['index.html', 'report.js'].map((name): Part => ({
  built: `dist/ui/${name}`,
  sources: [
    ...['package.json', 'index.html', 'vite.config.ts'].map((file) => join('ui', file)),
    ...sourcesOf('ui/src'),
    ...sourcesOf('src/dashboard'),
  ],
  build: () => run(binary('vite', 'bin/vite.js'), 'build', 'ui', '--mode', name.split('.')[0] as string, '--logLevel', 'error'),
}))

export default async function setup(): Promise<void> {
  const stale = (): Part[] => [code, ...pages].filter((part) => !isFresh(part))
  if (stale().length === 0) return
  await acquire()
  try {
    for (const part of stale()) part.build()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function sourcesOf(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /(?<!\.test)\.(?:[jt]sx?|css)$/.test(file))
    .map((file) => join(folder, file))
}

function isFresh({ built, sources }: Part): boolean {
  const path = join(root, built)
  if (!existsSync(path)) return false
  const builtAt = statSync(path).mtimeMs
  return sources.every((file) => statSync(join(root, file)).mtimeMs <= builtAt)
}

function run(script: string, ...args: readonly string[]): void {
  // Not the tests' own: with it the page would be built as for development, which is larger.
  execFileSync(process.execPath, [script, ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NODE_ENV: 'production' },
  })
}

async function acquire(): Promise<void> {
  for (;;) {
    try {
      mkdirSync(lock)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      if (isOld()) rmSync(lock, { recursive: true, force: true })
      await sleep(100)
    }
  }
}

function isOld(): boolean {
  try {
    return Date.now() - statSync(lock).mtimeMs > staleMs
  } catch {
    return false
  }
}

function binary(name: string, path: string): string {
  return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), path)
}
