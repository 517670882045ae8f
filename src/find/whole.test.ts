/** Folders as they are: what cannot be read, what imports in circles, threads, and results that are kept. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { find } from './find.ts'
import { runs } from '../../test/support/runs.ts'

const fs = `import { readFile } from 'node:fs/promises'\n`
const slow = `${fs}export async function f() { const a = await readFile('a'); const b = await readFile('b'); return [a, b] }`
let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'heddle-find-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const write = (files: Readonly<Record<string, string>>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), text)
  }
}

test('syntax of every kind is read', async () => {
  write({
    'component.tsx': `${slow}\nexport const C = () => <div>{[1].map((n) => <b key={n}>{n}</b>)}</div>`,
    'plain.js': `${slow}\nexport const C = () => <div/>`,
    'decorated.ts': `function d(...x: any[]): any {}\n@d class A { @d m = 1; constructor(@d private x: number) {} @d async n() { return [this.x] } }\nvoid A\n${slow}`,
    'common.cjs': `const { readFile } = require('node:fs/promises')\nmodule.exports.f = async () => { const a = await readFile('a'); const b = await readFile('b'); return [a, b] }`,
    'hashbang.mjs': `#!/usr/bin/env node\n${slow}`,
    'mark.ts': `\uFEFF${slow}`,
    'windows.ts': slow.replaceAll('\n', '\r\n'),
    'empty.ts': '',
  })
  const { findings, unreadable } = await find(['.'], { root })
  expect(unreadable).toEqual([])
  expect(findings.filter(({ tier }) => tier === 'proven').map(({ file }) => file)).toEqual([
    'common.cjs',
    'component.tsx',
    'decorated.ts',
    'hashbang.mjs',
    'mark.ts',
    'plain.js',
    'windows.ts',
  ])
})

test('imports in a circle, aliases, and packages that are not installed', async () => {
  write({
    'tsconfig.json': '{ // comment\n "compilerOptions": { "paths": { "@/*": ["./src/*"], "~loop": ["./loop.ts"] }, }, }',
    'loop.ts': `export { x } from '~loop'\nexport * from './a.ts'`,
    'a.ts': `import { b } from './b.ts'\nimport { gone } from 'not-installed'\nexport const a = async (n: number): Promise<number> => (n > 0 ? b(n - 1) : gone())`,
    'b.ts': `import { a } from './a.ts'\nexport const b = async (n: number): Promise<number> => a(n - 1)`,
    'src/load.ts': `${fs}export const load = (p: string) => readFile(p)`,
    'main.ts': `import { load } from '@/load'\nimport { x } from '~loop'\nimport { a } from './a.ts'\nexport async function f() { const p = await load('a'); const q = await load('b'); return [p, q, x, a] }`,
    'self.ts': `import { me } from './self.ts'\nexport const me = async (): Promise<unknown> => { const a = await me(); const b = await me(); return [a, b] }`,
  })
  const { findings, unreadable } = await find(['.'], { root })
  expect(unreadable).toEqual([])
  expect(findings.filter(({ tier }) => tier === 'proven').map(({ file }) => file)).toEqual(['main.ts'])
})

test('each file that cannot be looked at gets a line, and the rest goes on', async () => {
  write({
    'good.ts': slow,
    'broken.ts': 'export const = await 3',
    'half.ts': `${slow}\nexport function g( {`,
    'minified.js': `await a(${'1,'.repeat(20_000)}1)`,
    'binary.ts': 'await \u0000\u0001\u0002',
    'package.json': '{ "name": ',
    'tsconfig.json': 'not json',
    'sub/x.ts': '',
  })
  symlinkSync(root, join(root, 'sub/around'))
  symlinkSync(join(root, 'ring-b.ts'), join(root, 'ring-a.ts'))
  symlinkSync(join(root, 'ring-a.ts'), join(root, 'ring-b.ts'))
  const { findings, unreadable } = await find(['.', 'missing'], { root })
  expect(findings.map(({ file }) => file)).toEqual(['good.ts'])
  const reasons = new Map(unreadable.map(({ path, reason }) => [path, reason]))
  expect([...reasons.keys()].toSorted()).toEqual([
    'binary.ts',
    'broken.ts',
    'half.ts',
    'minified.js',
    'missing',
    'ring-a.ts',
    'ring-b.ts',
  ])
  expect(reasons.get('ring-a.ts')).toContain('ELOOP')
  expect(reasons.get('minified.js')).toBe('it is minified')
  expect(reasons.get('broken.ts')).toContain('it cannot be parsed')
})

test('tests are looked at on request', async () => {
  write({ 'a.test.ts': slow, 'tests/b.ts': slow, 'c.ts': slow })
  const tiers = async (tests: boolean) => (await find(['.'], { root, tests })).findings.map(({ file, tier }) => `${file} ${tier}`)
  expect(await tiers(false)).toEqual(['c.ts proven'])
  expect(await tiers(true)).toEqual(['c.ts proven', 'a.test.ts info', 'tests/b.ts info'])
})

test('hundreds of files on threads give what one thread gives', async () => {
  const filler = `${'// a comment that takes place\n'.repeat(100)}`
  const files = runs(250, 800)
  for (let i = 0; i < files; i++) write({ [`part${i % 8}/file${i}.ts`]: `${slow.replace("'a'", `'a${i}'`)}\n${filler}` })
  const one = await find(['.'], { root, threads: 1 })
  const two = await find(['.'], { root, threads: 2 })
  expect(one.summary).toMatchObject({ files, proven: files })
  expect(two).toEqual(one)
}, 60_000)

test('results are kept while what they depend on is the same', async () => {
  const cache = join(root, 'node_modules/.cache/find.json')
  const load = (effect: string) =>
    `${fs}let n = 0\nexport async function load(p: string) { ${effect}; return readFile(p) }\nexport const count = () => n`
  write({
    'load.ts': load(''),
    'other.ts': slow,
    'main.ts': `import { load } from './load.ts'\nexport async function f() { const a = await load('a'); const b = await load('b'); return [a, b] }`,
  })
  const files = async () => (await find(['.'], { root, cache })).findings.map(({ file }) => file)
  expect(await files()).toEqual(['main.ts', 'other.ts'])
  expect(existsSync(cache)).toBe(true)
  expect(await files()).toEqual(['main.ts', 'other.ts'])
  // Time says nothing: content does.
  utimesSync(join(root, 'main.ts'), 1, 1)
  write({ 'load.ts': load('n = n + 1') })
  expect(await files()).toEqual(['other.ts'])
  write({ 'load.ts': load('') })
  expect(await files()).toEqual(['main.ts', 'other.ts'])
  writeFileSync(cache, '{ "key": ')
  expect(await files()).toEqual(['main.ts', 'other.ts'])
})
