/** Sequences and races that are not written as awaits next to each other. */
import { expect, test } from 'vitest'
import { findIn, rewritten } from './find.fixture.ts'

const fs = `import { readFile, writeFile } from 'node:fs/promises'\n`

/** Code, with the rule and the tier that it gets; `undefined` where nothing may be said above info. */
const cases: Readonly<Record<string, readonly [code: string, found?: `${string} ${string}`]>> = {
  'reduce over an async function': [
    `export const f = (urls: string[]) => urls.reduce(async (before, url) => { await before; await fetch(url) }, Promise.resolve())`,
    'serial-iteration proven',
  ],
  'reduce with then': [
    `export const f = (urls: string[]) => urls.reduce<Promise<unknown>>((before, url) => before.then(() => fetch(url)), Promise.resolve())`,
    'serial-iteration proven',
  ],
  'reduce that collects': [
    `export const f = (urls: string[]) => urls.reduce(async (before, url) => { const all = await before; all.push(await fetch(url)); return all }, Promise.resolve([] as Response[]))`,
    'serial-iteration proven',
  ],
  'reduce that hands the value on': [
    `export const f = (steps: any[]) => steps.reduce(async (before, url) => { const value = await before; return (await fetch(url + value)).text() }, Promise.resolve(''))`,
  ],
  'reduce without promises': [`export const f = (xs: number[]) => xs.reduce((a, b) => a + b, 0)`],
  'recursion by index': [
    `export async function f(urls: string[], i: number): Promise<void> { if (i >= urls.length) return; await fetch(urls[i]!); return f(urls, i + 1) }`,
    'serial-iteration proven',
  ],
  'recursion over the rest': [
    `export async function f(urls: string[]): Promise<void> { const [first, ...rest] = urls; if (!first) return; await fetch(first); await f(rest) }`,
    'serial-iteration proven',
  ],
  'recursion that counts tries': [
    `export async function f(url: string, tries: number): Promise<unknown> { try { return await fetch(url) } catch { return f(url, tries + 1) } }`,
  ],
  'recursion over pages': [
    `export async function f(page: number): Promise<unknown> { const r = await (await fetch('/?page=' + page)).json() as any; if (!r.more) return r; return f(page + 1) }`,
  ],
  'for await with a slow body': [
    `export async function f(source: AsyncIterable<string>) { for await (const url of source) { await fetch(url) } }`,
    'serial-iteration likely',
  ],
  'for await that writes to one place': [
    `export async function f(source: AsyncIterable<string>, out: any) { for await (const url of source) { await out.write(url) } }`,
  ],
  'for await that stops': [
    `export async function f(source: AsyncIterable<string>) { for await (const url of source) { const r = await fetch(url); if (r.ok) break } }`,
  ],
  'a late start': [
    `${fs}export async function f() { const a = await readFile('a', 'utf8'); const n = a.trim(); const b = await readFile('b'); return [n, b] }`,
    'late-start proven',
  ],
  'a late start behind a condition': [
    `${fs}export async function f() { const a = await readFile('a', 'utf8'); if (a === '') return; const b = await readFile('b'); return [a, b] }`,
  ],
  'a client whose part is called setup': [
    `import Stripe from 'stripe'\nconst stripe = new Stripe('')\nexport async function f() { const a = await stripe.setupIntents.list(); const b = await stripe.paymentIntents.list(); return [a, b] }`,
    'sequential-awaits proven',
  ],
  'a client that is made where there is a key': [
    `import Stripe from 'stripe'\nconst stripe = process.env.KEY ? new Stripe('') : null\nexport async function f() { const a = await stripe!.prices.list(); const b = await stripe!.products.list(); return [a, b] }`,
    'sequential-awaits proven',
  ],
  'functions that remember what they gave': [
    `import { cache } from 'react'\nconst a = cache(async (id: string) => fetch('/a/' + id))\nconst b = cache(async (id: string) => fetch('/b/' + id))\nexport async function f(id: string) { const x = await a(id); const y = await b(id); return [x, y] }`,
    'sequential-awaits proven',
  ],
  'keys that a template makes': [
    `import Redis from 'ioredis'\nconst redis = new Redis()\nexport async function f(id: string) { await redis.del(\`job:\${id}\`); await redis.del(\`job:\${id}:tags\`) }`,
    'sequential-awaits likely',
  ],
  'one key that two templates may make': [
    `import Redis from 'ioredis'\nconst redis = new Redis()\nexport async function f(id: string, key: string) { await redis.set(\`job:\${id}\`, '1'); await redis.set(\`job:\${key}\`, '2') }`,
  ],
  'a query that a constant holds': [
    `declare const db: any\nexport async function f() { const users = db.selectFrom('user').selectAll(); const count = db.selectFrom('user').select(['n']); const a = await users.execute(); const b = await count.execute(); return [a, b] }`,
    'sequential-awaits likely',
  ],
  'a helper that pauses between two attempts': [
    `const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))\nasync function get(url: string) { for (;;) { try { return await fetch(url) } catch { await sleep(100) } } }\nexport async function f(urls: string[]) { for (const url of urls) { await get(url) } }`,
    'await-in-loop proven',
  ],
  'a helper with a limit of time': [
    `async function get(url: string) { return Promise.race([fetch(url), new Promise((_, reject) => setTimeout(() => reject(new Error('late')), 100))]) }\nexport async function f(urls: string[]) { for (const url of urls) { await get(url) } }`,
    'await-in-loop proven',
  ],
  'a helper that always pauses': [
    `const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))\nasync function get(url: string) { await sleep(100); return fetch(url) }\nexport async function f(urls: string[]) { for (const url of urls) { await get(url) } }`,
  ],
  'what is in one chunk': [
    `declare function removeUser(id: string): Promise<void>\nexport async function f(chunk: string[]) { for (const id of chunk) { await removeUser(id) } }`,
    'await-in-loop likely',
  ],
  'chunks that bound what runs at once': [
    `declare function chunk<T>(xs: T[], n: number): T[][]\nexport async function f(urls: string[]) { for (const part of chunk(urls, 8)) { await Promise.all(part.map((url) => fetch(url, { method: 'POST' }))) } }`,
  ],
  'an object that every round draws on': [
    `declare const make: () => Promise<any>\nasync function draw(page: any, item: any) { await page.addItem(item) }\nexport async function f(items: any[]) { const page = await make(); for (const item of items) { await draw(page, item) } }`,
  ],
  'a check that stops the rounds': [
    `declare const limiter: { check(key: string): Promise<{ limited: boolean }> }\nexport async function f(keys: string[]) { for (const key of keys) { const { limited } = await limiter.check(key); if (limited) throw new Error(key) } }`,
  ],
  'statements of one connection by a helper': [
    `declare function asyncRun(sql: string): Promise<void>\nexport async function f() { await asyncRun('PRAGMA a'); await asyncRun('PRAGMA b') }`,
  ],
  'questions to a person': [
    `export async function f(enquirer: any) { const name = await enquirer.input({ message: 'Name' }); const age = await enquirer.input({ message: 'Age' }); return [name, age] }`,
  ],
  'a comment that it should be in parallel': [
    `declare function getA(): Promise<number>\ndeclare function getB(): Promise<number>\nexport async function f() {\n// Get both in parallel\nconst a = await getA()\nconst b = await getB()\nreturn [a, b] }`,
    'sequential-awaits likely',
  ],
  'a comment that it must not be in parallel': [
    `declare function getA(): Promise<number>\ndeclare function getB(): Promise<number>\nexport async function f() {\n// Not in parallel: the other side does not stand it\nconst a = await getA()\nconst b = await getB()\nreturn [a, b] }`,
  ],
  'no late start: it takes what was made': [
    `${fs}export async function f() { const a = await readFile('a', 'utf8'); const n = a.trim(); const b = await readFile(n); return [n, b] }`,
  ],
  'no late start: a write in between': [
    `${fs}export async function f() { const a = await readFile('a', 'utf8'); await writeFile('b', a.trim()); const b = await readFile('b'); return [a, b] }`,
  ],
  'a mutex of a property inside itself': [
    `import { Mutex } from 'async-mutex'\nexport class S { m = new Mutex(); async inner() { return this.m.runExclusive(() => fetch('/a')) } async outer() { return this.m.runExclusive(async () => { await this.inner() }) } }`,
    'limiter-in-itself proven',
  ],
  'a mutex that is acquired inside itself': [
    `import { Mutex } from 'async-mutex'\nconst m = new Mutex()\nexport const f = () => m.runExclusive(async () => { const release = await m.acquire(); release() })`,
    'limiter-in-itself proven',
  ],
  'two mutexes of properties': [
    `import { Mutex } from 'async-mutex'\nexport class S { m = new Mutex(); n = new Mutex(); async inner() { return this.n.runExclusive(() => fetch('/a')) } async outer() { return this.m.runExclusive(async () => { await this.inner() }) } }`,
  ],
  'synchronous hashing in a Nest controller': [
    `import { Controller, Post } from '@nestjs/common'\nimport { hashSync } from 'bcrypt'\n@Controller() export class C { @Post() create(b: any) { return hashSync(b.password, 10) } }`,
    'blocking-request proven',
  ],
  'compression in a route of Next': [
    `import { gzipSync } from 'node:zlib'\nexport async function GET() { return new Response(gzipSync('x')) }`,
  ],
  'a file that is read once': [
    `import express from 'express'\nimport { readFileSync } from 'node:fs'\nlet page: any\nconst app = express()\napp.get('/', (req, res) => { if (!page) page = readFileSync('a'); res.send(page) })`,
  ],
  'calls with a transaction among their options': [
    `declare const User: any, Team: any\nexport async function f(transaction: any) { const a = await User.findOne({ where: {}, transaction }); const b = await Team.findOne({ where: {}, transaction }); return [a, b] }`,
  ],
  'calls within a transaction': [
    `declare const db: any, User: any, Team: any\nexport const f = () => db.transaction(async () => { const a = await User.findOne({}); const b = await Team.findOne({}); return [a, b] })`,
  ],
  'a comment that says why': [
    `export async function f(urls: string[]) { const all: any[] = []\n  // In parallel we would only hit the rate limit.\n  for (const url of urls) { all.push(await fetch(url)) }\n return all }`,
  ],
  'a backup, then what it is a backup for': [
    `${fs}declare const User: any\nexport async function f(data: string) { await writeFile('backup', data); await User.deleteMany({}) }`,
  ],
  'an answer to a request of this program': [
    `import https from 'node:https'\nimport { rmSync } from 'node:fs'\nhttps.get('https://a', (response) => { rmSync('old'); void response })`,
  ],
  'a loop that counts in an object of its own': [
    `declare function open(): Promise<any>\nexport async function f(xs: any[]) { const counter = await open(); for (const x of xs) { await counter.update(x) } }`,
  ],
  'a loop that looks at a key before it waits and writes it after': [
    `export async function f(xs: any[]) { const seen: any = {}; for (const x of xs) { let s = seen[x.name]; const r = await fetch(x.url); if (!s) { s = { r }; seen[x.name] = s } } return seen }`,
  ],
  'every call writes one file': [
    `${fs}export const f = (xs: string[]) => Promise.all(xs.map(async (x) => { await writeFile('out', x) }))`,
    'lost-update proven',
  ],
  'every call updates one file': [
    `${fs}export const f = (xs: string[]) => Promise.all(xs.map(async (x) => { const all = JSON.parse(await readFile('out', 'utf8')); all.push(x); await writeFile('out', JSON.stringify(all)) }))`,
    'lost-update proven',
  ],
  'every call writes a file of its own': [
    `${fs}export const f = (xs: string[]) => Promise.all(xs.map(async (x) => { await writeFile('out/' + x, x) }))`,
  ],
  'a record that is read and written': [
    `import { PrismaClient } from '@prisma/client'\nconst prisma = new PrismaClient()\nexport const f = (xs: number[], id: string) => Promise.all(xs.map(async (x) => { const u = await prisma.user.findUniqueOrThrow({ where: { id } }); await prisma.user.update({ where: { id }, data: { n: u.n + x } }) }))`,
    'lost-update likely',
  ],
  'a record that is incremented': [
    `import { PrismaClient } from '@prisma/client'\nconst prisma = new PrismaClient()\nexport const f = (xs: number[], id: string) => Promise.all(xs.map(async (x) => { await prisma.user.update({ where: { id }, data: { n: { increment: x } } }) }))`,
  ],
  'two branches write one file': [
    `${fs}export const f = (a: string, b: string) => Promise.all([writeFile('out', a), writeFile('out', b)])`,
    'lost-update likely',
  ],
  'two branches write two files': [
    `${fs}export const f = (a: string, b: string) => Promise.all([writeFile('a', a), writeFile('b', b)])`,
  ],
}

