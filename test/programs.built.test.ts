/** Whole programs under plain node, with the built package: they end by themselves, obey Ctrl-C, and leave nothing behind. */
import { spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createJiti } from 'jiti'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { spawnHeddle } from './support/cli.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const programs = fileURLToPath(new URL('fixtures/programs/', import.meta.url))
let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-'))
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules', 'heddle'), 'dir')
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly ms: number
}

/** Runs a program; `onOutput` is called with what it has printed so far, and may end it. */
function run(
  file: string,
  onOutput?: (out: string, kill: (signal: NodeJS.Signals) => void) => void,
  cwd = programs,
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let since = performance.now()
    const seen = (chunk: Buffer): void => {
      out += chunk.toString()
      onOutput?.(out, (signal) => {
        since = performance.now()
        child.kill(signal)
      })
    }
    child.stdout.on('data', seen)
    child.stderr.on('data', seen)
    child.on('exit', (code, signal) => resolve({ code, signal, out, ms: performance.now() - since }))
  })
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a program ends by itself, with TypeScript and enums in its workers and no build', async () => {
  const { code, out } = await run('ends.mjs')
  expect(out.trim()).toBe('{"doubled":[2,4,6],"one":42,"other":true}')
  expect(code).toBe(0)
})

test.each(['SIGINT', 'SIGKILL'] as const)('%s ends a program whose workers run away, and their processes', async (signal) => {
  let pid = 0
  const { signal: endedBy } = await run('runs-away.mjs', (out, kill) => {
    const line = /\{"pid":(\d+)\}/.exec(out)
    if (!line || pid) return
    pid = Number(line[1])
    // The calls that never end come right after the line.
    setTimeout(() => kill(signal), 100)
  })
  expect(endedBy).toBe(signal)
  for (let i = 0; i < 100 && alive(pid); i++) await new Promise((resolve) => setTimeout(resolve, 50))
  expect(alive(pid)).toBe(false)
})

describe('a worker module', () => {
  test('that is the program itself is refused with a word on what to do', async () => {
    const program = `import { workers } from 'heddle'\nworkers(import.meta.url, { f: () => 1 })\n`
    writeFileSync(join(folder, 'entry.js'), program)
    for (const name of ['entry.js', 'entry']) {
      const { code, out } = await run(name, undefined, folder)
      expect(out).toContain('A worker module must be a module of its own')
      expect(code).toBe(1)
    }
  })

  test('is found as .js beside a .ts URL', async () => {
    writeFileSync(join(folder, 'compiled.js'), `export const shout = (text) => text.toUpperCase()\n`)
    const program = `import { workers } from 'heddle'\nconst w = workers(new URL('./compiled.ts', import.meta.url))\nconsole.log(await w.shout('found'))\n`
    writeFileSync(join(folder, 'finds.js'), program)
    expect(await run('finds.js', undefined, folder)).toMatchObject({ code: 0, out: 'FOUND\n' })
  })
})

describe('TypeScript', () => {
  const common: Readonly<Record<string, string>> = {
    callable: `module.exports = Object.assign(function callable() { return 'called' }, { twice: (n) => 2 * n })`,
    compiled: `Object.defineProperty(exports, '__esModule', { value: true }); exports.default = () => 'wrapped'; exports.named = 6`,
    computed: `const all = {}; all['a' + 'b'] = 2; module.exports = all`,
  }
  /** The same in each file, because the second import of a package takes another way. */
  const uses = `import callable from 'callable'
import compiled from 'compiled'
import computed from 'computed'
import * as all from 'callable'
const loose = compiled
export const seen = [callable(), callable.twice(4), loose.default(), loose.named, computed.ab, typeof all.default, Object.keys(await import('callable'))]
`

  test('gets packages of CommonJS as Node gives them, in every file and in workers', async () => {
    for (const [name, code] of Object.entries(common)) {
      mkdirSync(join(folder, 'node_modules', name), { recursive: true })
      writeFileSync(join(folder, 'node_modules', name, 'index.js'), code)
    }
    for (const name of ['first.ts', 'second.ts', 'native.mjs']) writeFileSync(join(folder, name), uses)
    writeFileSync(
      join(folder, 'in-workers.ts'),
      `import { workers } from 'heddle'
import { seen as one } from './first.ts'
import { seen as two } from './second.ts'
export const { inWorker } = workers(import.meta.url, { inWorker: () => [one, two] })`,
    )
    const program = `import { seen as one } from './first.ts'
import { seen as two } from './second.ts'
import { seen as native } from './native.mjs'
import { inWorker } from './in-workers.ts'
export default async () => JSON.stringify({ native, here: [one, two], there: await inWorker() })`
    writeFileSync(join(folder, 'typed.ts'), program)
    // Another tool has compiled a file in its own way; what that gives does not matter here.
    await createJiti(folder)
      .import(join(folder, 'first.ts'))
      .catch(() => {})
    const { code, stdout, stderr } = await spawnHeddle(['run', '-q', 'typed.ts'], { cwd: folder })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { native, here, there } = JSON.parse(stdout) as Record<string, unknown>
    expect(native).toEqual(['called', 8, 'wrapped', 6, 2, 'function', ['default']])
    expect(here).toEqual([native, native])
    expect(there).toEqual([native, native])
  })
})

describe('a bundle of esbuild', () => {
  test('runs from one file with its worker module as a second entry', async () => {
    const esbuild = await import('esbuild')
    const out = join(folder, 'bundled')
    const main = `import { map, workers } from 'heddle'
      const { triple } = workers<typeof import('./triple.ts')>(new URL('./triple.js', import.meta.url))
      console.log(JSON.stringify(await map([1, 2, 3], triple as (n: number) => Promise<number>, { concurrency: 2 })))`
    writeFileSync(join(folder, 'main.ts'), main)
    writeFileSync(
      join(folder, 'triple.ts'),
      `import { workers } from 'heddle'\nexport const { triple } = workers(import.meta.url, { triple: (n: number) => n * 3 })\n`,
    )
    await esbuild.build({
      absWorkingDir: folder,
      entryPoints: { main: 'main.ts', triple: 'triple.ts', thread: join(root, 'dist', 'thread.js') },
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      outdir: out,
      external: ['jiti'],
      banner: { js: `import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);` },
      logLevel: 'silent',
    })
    // Nothing of the package is left around it.
    const bare = mkdtempSync(join(tmpdir(), 'heddle-bundle-'))
    try {
      for (const name of ['main.js', 'triple.js', 'thread.js']) copyFileSync(join(out, name), join(bare, name))
      writeFileSync(join(bare, 'package.json'), '{"type":"module"}')
      expect(readFileSync(join(bare, 'main.js'), 'utf8')).not.toMatch(/from "heddle"/)
      expect(await run('main.js', undefined, bare)).toMatchObject({ code: 0, out: '[3,6,9]\n' })
    } finally {
      rmSync(bare, { recursive: true })
    }
  })
})
