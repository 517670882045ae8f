import { describe, expect, test } from 'vitest'
import { edited } from './apply.ts'
import { findIn, rewritten } from './find.fixture.ts'

const fs = `import { readFile, writeFile, rm, appendFile, rename } from 'node:fs/promises'\n`

/** Code that must stay one after the other: nothing of it may be called proven. */
const traps: Readonly<Record<string, string>> = {
  'the second call takes the result of the first': `${fs}export async function f(p: string) { const a = await readFile(p, 'utf8'); const b = await readFile(a, 'utf8'); return [a, b] }`,
  'the second call takes a part of the result': `${fs}export async function f() { const { path } = JSON.parse(await readFile('a', 'utf8')); const b = await readFile(path); return b }`,
  'a file is written, then read': `${fs}export async function f() { await writeFile('a', 'x'); const b = await readFile('a'); return b }`,
  'any file is written, then one is read': `${fs}export async function f(p: string) { await writeFile(p, 'x'); const b = await readFile('a'); return b }`,
  'two writes to one file': `${fs}export async function f() { await appendFile('log', 'a'); await appendFile('log', 'b') }`,
  'a file is renamed, then removed': `${fs}export async function f() { await rename('a', 'b'); await rm('b') }`,
  'a check that throws guards a payment': `export async function f(order: any) { await validate(order); await charge(order) }\ndeclare function validate(o: any): Promise<void>\ndeclare function charge(o: any): Promise<void>`,
  'a request guards another': `export async function f(id: string) { await fetch('/lock/' + id); await fetch('/pay/' + id, { method: 'POST' }) }`,
  'a POST, then a GET of what it changed': `export async function f() { const a = await fetch('/items', { method: 'POST' }); const b = await fetch('/items'); return [a, b] }`,
  'an early exit between': `${fs}export async function f() { const a = await readFile('a'); if (a.length === 0) return; const b = await readFile('b'); return [a, b] }`,
  'a loop that stops when it has found something': `${fs}export async function f(paths: string[]) { for (const p of paths) { const t = await readFile(p, 'utf8'); if (t.includes('x')) return t } }`,
  'a loop that breaks': `${fs}export async function f(paths: string[]) { let r; for (const p of paths) { r = await readFile(p); if (r.length > 3) break } return r }`,
  'a retry': `export async function f(url: string) { for (let i = 0; i < 3; i++) { try { return await fetch(url) } catch {} } }`,
  'a retry with a pause': `import { setTimeout as sleep } from 'node:timers/promises'\nexport async function f(url: string) { let r; for (let i = 0; i < 3; i++) { r = await fetch(url); await sleep(100 * i) } return r }`,
  'a pause made by hand': `export async function f(urls: string[]) { for (const url of urls) { await fetch(url); await new Promise((resolve) => setTimeout(resolve, 1000)) } }`,
  polling: `export async function f(url: string) { while (true) { const r = await fetch(url); if (r.ok) return r } }`,
  'a cursor': `export async function f() { let cursor: string | undefined; const all: unknown[] = []; do { const r: any = await (await fetch('/?c=' + cursor)).json(); all.push(...r.items); cursor = r.next } while (cursor); return all }`,
  'a cursor in a for loop': `export async function f() { let next = ''; for (let i = 0; i < 10; i++) { const r: any = await fetch('/?c=' + next); next = r.headers.get('next') } return next }`,
  'a running total that each round reads': `${fs}export async function f(paths: string[]) { let position = 0; for (const p of paths) { const t = await readFile(p); await writeFile('out' + position, t); position += t.length } return position }`,
  'a transaction handle': `import { PrismaClient } from '@prisma/client'\nconst prisma = new PrismaClient()\nexport async function f() { await prisma.$transaction(async (tx) => { const a = await tx.user.findFirst(); const b = await tx.post.findFirst(); return [a, b] }) }`,
  'BEGIN and COMMIT': `import { Client } from 'pg'\nconst client = new Client()\nexport async function f() { await client.query('BEGIN'); await client.query('UPDATE a SET b = 1'); await client.query('COMMIT') }`,
  'one database connection': `import { Client } from 'pg'\nconst client = new Client()\nexport async function f() { const a = await client.query('SELECT 1'); const b = await client.query('SELECT 2'); return [a, b] }`,
  'a create, then a find of the same model': `import { PrismaClient } from '@prisma/client'\nconst prisma = new PrismaClient()\nexport async function f() { const a = await prisma.user.create({ data: {} }); const b = await prisma.user.findMany(); return [a, b] }`,
  'a browser page': `import { chromium } from 'playwright'\nexport async function f() { const browser = await chromium.launch(); const page = await browser.newPage(); await page.goto('/'); await page.click('a') }`,
  'a prompt': `import prompts from 'prompts'\nexport async function f() { const a = await prompts({}); const b = await prompts({}); return [a, b] }`,
  'output in order': `export async function f(urls: string[]) { for (const url of urls) { const r = await fetch(url); console.log(url, r.status) } }`,
  'a stream that is written in order': `import { createWriteStream, promises as fs } from 'node:fs'\nconst out = createWriteStream('out')\nexport async function f(paths: string[]) { for (const p of paths) { out.write(await fs.readFile(p)) } }`,
  'two functions share a counter': `${fs}let n = 0\nasync function a() { n = n + 1; await readFile('a'); return n }\nasync function b() { await readFile('b'); n = n * 2; return n }\nexport async function f() { const x = await a(); const y = await b(); return [x, y] }`,
  'a method sets what the next one reads': `${fs}export class Reader { text = ''; async load() { this.text = await readFile('a', 'utf8') } async parse() { await readFile('b'); return this.text.length } async run() { const a = await this.load(); const b = await this.parse(); return [a, b] } }`,
  'a parameter object is changed, then read': `${fs}async function fill(o: any) { o.text = await readFile('a', 'utf8') }\nasync function use(o: any) { await readFile('b'); return o.text }\nexport async function f(o: any) { const a = await fill(o); const b = await use(o); return [a, b] }`,
  'an alias of the same object': `${fs}async function fill(o: any) { o.text = await readFile('a', 'utf8') }\nasync function use(o: any) { await readFile('b'); return o.text }\nexport async function f(o: any) { const same = o; const a = await fill(o); const b = await use(same); return [a, b] }`,
  'a queue that a round takes from': `${fs}export async function f(queue: string[]) { for (const p of queue) { const t = await readFile(p, 'utf8'); queue.push(t) } }`,
  'a process that changes its folder': `import { execa } from 'execa'\nexport async function f() { const a = await execa('git', ['checkout', 'x']); const b = await execa('make'); return [a, b] }`,
  'unknown calls that write': `declare const api: any\nexport async function f() { const a = await api.save(1); const b = await api.publish(2); return [a, b] }`,
  'requests whose method comes from elsewhere': `export async function f(events: [string, RequestInit][]) { for (const event of events) { await fetch(event[0], event[1]) } }`,
  'a request with options that are spread': `export async function f(urls: string[], init: RequestInit) { const a = await fetch('/a', { ...init }); const b = await fetch('/b'); return [a, b] }`,
  'a mutex': `import { Mutex } from 'async-mutex'\nconst m = new Mutex()\nexport async function f() { const release = await m.acquire(); const b = await fetch('/'); release(); return b }`,
  'each round waits for its turn of an animation': `export async function f(elements: any[]) { for (const e of elements) { await e.animate([]).finished } }`,
  'a loop over an asynchronous source': `export async function f(source: AsyncIterable<string>) { for await (const url of source) { await fetch(url) } }`,
  'redis: set, then get': `import Redis from 'ioredis'\nconst redis = new Redis()\nexport async function f(k: string) { const a = await redis.set(k, 1); const b = await redis.get('x'); return [a, b] }`,
  'a generator that yields in between': `${fs}export async function* f(paths: string[]) { for (const p of paths) { yield await readFile(p) } }`,
  'a callback of unknown effect': `${fs}export async function f(done: (x: unknown) => Promise<void>) { const a = await readFile('a'); const b = await done(1); return [a, b] }`,
  'a walk of a tree that adds to one list': `${fs}import { readdir } from 'node:fs/promises'\nexport async function f(root: string) { const all: string[] = []; async function walk(d: string) { for (const e of await readdir(d, { withFileTypes: true })) { if (e.isDirectory()) await walk(d + '/' + e.name); else all.push(e.name) } } await walk(root); return all }`,
  eval: `${fs}export async function f(code: string) { const a = await readFile('a'); const b = await eval(code); return [a, b] }`,
}

