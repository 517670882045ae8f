/** What people tell find: effects of their functions, and traces. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { costsOf, rankedByCost } from './cost.ts'
import { parseEffects } from './effects/declared.ts'
import { find } from './find.ts'
import { findIn } from './find.fixture.ts'

const two = `export async function f() { const a = await load(1); const b = await audit(2); return [a, b] }`

test.each([
  ['a comment that says what a function reads', '/** @effects read db.users */', 'proven'],
  ['a line comment', '// @effects read db', 'proven'],
  ['a comment that says that it writes', '/** Adds. @effects write db.users */', undefined],
  ['a comment that says that it keeps its place', '/** @effects ordered */', undefined],
  ['a comment that is not understood says nothing', '/** @effects wirte db */', 'likely'],
])('%s', async (_, comment, tier) => {
  const code = `${comment}\nexport declare function load(x: number): Promise<number>\n/** @effects read db.users */\nexport async function audit(x: number) { return (globalThis as any).anything(x) }\n${two}`
  expect((await findIn(code))[0]?.tier).toBe(tier)
})

test('settings of the project', async () => {
  const files = (effects: object) => ({
    'package.json': JSON.stringify({ heddle: { effects } }),
    'code.ts': `import { load } from 'acme'\ndeclare const api: any\nexport async function f() { const a = await load(1); const b = await api.touch(2); return [a, b] }`,
  })
  const tiers = async (effects: object) => (await findIn(files(effects))).map(({ tier }) => tier)
  expect(await tiers({})).toEqual(['likely'])
  expect(await tiers({ 'acme#load': 'none', 'api.touch': 'read net.acme' })).toEqual(['proven'])
  expect(await tiers({ 'acme#load': 'write net.acme', 'api.touch': 'read net.acme' })).toEqual([])
})

test('a setting that is not understood gets a line', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-find-'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ heddle: { effects: { load: 'reads everything' } } }))
  expect((await find(['.'], { root: folder })).unreadable[0]?.reason).toContain('"load" is not understood')
  rmSync(folder, { recursive: true })
})

test('the words of a declaration', () => {
  expect(parseEffects('read db.users, net; write fs.out')).toMatchObject({ reads: ['@db.users', '@net'], writes: ['@fs.out'] })
  expect(parseEffects('none')).toMatchObject({ reads: [], writes: [] })
  for (const wrong of ['', 'db', 'read', 'write nowhere', 'look db']) expect(parseEffects(wrong)).toBeUndefined()
})

test('findings are ranked by the time that a trace shows', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-find-'))
  const span = (id: string, name: string, line: number, ms: number) => ({
    traceId: '0'.repeat(31) + '1',
    spanId: id.repeat(16),
    name,
    startTimeUnixNano: '1000000000000000000',
    endTimeUnixNano: String(1_000_000_000_000_000_000n + BigInt(ms) * 1_000_000n),
    attributes:
      line === 0
        ? []
        : [
            { key: 'code.filepath', value: { stringValue: '/app/b.ts' } },
            { key: 'code.lineno', value: { intValue: String(line) } },
          ],
  })
  const spans = [span('1', 'x', 2, 300), span('2', 'y', 3, 100), span('3', 'quick', 0, 5), span('4', 'alsoQuick', 0, 5)]
  writeFileSync(
    join(folder, 'trace.json'),
    JSON.stringify({ resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ scope: { name: 'x' }, spans }] }] }),
  )
  const pair = (a: string, b: string) =>
    `export async function f() {\n  const a = await fetch(${a})\n  const b = await fetch(${b})\n  return [a, b]\n}`
  writeFileSync(join(folder, 'a.ts'), pair('quick()', 'alsoQuick()') + '\nconst quick = () => "/"\nconst alsoQuick = () => "/"')
  writeFileSync(join(folder, 'b.ts'), pair(`'/a'`, `'/b'`))
  const { findings } = await find(['.'], { root: folder })
  const ranked = rankedByCost(folder, findings, await costsOf(join(folder, 'trace.json')))
  rmSync(folder, { recursive: true })
  expect(findings.map(({ file }) => file)).toEqual(['a.ts', 'b.ts'])
  expect(ranked.map(({ file, savingMs }) => [file, savingMs])).toEqual([
    ['b.ts', 100],
    ['a.ts', 5],
  ])
})
