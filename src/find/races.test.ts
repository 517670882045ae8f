import { expect, test } from 'vitest'
import { findIn } from './find.fixture.ts'
import { interleaved, oneAfterTheOther } from './planted.fixture.ts'
import { runs } from '../../test/support/runs.ts'

const all = (body: string, before = 'let total = 0; const seen: any = {}; const list: any[] = []'): string =>
  `import pMap from 'p-map'\nimport { map } from 'heddle'\ndeclare function load(x: any): Promise<number>\ndeclare const items: any[]\nexport async function f() { ${before}; ${body}; return [total, seen, list] }\nvoid pMap; void map`
const each = (body: string, before?: string): string => all(`await Promise.all(items.map(async (item) => { ${body} }))`, before)

/** Updates that are lost, and checks that no longer hold, when calls run side by side. */
const races: Readonly<Record<string, string>> = {
  '+= await': each('total += await load(item)'),
  '-= await': each('total -= await load(item)'),
  '*= await': each('total *= await load(item)'),
  'x = x + await': each('total = total + await load(item)'),
  'x = x + await within a call': each('total = Math.max(total, await load(item))'),
  'a property': each('seen.count += await load(item)'),
  'a property by key': each('seen[item.kind] += await load(item)'),
  'a property through a local name': each('const o = seen; o.count += await load(item)'),
  'a template': each('total = `${total}${await load(item)}` as any'),
  'an array that is replaced': each(
    'list2 = [...list2, await load(item)]',
    'let total = 0, seen: any = {}, list: any[] = [], list2: any[] = []',
  ),
  'an object that is replaced': each(
    'seen2 = { ...seen2, [item]: await load(item) }',
    'let total = 0, seen: any = {}, list: any[] = [], seen2: any = {}',
  ),
  'in allSettled': all('await Promise.allSettled(items.map(async (item) => { total += await load(item) }))'),
  'in forEach': all('items.forEach(async (item) => { total += await load(item) })'),
  'in p-map': all('await pMap(items, async (item) => { total += await load(item) })'),
  'in map of heddle': all('await map(items, async (item: any) => { total += await load(item) })'),
  'in a function of its own': all(
    'async function one(item: any) { total += await load(item) } await Promise.all(items.map(one))',
  ),
  'in a named arrow function': all(
    'const one = async (item: any) => { total += await load(item) }; await Promise.all(items.map(one))',
  ),
  'within a condition': each('if (item.ok) { total += await load(item) }'),
  'within a loop of each call': each('for (const part of item.parts) { total += await load(part) }'),
  'in flatMap': all('await Promise.all(items.flatMap(async (item) => { total += await load(item) }))'),
  'cache: check, then fill': each('if (!seen[item.key]) { seen[item.key] = await load(item) }'),
  'cache: check for undefined': each('if (seen[item.key] === undefined) { const v = await load(item); seen[item.key] = v }'),
  'cache: in': each('if (!(item.key in seen)) { seen[item.key] = await load(item) }'),
  'cache: Map.has, then set': each(
    'if (!m.has(item.key)) { m.set(item.key, await load(item)) }',
    'let total = 0, seen: any = {}, list: any[] = []; const m = new Map<string, number>()',
  ),
  'cache: Set.has, then add': each(
    'if (!s.has(item.key)) { await load(item); s.add(item.key) }',
    'let total = 0, seen: any = {}, list: any[] = []; const s = new Set<string>()',
  ),
  'once only': each('if (!token) { token = await load(0) }', 'let total = 0, seen: any = {}, list: any[] = [], token: any'),
  'a limit that is checked': each('if (total < 10) { await load(item); total++ }'),
  'a list that is checked': each('if (!list.includes(item)) { await load(item); list.push(item) }'),
  'a balance': each('if (seen.balance >= item.price) { await load(item); seen.balance -= item.price }'),
  'the first result': each('if (list.length === 0) { list.push(await load(item)) }'),
}

