/** The programs of `examples/`, run as a user runs them: in a project of their own, with the built package and real counterparts. */
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { expect } from 'vitest'
import type { Counterparts } from './counterparts.ts'
import { spawnHeddle } from './cli.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const stopwatch = fileURLToPath(new URL('../fixtures/stopwatch.mjs', import.meta.url))
/** Where more is used by others, a stopwatch says what they did. */
const othersMost = 0.15
const attempts = 3
/** On a machine that others keep busy, one attempt is enough. */
const attemptsMs = 30_000
const run = promisify(execFile)

/** A copy of `examples/NAME` beside a `node_modules` with heddle and the packages of sets. */
export function projectOf(name: string, ...sets: readonly (Counterparts | undefined)[]): string {
  const project = mkdtempSync(join(tmpdir(), `heddle-${name.replaceAll('/', '-')}-`))
  const modules = join(project, 'node_modules')
  mkdirSync(modules)
  symlinkSync(root, join(modules, 'heddle'), 'dir')
  for (const set of sets) {
    if (!set) continue
    const packages = join(set.folder, 'node_modules')
    for (const found of readdirSync(packages)) {
      const link = join(modules, found)
      if (!found.startsWith('.') && !existsSync(link)) symlinkSync(join(packages, found), link, 'dir')
    }
  }
  writeFileSync(join(project, 'package.json'), '{"type":"module"}')
  cpSync(join(root, 'examples', name), project, { recursive: true, filter: (path) => !path.includes('node_modules') })
  return project
}

export interface Judged {
  readonly value: unknown
  readonly wallMs: number
  readonly work: { readonly workMs: number; readonly cores: { readonly others: number } }
  readonly verdict: readonly string[]
}

/** `heddle run --json FILE arguments`, which must end well. */
export async function runJudged(project: string, file: string, ...args: readonly string[]): Promise<Judged> {
  const { code, stdout, stderr } = await spawnHeddle(['run', '--json', file, ...args], { cwd: project, timeoutMs: 120_000 })
  expect({ code, stderr, error: (JSON.parse(stdout || '{}') as { error?: unknown }).error }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as Judged
}

export interface Timed {
  readonly value: unknown
  readonly ms: number
  /** Cores that other programs used meanwhile. */
  readonly others: number
}

/** What the plain program gives, and how long its `main` took. */
export async function runTimed(project: string, file: string, ...args: readonly string[]): Promise<Timed> {
  const { stdout } = await run(process.execPath, [stopwatch, file, ...args], { cwd: project, timeout: 120_000 })
  return JSON.parse(stdout) as Timed
}

/**
 * Both give the same, and the verdict's sequential figure is that of the stopwatch within 10 %, where nobody else uses the machine.
 *
 * @param least for a job whose figure is known to be too low: how low it may be
 */
export async function expectSameAndTrue(
  project: string,
  args: readonly string[],
  afterEach?: () => unknown,
  least = 0.9,
): Promise<void> {
  const began = performance.now()
  for (let attempt = 1; attempt <= attempts && performance.now() - began < attemptsMs; attempt++) {
    const plain = await runTimed(project, 'plain.ts', ...args)
    const left = afterEach?.()
    const judged = await runJudged(project, 'main.ts', ...args)
    expect(judged.value).toEqual(plain.value)
    expect(afterEach?.()).toEqual(left)
    const ratio = judged.work.workMs / plain.ms
    const others = Math.max(plain.others, judged.work.cores.others)
    if (process.env['HEDDLE_TEST_SHOW']) console.log(judged.verdict.join('\n'), { plainMs: plain.ms, ratio, others })
    if (others > othersMost) continue
    if (attempt < attempts && Math.abs(ratio - 1) > 0.1 && performance.now() - began < attemptsMs) continue
    expect(ratio).toBeGreaterThan(least)
    expect(ratio).toBeLessThan(1.1)
    return
  }
  console.warn(`${project}: other programs use the machine; the verdict was not judged`)
}
