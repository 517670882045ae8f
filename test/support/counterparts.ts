/**
 * Real packages that are too heavy for `npm install`: native addons, model clients, bundlers, frameworks.
 *
 * A set is a folder `test/counterparts/NAME` with a `package.json` (pinned npm packages), a `requirements.txt` (pinned Python packages), or
 * both. It is installed at first use into a cache that all clones of the repository share, one folder per content of the set. Packages of npm
 * are installed without their install scripts.
 *
 * Tests that use a set are named `*.matrix.test.ts` and run with `npm run test:matrix`:
 *
 *     const native = counterparts('native')
 *     describe.skipIf(!native)('sharp', () => { const sharp = native?.require('sharp') … })
 *
 * Where a set cannot be installed its suites are skipped, and that is said aloud; with `CI=true` it is an error.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Counterparts {
  /** The folder that holds the set's `node_modules`, and `python` for a set with Python packages. */
  readonly folder: string
  /** Loads a package of the set, as a module in that folder would. */
  readonly require: NodeJS.Require
  /** The Python that has the set's packages; undefined for a set without any. */
  readonly python: string | undefined
}

const sets = fileURLToPath(new URL('../counterparts/', import.meta.url))
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'heddle', 'counterparts')
/** Ten minutes: some sets are hundreds of megabytes. */
const installTimeoutMs = 600_000

export function counterparts(name: string): Counterparts | undefined {
  const source = join(sets, name)
  const folder = join(cache, `${name}-${contentHash(source)}`)
  if (!existsSync(folder)) {
    try {
      install(source, folder)
    } catch (error) {
      const message = `The counterparts "${name}" could not be installed into ${cache}: ${reason(error)}`
      if (process.env['CI'] === 'true') throw new Error(message, { cause: error })
      console.warn(`${message}. Their tests are skipped.`)
      return undefined
    }
  }
  return { folder, require: createRequire(join(folder, 'package.json')), python: pythonOf(folder) }
}

/** The same set under another Node or platform is another installation, because addons are built for one. */
function contentHash(source: string): string {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${process.versions.modules}`)
  for (const file of readdirSync(source).toSorted()) hash.update(file).update(readFileSync(join(source, file)))
  return hash.digest('hex').slice(0, 12)
}

/** Installs beside the place and moves it there, so that a half-installed set is never seen. */
function install(source: string, folder: string): void {
  mkdirSync(cache, { recursive: true })
  const building = mkdtempSync(`${folder}-`)
  try {
    cpSync(source, building, { recursive: true })
    if (existsSync(join(building, 'package.json'))) {
      run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'], building)
    }
    if (existsSync(join(building, 'requirements.txt'))) {
      run('python3', ['-m', 'venv', '--copies', 'python'], building)
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', 'requirements.txt']
      run(join(building, 'python/bin/python3'), pip, building)
    }
    moveTo(folder, building)
  } finally {
    rmSync(building, { recursive: true, force: true })
  }
}

function moveTo(folder: string, building: string): void {
  try {
    renameSync(building, folder)
  } catch (error) {
    // Another test run has installed the same set meanwhile.
    if (!existsSync(folder)) throw error
  }
}

/** Only `python3 -m …` is used of a moved environment: its other scripts name the folder in which they were installed. */
function pythonOf(folder: string): string | undefined {
  const python = join(folder, 'python/bin/python3')
  return existsSync(python) ? python : undefined
}

function run(command: string, args: readonly string[], cwd: string): void {
  execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'], timeout: installTimeoutMs })
}

function reason(error: unknown): string {
  const { stderr, message } = error as { stderr?: Buffer; message: string }
  return stderr?.toString().trim().split('\n').slice(-3).join(' ') || message
}