/** `unbounded` is tested elsewhere, and holds of many of these too. */
test.each(Object.entries(cases))('%s', async (_, [code, expected]) => {
  const found = (await findIn(code)).filter(({ rule, tier }) => tier !== 'info' && rule !== 'unbounded')
  expect(found.map(({ rule, tier }) => `${rule} ${tier}`)).toEqual(expected ? [expected] : [])
})

test('a route of Next is known by its file', async () => {
  const code = `import { gzipSync } from 'node:zlib'\nexport async function GET() { return new Response(gzipSync('x')) }`
  expect(await findIn({ 'app/api/route.ts': code })).toMatchObject([{ rule: 'blocking-request', tier: 'proven' }])
})

test('what blocks is followed into other files, and is likely then', async () => {
  const files = {
    'app.ts': `import express from 'express'\nimport { page } from './page.ts'\nexpress().get('/', (req, res) => { res.send(page()) })`,
    'page.ts': `import { readFileSync } from 'node:fs'\nexport const page = () => readFileSync('a')`,
  }
  expect(await findIn(files)).toMatchObject([{ rule: 'blocking-request', tier: 'likely', file: 'app.ts' }])
})

test('a late start is handled before it is awaited', async () => {
  const code = `export async function load(x: string) { return (await fetch(x)).text() }
export async function f() {
  const a = await load('/a')
  const n = a.trim()
  const b = await load('/b')
  return [n, b]
}`
  expect(await rewritten(code)).toContain(`  const bStarted = load('/b')
  bStarted.catch(() => {})
  const a = await load('/a')
  const n = a.trim()
  const b = await bStarted`)
})