test.each(Object.entries(traps))('%s: never proven', async (_, code) => {
  const findings = await findIn(code)
  expect(findings.filter(({ tier }) => tier === 'proven')).toEqual([])
})

test('the list of traps is long enough to mean something', () => {
  expect(Object.keys(traps).length).toBeGreaterThanOrEqual(40)
})

/** Code that stays one after the other by what its names say: it is not even likely. */
const kept: Readonly<Record<string, string>> = {
  'messages on a connection': `export async function f(connection: any, parts: any[]) { for (const part of parts) { await connection.sessionUpdate(part) } }`,
  'events of a listener': `export async function f(calls: any[], dispatcher: any) { for (const call of calls) { await dispatcher.onToolEnd(call) } }`,
  'a page of a browser': `export class P { page: any; async f() { const a = await this.page.screenshot(); const b = await this.page.ariaSnapshot(); return [a, b] } }`,
  'parts that were made on purpose': `export async function f(chunkedIds: string[][], api: any) { for (const ids of chunkedIds) { await api.fetchAll(ids) } }`,
  'queries in their order': `export async function f(upQueries: any[], db: any) { for (const q of upQueries) { await db.fetch(q) } }`,
  'a context that carries a transaction': `export async function f(items: any[], service: any, sharedContext: any) { for (const item of items) { await service.create(item, sharedContext) } }`,
}

