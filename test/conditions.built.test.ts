/** What decides how modules resolve holds in the program, in its workers and in TypeScript alike. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const cli = join(root, 'dist/cli.js')
let folder = ''

const worker = (isolation: string, imports: string, gives: string): string => `import { workers } from 'heddle'
import { build } from 'pkg'
${imports}
export const { which } = workers(import.meta.url, { which: (n: number) => ${gives} }, { isolation: '${isolation}' })
`
const program = (extension: string): string => `import { map } from 'heddle'
import { build } from 'pkg'
import { which as onThread } from './thread.${extension}'
import { which as inProcess } from './process.${extension}'
console.log(JSON.stringify([build, ...(await map([1], onThread)), ...(await map([1], inProcess))]))
`
const withoutTypes = (text: string): string => text.replaceAll(': number', '')

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-conditions-'))
  const files: Record<string, string> = {
    'package.json': '{ "type": "module" }',
    'node_modules/pkg/package.json': JSON.stringify({
      name: 'pkg',
      type: 'module',
      exports: { '.': { dev: './dev.js', default: './built.js' } },
    }),
    'node_modules/pkg/dev.js': "export const build = 'dev'",
    'node_modules/pkg/built.js': "export const build = 'built'",
    'hook.mjs': `import { register } from 'node:module'
const hooked = { url: 'data:text/javascript,export const hooked = 1', shortCircuit: true }
const hook = \`export const resolve = (id, context, next) => (id === 'hooked' ? \${JSON.stringify(hooked)} : next(id, context))\`
register('data:text/javascript,' + encodeURIComponent(hook))
`,
    'main.mjs': program('mjs'),
    'main.ts': program('ts'),
  }
  for (const isolation of ['thread', 'process']) {
    files[`${isolation}.ts`] = worker(isolation, '', 'build')
    files[`${isolation}.mjs`] = withoutTypes(worker(isolation, "import { hooked } from 'hooked'", '[build, hooked].join()'))
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  symlinkSync(root, join(folder, 'node_modules/heddle'), 'junction')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function said(args: readonly string[], nodeOptions?: string): unknown {
  const env = { ...process.env, ...(nodeOptions !== undefined && { NODE_OPTIONS: nodeOptions }) }
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env, timeout: 50_000 })
  const line = stdout.split('\n').find((each) => each.startsWith('['))
  return line === undefined ? stderr : JSON.parse(line)
}

describe('the same build in the program and in its workers', () => {
  test.each([[['-C', 'dev', '--import', './hook.mjs']], [['--conditions=dev', '--import=./hook.mjs']]])(
    'node %s main.mjs, hooks as well',
    (flags) => {
      expect(said([...flags, 'main.mjs'])).toEqual(['dev', 'dev,1', 'dev,1'])
    },
  )

  test('by NODE_OPTIONS', () => {
    expect(said(['main.mjs'], '-C dev --import ./hook.mjs')).toEqual(['dev', 'dev,1', 'dev,1'])
  })

  test('heddle run of TypeScript, with worker modules of TypeScript', () => {
    expect(said([cli, 'run', 'main.ts'])).toEqual(['built', 'built', 'built'])
    expect(said(['-C', 'dev', cli, 'run', 'main.ts'])).toEqual(['dev', 'dev', 'dev'])
    expect(said([cli, 'run', 'main.ts'], '--conditions=dev')).toEqual(['dev', 'dev', 'dev'])
    expect(said([cli, 'run', 'main.ts'])).toEqual(['built', 'built', 'built'])
  })
})