test('a folder stands for the files in it', async () => {
  const code = `import { mkdir, readFile } from 'node:fs/promises'\nexport async function f() { const a = await readFile('./out/a'); const b = await mkdir('out'); return [a, b] }`
  expect(await findIn(code)).toEqual([])
})

test('many requests that come to one blocking call are one finding', async () => {
  const files = {
    'app.ts': `import express from 'express'\nimport { page } from './page.ts'\nconst app = express()\napp.get('/', (req, res) => { res.send(page()) })\napp.get('/a', (req, res) => { res.send(page()) })`,
    'page.ts': `import { readFileSync } from 'node:fs'\nexport const page = () => readFileSync('a')`,
  }
  const found = await findIn(files)
  expect(found).toHaveLength(1)
  expect(found[0]?.proof.at(-1)).toBe('1 more place leads there')
})

test('a guard in between keeps a late start where it is', async () => {
  const code = `declare function assertOwner(x: unknown): void\nexport async function f() { const a = await fetch('/a'); assertOwner(a); const b = await fetch('/b'); return [a, b] }`
  expect((await findIn(code)).filter(({ tier }) => tier !== 'info')).toEqual([])
})

test('a read of related records depends on writes of any model', async () => {
  const code = (include: string): string =>
    `import { PrismaClient } from '@prisma/client'\nconst prisma = new PrismaClient()\nexport async function f() { const a = await prisma.post.create({ data: {} }); const b = await prisma.user.findMany({ ${include} }); return [a, b] }`
  expect((await findIn(code(''))).map(({ tier }) => tier)).toEqual(['likely'])
  expect(await findIn(code('include: { posts: true }'))).toEqual([])
})