test.each(Object.entries(kept))('%s: stays in order', async (_, code) => {
  const findings = await findIn(code)
  expect(findings.filter(({ tier }) => tier !== 'info')).toEqual([])
})

test.each([
  ['a call that leaves the function', `if (a === 'x') throwNotFound(a)`],
  ['a variable that is assigned in between', `client = make(a)`],
])('%s: nothing starts before it', async (_, between) => {
  const code = `let client: any\ndeclare function make(x: unknown): any\ndeclare function throwNotFound(x: unknown): never\nexport async function f() { const a = await (await fetch('/a')).text(); ${between}; const b = await client.getUser('b'); return [a, b] }`
  expect((await findIn(code)).filter(({ tier }) => tier !== 'info')).toEqual([])
})

test('specs, evaluations and tests beside the code are looked at on request only', async () => {
  const code = proven['two files are read'] as string
  for (const name of ['a_spec.ts', 'a_test.ts', 'a.eval.ts', 'hosting-tests/tests.ts', 'alterations/a.ts'])
    expect(await findIn({ [name]: code })).toEqual([])
})

/** Code that gains, and whose proof is complete. */
const proven: Readonly<Record<string, string>> = {
  'two files are read': `${fs}export async function f() { const a = await readFile('a'); const b = await readFile('b'); return [a, b] }`,
  'two requests': `export async function f(id: string) { const a = await fetch('/a/' + id); const b = await fetch('/b/' + id); return [a, b] }`,
  'requests with constant options': `const options = { headers: { accept: 'x' } }\nexport async function f() { const a = await fetch('/a', options); const b = await fetch('/b', { headers: {} }); return [a, b] }`,
  'functions of the same file': `${fs}const a = async (p: string) => JSON.parse(await readFile(p, 'utf8'))\nexport async function f() { const x = await a('x'); const y = await a('y'); return [x, y] }`,
  'different models of a database': `import { PrismaClient } from '@prisma/client'\nconst prisma = new PrismaClient()\nexport async function f() { const a = await prisma.user.findMany(); const b = await prisma.post.count(); return [a, b] }`,
  'a loop that reads files': `${fs}export async function f(paths: string[]) { const all: Buffer[] = []; for (const p of paths) { all.push(await readFile(p)) } return all }`,
  'a walk of a tree whose list is sorted': `${fs}import { readdir } from 'node:fs/promises'\nexport async function f(root: string) { const all: string[] = []; async function walk(d: string) { for (const e of await readdir(d, { withFileTypes: true })) { if (e.isDirectory()) await walk(d + '/' + e.name); else all.push(e.name) } } await walk(root); return all.sort() }`,
  'a class with an injected client': `import { PrismaClient } from '@prisma/client'\nclass Db extends PrismaClient {}\nexport class S { constructor(private readonly db: Db) {}\n async f() { const a = await this.db.user.findMany(); const b = await this.db.post.findMany(); return [a, b] } }`,
}