/** The same shapes, where nothing is lost. */
const safe: Readonly<Record<string, string>> = {
  'the part is awaited first': each('const part = await load(item); total += part'),
  'the await stands before the read': each('total = (await load(item)) + total'),
  'one after the other': all('for (const item of items) { total += await load(item) }'),
  'a local total': each('let own = 0; own += await load(item); return own'),
  'a property of the item': each('item.count += await load(item)'),
  'a local object': each('const own: any = {}; own.n = own.n + await load(item); return own'),
  'push of a result': each('list.push(await load(item))'),
  'a key of its own': each('seen[item.id] = await load(item)'),
  'a Map with a key of its own': each(
    'm.set(item.id, await load(item))',
    'let total = 0, seen: any = {}, list: any[] = []; const m = new Map()',
  ),
  'a count without an await': each('await load(item); total++'),
  'a count before the await': each('total++; await load(item)'),
  'the promise is kept': each('if (!seen[item.key]) { seen[item.key] = load(item) } await seen[item.key]'),
  'checked and marked before the await': each('if (!seen[item.key]) { seen[item.key] = true; await load(item) }'),
  'Set: checked and added before the await': each(
    'if (!s.has(item.key)) { s.add(item.key); await load(item) }',
    'let total = 0, seen: any = {}, list: any[] = []; const s = new Set<string>()',
  ),
  'a check that writes nothing': each('if (seen[item.key]) { await load(item) }'),
  'a check of another thing': each('if (seen.enabled) { await load(item); list.push(item) }'),
  'a check of the item': each('if (!item.loaded) { item.value = await load(item); item.loaded = true }'),
  'a check of a local': each('let v = seen[item.key]; if (!v) { v = await load(item) } return v'),
  'a callback without an await': all('items.map((item) => { total += item.n })'),
  'a check of a length, and items that are changed': `export async function f(items: any[], rows: any[]) { await Promise.all(items.map(async (item) => { if (rows.length > 0) { const found = await load(item); rows.forEach((row) => { row.found = found }) } })) }\n${'declare function load(x: unknown): Promise<number>'}`,
  'plain forEach': all('items.forEach((item) => { total += item.n }); await load(0)'),
  'a reduction of results': all(
    'const parts = await Promise.all(items.map((item) => load(item))); for (const part of parts) total += part',
  ),
  'assignment only': each('seen.last = await load(item)'),
  'a nested function': each('const g = async () => { let x = 0; x += await load(item); return x }; return g()'),
  'an await in the test only': each('if (await load(item)) { total++ }'),
  '??= of a promise': each('seen[item.key] ??= load(item); await seen[item.key]'),
  'map without Promise.all is handed on': all(
    'const ps = items.map(async (item) => (await load(item)) + 1); total = (await Promise.all(ps)).length',
  ),
  'a shadowed name': each('let total = 1; total += await load(item); return total'),
  'a parameter with a default': all(
    'await Promise.all(items.map(async (item, i, own = 0) => { own += await load(item); return own }))',
  ),
  'reads before, writes elsewhere': each('const before = total; const v = await load(item); list.push(before + v)'),
  'an early return without a write': each('if (list.length > 100) { await load(0); return } await load(item)'),
}

const ofRaces = async (code: string): Promise<readonly string[]> =>
  (await findIn(code)).filter(({ rule, tier }) => rule === 'lost-update' && tier !== 'info').map(({ message }) => message)

test.each(Object.entries(races))('%s: a race', async (_, code) => {
  expect(await ofRaces(code)).not.toEqual([])
})

/** The proof that it is one: some order of events gives what no sequence gives. */
test.each(Object.entries(races))('%s: loses something when it runs', async (_, code) => {
  const { text, loads } = await oneAfterTheOther(code)
  const outcomes = await Promise.all(Array.from({ length: runs(3, 5) }, (_unused, seed) => interleaved(code, seed + 1)))
  expect(outcomes.some((outcome) => outcome.text !== text || outcome.loads !== loads)).toBe(true)
})

test.each(['a local total', 'a count without an await', 'the promise is kept', 'Set: checked and added before the await'])(
  '%s: loses nothing when it runs',
  async (name) => {
    const code = safe[name] ?? ''
    const { text, loads } = await oneAfterTheOther(code)
    for (let seed = 1; seed <= runs(3, 5); seed++) expect(await interleaved(code, seed)).toEqual({ text, loads })
  },
)

