/** `heddle find` as people run it: exit codes, formats, rewriting, baselines, changes since a revision. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { spawnHeddle } from './support/cli.ts'

const slow = `import { readFile } from 'node:fs/promises'
export async function both() {
  const a = await readFile('a')
  const b = await readFile('b')
  return [a, b]
}
`
let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-find-'))
  writeFileSync(join(folder, 'slow.ts'), slow)
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const find = (...args: readonly string[]) => spawnHeddle(['find', ...args], { cwd: folder })

test('prints findings with their place and proof, and exits with 1', async () => {
  const { code, stdout } = await find()
  expect(code).toBe(1)
  expect(stdout).toContain('proven Two awaits in a row')
  expect(stdout).toContain('slow.ts:3')
  expect(stdout).toMatch(/1 proven, 0 likely, 0 more with --all · 1 files, \d+ lines/)
})

test('rewrites what is proven, once, and exits with 0 when nothing is left', async () => {
  expect((await find('--fix')).code).toBe(0)
  const text = readFileSync(join(folder, 'slow.ts'), 'utf8')
  expect(text).toContain('const [a, b] = await Promise.all([')
  await find('--fix')
  expect(readFileSync(join(folder, 'slow.ts'), 'utf8')).toBe(text)
})

test('gives findings to programs', async () => {
  const { findings, summary } = JSON.parse((await find('--json')).stdout)
  expect(findings[0]).toMatchObject({ rule: 'sequential-awaits', tier: 'proven', file: 'slow.ts', line: 3, column: 3 })
  expect(summary).toMatchObject({ files: 1, proven: 1 })
  const report = JSON.parse((await find('--format', 'sarif')).stdout)
  expect(report.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri).toBe('slow.ts')
  expect((await find('--format', 'github')).stdout).toMatch(/^::warning file=slow\.ts,line=3,endLine=4,/)
  expect((await find('--format', 'markdown')).stdout).toContain('| proven | sequential-awaits | `slow.ts:3` |')
})

test('leaves out what a baseline names', async () => {
  expect((await find('--baseline', 'known.json', '--write-baseline')).code).toBe(0)
  expect((await find('--baseline', 'known.json')).code).toBe(0)
  // The identity of a finding does not change with its line.
  writeFileSync(join(folder, 'slow.ts'), `// a comment\n${slow}`)
  expect((await find('--baseline', 'known.json')).code).toBe(0)
  const { code, stderr } = await find('--baseline', 'missing.json')
  expect(code).toBe(2)
  expect(stderr).toContain('missing.json cannot be read')
})

test('looks at what changed since a revision only', async () => {
  const git = (...args: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], { cwd: folder, stdio: 'ignore' })
  git('init')
  git('add', '.')
  git('commit', '-m', 'first')
  expect((await find('--since', 'HEAD')).code).toBe(0)
  writeFileSync(join(folder, 'new.ts'), slow)
  expect(JSON.parse((await find('--since', 'HEAD', '--json')).stdout).findings).toMatchObject([{ file: 'new.ts' }])
  const { code, stderr } = await find('--since', 'nowhere')
  expect(code).toBe(2)
  expect(stderr).toContain('--since nowhere')
})

test('refuses a wrong command line before it reads anything', async () => {
  expect((await find('--fail-on', 'sometimes')).code).toBe(2)
  expect((await find('--fail-on', 'never')).code).toBe(0)
})

test('explains one finding, with its rewrite', async () => {
  const [{ id }] = JSON.parse((await find('--json')).stdout).findings
  const { code, stdout } = await spawnHeddle(['explain-finding', id], { cwd: folder })
  expect(code).toBe(0)
  expect(stdout).toContain('Everything that this code calls is known')
  expect(stdout).toContain('+   const [a, b] = await Promise.all([')
  const unknown = await spawnHeddle(['explain-finding', 'ffffffffff'], { cwd: folder })
  expect(unknown.code).toBe(2)
  expect(unknown.stderr).toContain('No finding "ffffffffff" here')
})

test('keeps results beside installed packages, and sees what changes', async () => {
  mkdirSync(join(folder, 'node_modules'))
  expect((await find()).code).toBe(1)
  expect(existsSync(join(folder, 'node_modules/.cache/heddle/find.json'))).toBe(true)
  expect((await find()).code).toBe(1)
  writeFileSync(join(folder, 'slow.ts'), 'export const nothing = 1\n')
  expect((await find()).code).toBe(0)
})
