/** Programs in which heddle is there twice, the engine's objects are frozen, classes have legacy decorators, or imports are written as compilers take them. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
let folder = ''

const decorated = (decorators: string): string => `import { workers } from 'heddle'
function seen(type: any): any { Object.assign(type.prototype, { seen: true }) }
function field(_type: any, _name: string): any {}
function parameter(_type: any, _name: any, _index: number): any {}
function more(_type: any, _name: string, descriptor: PropertyDescriptor): any {
  const { value } = descriptor
  return { ...descriptor, value(this: unknown, ...args: number[]) { return value.apply(this, args) + 1 } }
}
${decorators}
export const { go } = workers(import.meta.url, { go(n: number) { return [new Sum().of(n), (new Sum() as any).seen] } })
`
const program = `import { map } from 'heddle'
import { go } from './FILE'
console.log(JSON.stringify(await map([1], go)))
`
const files: Record<string, string> = {
  'package.json': '{ "type": "module" }',
  'a/lib.mjs': "export * from 'heddle'\nexport * from 'heddle/sync'\n",
  'b/lib.mjs': "export * from 'heddle'\nexport * from 'heddle/sync'\n",
  'b/work.mjs': `import { workers } from 'heddle'
export const { double } = workers(import.meta.url, { double: (n) => 2 * n })
`,
  'copies.mjs': `import * as a from './a/lib.mjs'
import * as b from './b/lib.mjs'
import { double } from './b/work.mjs'
const one = async (n) => n
const cases = {
  limiter: () => a.map([1], one, { limit: b.limiter({ concurrency: 1 }) }),
  limiters: () => a.stream([1]).map(one, { limit: [a.limiter({ concurrency: 1 }), b.limiter({ concurrency: 1 })] }).toArray(),
  chosen: () => a.guard(one, { limit: () => b.limiter({ concurrency: 1 }) })(1),
  breaker: () => a.map([1], one, { breaker: b.circuitBreaker() }),
  graph: () => { const [g, h] = [a.graph('g'), b.graph('h')]; return g.run(g.task('y', { x: h.task('x', () => 1) }, () => 2)) },
  semaphore: () => a.map([1], one, { limit: new b.Semaphore(1) }),
  workers: () => a.map([1, 2], double),
  executor: () => a.map([1, 2], double, { on: b.threads({ size: 1 }) }),
  scope: () => a.scope((s) => b.map([1], () => s.fork(() => 3))),
  stream: () => a.map(b.stream([1, 2]), one),
  context: () => a.map([1], () => b.context().index),
  lock: () => { const mutex = new b.Mutex(); return a.map([1, 2], (n) => mutex.runExclusive(() => n)) },
  errors: () => b.map([1], one, { nope: 1 }).catch((error) => error instanceof a.InvalidOption),
}
const said = {}
for (const [name, run] of Object.entries(cases)) {
  try { said[name] = await run() } catch (error) { said[name] = \`\${error.name}: \${error.hint}\` }
}
console.log(JSON.stringify(said))
process.exit()
`,
  'frozen.mjs': `import * as a from './a/lib.mjs'
import { double } from './b/work.mjs'
const items = Array.from({ length: 50 }, (_, i) => i)
const one = async (n) => n
await a.map(items, one, { retry: 2, timeout: 1000, limit: a.limiter({ concurrency: 2 }) })
await a.stream(items).map(one).batch({ size: 3 }).toArray()
await a.map(items, double)
await a.hedge(one, { after: '1s' })(1)
const failed = await a.map(items, double, { nope: 1 }).catch((error) => error.name)
const thrown = await a.map([{ toString() { throw 1 } }], double, { timeout: 5000 }).then((list) => Number.isNaN(list[0]), () => 'failed')
// Long enough for the search for deadlocks.
const mutex = new a.Mutex()
const dead = await a.scope(async (s) => {
  await mutex.runExclusive(() => s.fork(() => mutex.runExclusive(() => 1)))
}).catch((error) => error.name)
console.log(JSON.stringify([failed, thrown, dead]))
process.exit()
`,
  'methods.ts': decorated('@seen\nclass Sum {\n  @field name = 1\n  @more of(n: number) { return n }\n}'),
  'parameters.ts': decorated('@seen\nclass Sum {\n  @more of(@parameter n: number) { return n }\n}'),
  'methods-main.ts': program.replace('FILE', 'methods.ts'),
  'parameters-main.ts': program.replace('FILE', 'parameters.ts'),
  // A comment and an heir, as many have.
  'paths/tsconfig.json': '{ "extends": "./base.json", /* here */ "compilerOptions": { "module": "nodenext" } }',
  'paths/base.json': '{ "compilerOptions": { "paths": { "@/*": ["./lib/*"], "#own/*": ["./lib/*"] } } }',
  'paths/lib/square.ts': 'export const square = (n: number): number => n * n',
  'paths/lib/index.ts': "export { square } from './square.js'",
  'paths/work.ts': `import { workers } from 'heddle'
import { square } from '@/square'
import { square as own } from '#own/square'
import { square as extension } from './lib/square.js'
import { square as without } from './lib/square'
import { square as inFolder } from './lib'
export const { squares } = workers(import.meta.url, { squares: (n: number) => [square, own, extension, without, inFolder].map((f) => f(n)) })
`,
  'paths/plain.mjs': `import { map, workers } from 'heddle'
const { squares } = workers(new URL('./work.ts', import.meta.url))
console.log(JSON.stringify(await map([2], squares)))
`,
  'paths/main.ts': `import { map } from 'heddle'
import { squares } from '@/../work'
console.log(JSON.stringify(await map([3], squares)))
`,
  'paths/missing.ts': "import '@/nothing'",
  'paths/once.ts': "console.log('[\"began\"]')\nawait import('@/nothing')",
  'tsconfig.json': '{ "compilerOptions": { "experimentalDecorators": true, "module": "nodenext" } }',
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-environments-'))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  for (const copy of ['a', 'b']) {
    const own = join(folder, copy, 'node_modules/heddle')
    cpSync(join(root, 'dist'), join(own, 'dist'), { recursive: true })
    cpSync(join(root, 'package.json'), join(own, 'package.json'))
    symlinkSync(join(root, 'node_modules'), join(own, 'node_modules'), 'junction')
  }
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/heddle'), 'junction')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function said(...args: readonly string[]): unknown {
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: 50_000 })
  const line = stdout.split('\n').find((each) => /^[[{]/.test(each))
  return line === undefined ? stdout + stderr : JSON.parse(line)
}

test('what another copy of heddle made works, or is refused by name', () => {
  const refused = (kind: string): unknown => expect.stringContaining(`This ${kind} was made by another copy of heddle`)
  expect(said('copies.mjs')).toEqual({
    limiter: refused('Limiter'),
    limiters: refused('Limiter'),
    chosen: refused('Limiter'),
    breaker: refused('CircuitBreaker'),
    graph: refused('TaskRef'),
    semaphore: expect.stringContaining('A semaphore is taken by hand'),
    workers: [2, 4],
    executor: [2, 4],
    scope: [3],
    stream: [1, 2],
    context: [0],
    lock: [1, 2],
    errors: true,
  })
})

test('works with --frozen-intrinsics', () => {
  expect(said('--frozen-intrinsics', 'frozen.mjs')).toEqual(['InvalidOption', 'failed', 'DeadlockDetected'])
})

describe('legacy decorators in a worker module', () => {
  test.each(['methods', 'parameters'])('of %s', (what) => {
    expect(said(join(root, 'dist/cli.js'), 'run', `${what}-main.ts`)).toEqual([[2, true]])
  })
})

describe('imports as compilers and tsx take them: paths of a tsconfig, no extension, .js for .ts', () => {
  const run = [join(root, 'dist/cli.js'), 'run']

  test('work in a worker module', () => expect(said('paths/plain.mjs')).toEqual([[4, 4, 4, 4, 4]]))

  test('work in a program of heddle run', () => expect(said(...run, 'paths/main.ts')).toEqual([[9, 9, 9, 9, 9]]))

  test('that lead nowhere are named', () => {
    expect(said(...run, 'paths/missing.ts')).toMatch(/Cannot find (?:module|package) '@\/nothing'/)
  })

  test('that fail while the program runs do not begin it again', () => {
    const { stdout } = spawnSync(process.execPath, [...run, 'paths/once.ts'], { cwd: folder, encoding: 'utf8', timeout: 50_000 })
    expect(stdout.match(/began/g)).toHaveLength(1)
  })
})