test.each(Object.entries(proven))('%s: proven', async (_, code) => {
  const findings = await findIn(code)
  expect(findings.filter(({ tier }) => tier === 'proven')).toHaveLength(1)
  expect(findings[0]?.proof.join('\n')).toMatch(/reads (?:the file|the network|the database)/)
})

test('functions of another file are followed', async () => {
  const findings = await findIn({
    'load.ts': `${fs}export async function load(p: string) { return readFile(p, 'utf8') }\nexport { load as again }`,
    'index.ts': `export * from './load.js'`,
    'main.ts': `import { load, again } from './index.ts'\nexport async function f() { const a = await load('a'); const b = await again('b'); return [a, b] }`,
  })
  expect(findings.map(({ file, tier }) => [file, tier])).toEqual([['main.ts', 'proven']])
})

describe('rewrites', () => {
  test('keep comments, patterns and the arguments as they are', async () => {
    expect(
      await rewritten(`${fs}export async function f(a: string) {
  const { length } = await readFile(a)
  // the other one
  const text = await readFile('b', { encoding: 'utf8' })
  return [length, text]
}`),
    ).toBe(`${fs}export async function f(a: string) {
  const [{ length }, text] = await Promise.all([
    readFile(a),
    // the other one
    readFile('b', { encoding: 'utf8' }),
  ])
  return [length, text]
}`)
  })

  test('keep the lines of templates, and the casts of lists', async () => {
    expect(
      await rewritten(`${fs}export async function f() {
  const a = await readFile(\`a
b\`)
  const b = await (0, readFile)('b')
  return [a, b]
}`),
    ).toContain(`[
    readFile(\`a
b\`),
    (0, readFile)('b'),
  ]`)
    expect(
      await rewritten(
        `${fs}export async function f() {\n  for (const name of ['a', 'b'] as const) {\n    await readFile(name)\n  }\n}`,
      ),
    ).toContain("(['a', 'b'] as const).map(async (name) =>")
  })

  test('are made once', async () => {
    const once = await rewritten(
      `${fs}export async function f() { const a = await readFile('a'); const b = await readFile('b'); return [a, b] }`,
    )
    expect(once).toContain('Promise.all')
    expect(await rewritten(once)).toBe(once)
  })

  test('use map of heddle where it is imported', async () => {
    const code = `import { map } from 'heddle'\nexport async function f(urls: string[]) {\n  for (const url of urls) {\n    await fetch(url)\n  }\n}\nvoid map`
    expect(await rewritten(code)).toContain('await map(urls, async (url) => {\n    await fetch(url)\n  }, { concurrency: 8 })')
  })

  const collect = (body: string, before = ''): string =>
    `import { readFile } from 'node:fs/promises'\nexport async function f(paths: string[]) {\n  const all: string[] = []\n${before}  for (const p of paths) {\n${body}\n  }\n  return all\n}\n`
  const inProject = async (code: string): Promise<string> => {
    const findings = await findIn({ 'code.ts': code, 'package.json': '{ "dependencies": { "heddle": "1" } }' })
    return edited(
      code,
      findings.map(({ fix }) => fix ?? []),
    ).text
  }

  test('import map where the package depends on heddle, once', async () => {
    const loop = 'for (const url of urls) {\n    await fetch(url)\n  }'
    const text = await inProject(
      `import 'node:fs'\nexport async function f(urls: string[]) {\n  ${loop}\n}\nexport async function g(urls: string[]) {\n  ${loop}\n}\n`,
    )
    expect(text.match(/import \{ map \} from 'heddle'/g)).toHaveLength(1)
    expect(text.match(/await map\(urls/g)).toHaveLength(2)
  })

  test('collect what rounds add, in the order of the rounds', async () => {
    expect(await inProject(collect(`    const text = await readFile(p, 'utf8')\n    all.push(text)`))).toContain(
      `const all: string[] = await map(paths, async (p) => {\n    const text = await readFile(p, 'utf8')\n    return text\n  }, { concurrency: 8 })`,
    )
    expect(
      await inProject(
        collect(`    if (p === '') continue\n    const text = await readFile(p, 'utf8')\n    if (text) all.push(p, text)`),
      ),
    ).toContain(
      `(await map(paths, async (p) => {\n    if (p === '') return []\n    const text = await readFile(p, 'utf8')\n    if (text) return [p, text]\n    return []\n  }, { concurrency: 8 })).flat()`,
    )
    expect(await inProject(collect(`    all.push(await readFile(p, 'utf8'))`, `  let n = 0\n`))).toContain(
      `for (const value of await map(paths, async (p) => await readFile(p, 'utf8'), { concurrency: 8 })) all.push(value)`,
    )
  })

  test.each([
    ['an addition in the middle of a round', `    all.push(p)\n    await readFile(p)`],
    ['a round that reads the list', `    const text = await readFile(p, 'utf8')\n    if (!all.includes(text)) all.push(text)`],
    [
      'an addition in a loop of the round',
      `    const text = await readFile(p, 'utf8')\n    for (const line of text) all.push(line)`,
    ],
  ])('leave alone %s', async (_, body) => {
    const code = collect(body)
    expect(await inProject(code)).toBe(code)
  })

  test('leave alone a list that a handler would see half filled, and what a condition has narrowed', async () => {
    const caught = `import { readFile } from 'node:fs/promises'\nexport async function f(paths: string[]) { const all: Buffer[] = []; try { for (const p of paths) { all.push(await readFile(p)) } } catch {} return all }`
    expect(await inProject(caught)).toBe(caught)
    const narrowed = `import { readFile } from 'node:fs/promises'\nexport async function f(paths: string[], o: { end?: string }) { const all: string[] = []; if (o.end) { for (const p of paths) { const t = await readFile(p, 'utf8'); all.push(t + o.end.length) } } return all }`
    expect(await inProject(narrowed)).toBe(narrowed)
  })

  test('bound a Promise.all over a list that another system gives', async () => {
    const code = `import 'node:fs'\nexport async function f(u: string) { const list = (await (await fetch(u)).json()) as string[]; return Promise.all(list.map(async (x) => fetch(x))) }`
    expect(await inProject(code)).toContain('return map(list, async (x) => fetch(x), { concurrency: 8 })')
    const withIndex = code.replace('async (x) =>', 'async (x, i) => i &&')
    expect(await inProject(withIndex)).toBe(withIndex)
  })

  test('are not offered where the types of names would be lost', async () => {
    const [finding] = await findIn(
      `${fs}export async function f() { const a: Buffer = await readFile('a'); const b = await readFile('b'); return [a, b] }`,
    )
    expect(finding?.tier).toBe('proven')
    expect(finding?.fix).toBeUndefined()
  })
})

test('a constant that is annotated with its own name', async () => {
  const code = `export const Unit: Unit = { load: async () => fetch('/a') } as any\nexport async function f() { const a = await fetch('/a'); const b = await fetch('/b'); await Unit.load(); return [a, b] }`
  expect((await findIn(code)).map(({ rule }) => rule)).toEqual(['sequential-awaits'])
})

test('the same code twice in a file is two findings', async () => {
  const loop = `{ const all: Buffer[] = []; for (const p of paths) { all.push(await readFile(p)) } return all }`
  const findings = await findIn(
    `${fs}export async function a(paths: string[]) ${loop}\nexport async function b(paths: string[]) ${loop}`,
  )
  expect(findings).toHaveLength(2)
  expect(new Set(findings.map(({ id }) => id)).size).toBe(2)
})

test('what cannot be read gets a line, and the rest goes on', async () => {
  const { find } = await import('./find.ts')
  const { mkdtempSync, symlinkSync, writeFileSync, mkdirSync } = await import('node:fs')
  const folder = mkdtempSync('/tmp/heddle-find-')
  writeFileSync(`${folder}/broken.ts`, 'const = await 3')
  writeFileSync(`${folder}/minified.js`, `await a(${'1,'.repeat(20_000)}1)`)
  writeFileSync(`${folder}/good.ts`, proven['two files are read'] as string)
  mkdirSync(`${folder}/sub`)
  symlinkSync(folder, `${folder}/sub/around`)
  symlinkSync(`${folder}/nowhere.ts`, `${folder}/dead.ts`)
  const { findings, unreadable } = await find([folder, `${folder}/missing.ts`], { root: folder })
  expect(findings).toHaveLength(1)
  expect(unreadable.map(({ path }) => path).toSorted()).toEqual(['broken.ts', 'dead.ts', 'minified.js', 'missing.ts'])
})