test.each(Object.entries(safe))('%s: safe', async (_, code) => {
  expect(await ofRaces(code)).toEqual([])
})

test('there are thirty of each, or more', () => {
  expect(Object.keys(races)).toHaveLength(30)
  expect(Object.keys(safe)).toHaveLength(31)
})

test('two branches that write one variable', async () => {
  const code = `let last = ''\nasync function a() { const r = await fetch('/a'); last = r.url }\nasync function b() { const r = await fetch('/b'); last = r.url }\nexport async function f() { await Promise.all([a(), b()]); return last }`
  expect(await ofRaces(code)).toEqual(['Two branches that run at once write last'])
})

test('a limiter that is taken inside itself', async () => {
  const code = (inner: string): string =>
    `import pLimit from 'p-limit'\nconst limit = pLimit(2)\nconst other = pLimit(2)\nasync function one(x: number) { return ${inner}(() => fetch('/' + x)) }\nexport async function f(xs: number[]) { return Promise.all(xs.map((x) => limit(async () => { const a = await one(x); return a }))) }\nvoid other`
  const rules = async (text: string): Promise<string[]> => (await findIn(text)).map(({ rule }) => rule)
  expect(await rules(code('limit'))).toContain('limiter-in-itself')
  expect(await rules(code('other'))).not.toContain('limiter-in-itself')
})

test('an object that is handed to the call may be the one that comes back', async () => {
  const code = `export async function f(paths: string[]) { let all = new Map(); await Promise.all(paths.map(async (p) => { all = await walk(p, all) })); return all }\ndeclare function walk(p: string, all: Map<string, string>): Promise<Map<string, string>>`
  expect((await findIn(code)).filter(({ rule }) => rule === 'lost-update')).toMatchObject([{ tier: 'likely' }])
})

test('forEach with an async function, and an unbounded Promise.all', async () => {
  const [first] = await findIn(`export function f(urls: string[]) { urls.forEach(async (url) => { await fetch(url) }) }`)
  expect(first).toMatchObject({ rule: 'left-running', tier: 'proven' })
  const handled = `urls.forEach(async (url) => { if (!url) return; try { await fetch(url) } catch { console.warn(url) } })`
  expect(await findIn(`export function f(urls: string[]) { ${handled}; return urls }`)).toMatchObject([{ tier: 'likely' }])
  expect(await findIn(`export function f(urls: string[]) { ${handled} }`)).toMatchObject([{ tier: 'info' }])
  const [second] = await findIn(`export function f(urls: string[]) { return Promise.all(urls.map((url) => fetch(url))) }`)
  expect(second).toMatchObject({ rule: 'unbounded', tier: 'info' })
  const [third] = await findIn(
    `export async function f() { const urls = await (await fetch('/')).json(); return Promise.all(urls.filter(Boolean).map((url: string) => fetch(url))) }`,
  )
  expect(third).toMatchObject({ rule: 'unbounded', tier: 'likely' })
  expect(await findIn(`export function f() { return Promise.all(['/a', '/b'].map((url) => fetch(url))) }`)).toEqual([])
})

test('a synchronous read while a request is answered', async () => {
  const code = (call: string): string =>
    `import express from 'express'\nimport { readFileSync, promises } from 'node:fs'\nconst app = express()\nconst page = () => ${call}\napp.get('/', async (req, res) => { res.send(await page()) })\nvoid readFileSync; void promises`
  expect((await findIn(code(`readFileSync('a')`)))[0]).toMatchObject({ rule: 'blocking-request', tier: 'proven' })
  expect(await findIn(code(`promises.readFile('a')`))).toEqual([])
  const client = `import http from 'node:http'\nimport https from 'node:https'\nimport { gunzipSync } from 'node:zlib'\nexport function f(u: string) { https.get(u, (response: http.IncomingMessage) => { response.on('end', () => { gunzipSync('x') }) }) }`
  expect(await findIn(client)).toEqual([])
})
