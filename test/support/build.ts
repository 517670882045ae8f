/**
 * Builds the package once before the tests when it is missing or older than its sources, because some tests run it as users do: as a
 * process. Test runs at the same time wait for one another.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const built = join(root, 'dist/cli.js')
const lock = join(root, 'node_modules/.heddle-build')
/** A build takes seconds; a lock this old was left behind. */
const staleMs = 60_000

export default async function setup(): Promise<void> {
  if (isFresh()) return
  await acquire()
  try {
    // Files of the older build stay, so that processes that run it find what they have yet to load. Types are most of a build, and no test
    // that runs here looks at them.
    const types = existsSync(join(root, 'dist/index.d.ts')) ? ['--no-dts'] : []
    if (!isFresh())
      execFileSync(process.execPath, [tsdown(), '--logLevel', 'error', '--no-clean', ...types], { cwd: root, stdio: 'inherit' })
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function isFresh(): boolean {
  if (!existsSync(built)) return false
  const builtAt = statSync(built).mtimeMs
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?<!\.test)\.[jt]s$/.test(file),
  )
  return ['package.json', 'entries.ts', 'tsdown.config.ts', ...sources.map((file) => join('src', file))].every(
    (file) => statSync(join(root, file)).mtimeMs <= builtAt,
  )
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

function tsdown(): string {
  return join(dirname(createRequire(import.meta.url).resolve('tsdown/package.json')), 'dist/run.mjs')
}
