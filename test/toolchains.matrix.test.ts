/** The packed package in the toolchains of docs/toolchains.md. */
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { counterparts } from './support/counterparts.ts'
import { packTarball, projectWith } from './support/packed.ts'

const tools = counterparts('toolchains')

const words = `import { workers } from 'heddle'
export const { count } = workers(import.meta.url, { count(text: string): number { return text.split(' ').length } })
`
const main = `import { map } from 'heddle'
console.log(JSON.stringify(await map([1, 2, 3], async (n) => n * 2)))
`
const withWorkers = `import { map } from 'heddle'
import { count } from './words.ts'
console.log(JSON.stringify(await map(['a b', 'c'], count)))
`

describe.skipIf(!tools)('the packed package', () => {
  let tarball = ''
  let project = ''
  beforeAll(() => {
    tarball = packTarball()
    project = projectWith(tarball, join(tools?.folder ?? '', 'node_modules'))
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }))
  })
  afterAll(() => rmSync(dirname(tarball), { recursive: true, force: true }))

  function folder(name: string, files: Record<string, string>): string {
    const path = join(project, name)
    mkdirSync(path, { recursive: true })
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(path, file)), { recursive: true })
      writeFileSync(join(path, file), text)
    }
    return path
  }

  const bin = (path: string): string => join(project, 'node_modules', path)

  async function node(cwd: string, ...args: string[]): Promise<string> {
    const { NODE_OPTIONS: _, VITEST: __, ...env } = process.env
    try {
      return (
        await promisify(execFile)(process.execPath, args, {
          cwd,
          env: { ...env, NEXT_TELEMETRY_DISABLED: '1' },
          timeout: 200_000,
        })
      ).stdout
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string }
      throw new Error(`${args.join(' ')}\n${stdout ?? ''}\n${stderr ?? ''}`, { cause: error })
    }
  }

  it.each(['5.4', '5.5', '5.6', '5.7', '5.8', '6.0'])('type-checks with TypeScript %s, without skipLibCheck', async (version) => {
    const cwd = folder('types', {
      'all.ts': `import * as a from 'heddle'\nimport * as b from 'heddle/sync'\nimport * as c from 'heddle/trace'\nimport * as d from 'heddle/array'
export const x: Promise<number[]> = a.map([1, 2], async (n) => n * 2)\nexport { b, c, d }\n`,
      'words.ts': words,
    })
    const options =
      '--noEmit --strict --target es2022 --lib es2023,esnext.disposable --module nodenext --moduleResolution nodenext --types node'
    expect(await node(cwd, bin(`typescript-${version}/bin/tsc`), ...options.split(' '), 'all.ts', 'words.ts')).toBe('')
  })

  it('is imported by CommonJS', async () => {
    const cwd = folder('cjs', {
      'main.cjs': `import('heddle').then(({ map }) => map([1, 2, 3], async (n) => n * 2)).then((all) => console.log(JSON.stringify(all)))`,
    })
    expect(await node(cwd, 'main.cjs')).toBe('[2,4,6]\n')
  })

  it('runs under tsx and its own command, with worker modules in TypeScript', async () => {
    const cwd = folder('runners', { 'words.ts': words, 'main.ts': withWorkers })
    expect(await node(cwd, bin('tsx/dist/cli.mjs'), 'main.ts')).toBe('[2,1]\n')
    expect(await node(cwd, bin('heddle/dist/cli.js'), 'run', 'main.ts')).toBe('[2,1]\n')
  })

  it('is bundled by webpack', async () => {
    const cwd = folder('webpack', {
      'main.mjs': main,
      'build.cjs': `require('webpack')({ mode: 'production', context: __dirname, target: 'node20', entry: './main.mjs', experiments: { outputModule: true },
        output: { path: __dirname + '/out', module: true, filename: 'main.mjs' } },
        (error, stats) => { if (error || stats.hasErrors() || stats.hasWarnings()) { console.log(error || stats.toString({ all: false, errors: true, warnings: true })); process.exitCode = 1 } })`,
    })
    await node(cwd, 'build.cjs')
    expect(await node(cwd, 'out/main.mjs')).toBe('[2,4,6]\n')
  })

  it('is bundled by esbuild, also with workers', async () => {
    const cwd = folder('esbuild', {
      'main.ts': main,
      'words.ts': words,
      'count.ts': withWorkers.replace(
        `import { count } from './words.ts'`,
        `import { workers } from 'heddle'\nconst { count } = workers<typeof import('./words.ts')>(new URL('./words.js', import.meta.url))`,
      ),
      'build.mjs': `import { build } from 'esbuild'
        const common = { bundle: true, format: 'esm', platform: 'node', splitting: true, logLevel: 'error', outdir: 'out' }
        await build({ ...common, entryPoints: { main: 'main.ts', count: 'count.ts', words: 'words.ts', thread: '../node_modules/heddle/dist/thread.js' } })`,
    })
    await node(cwd, 'build.mjs')
    expect(await node(cwd, 'out/main.js')).toBe('[2,4,6]\n')
    expect(await node(cwd, 'out/count.js')).toBe('[2,1]\n')
  })

  it('is bundled by Rollup and by Vite', async () => {
    const cwd = folder('rollup', {
      'main.mjs': main,
      'vite.config.mjs': `export default { build: { ssr: 'main.mjs', outDir: 'vite' }, ssr: { noExternal: true } }`,
    })
    await node(
      cwd,
      bin('rollup/dist/bin/rollup'),
      'main.mjs',
      '-p',
      '@rollup/plugin-node-resolve',
      '-f',
      'es',
      '-d',
      'rollup',
      '--silent',
    )
    expect(await node(cwd, 'rollup/main.js')).toBe('[2,4,6]\n')
    await node(cwd, bin('vite/bin/vite.js'), 'build', '--logLevel', 'error')
    expect(await node(cwd, 'vite/main.js')).toBe('[2,4,6]\n')
  })

  it('is tested by Jest and by Vitest', async () => {
    const cwd = folder('tests', {
      'package.json': JSON.stringify({ name: 'tests', type: 'module', jest: { transform: {}, testMatch: ['**/*.jest.js'] } }),
      'map.jest.js': `import { map } from 'heddle'\ntest('maps', async () => { expect(await map([1, 2], async (n) => n * 2)).toEqual([2, 4]) })`,
      'words.ts': words,
      'map.test.ts': `import { expect, test } from 'vitest'\nimport { map } from 'heddle'\nimport { count } from './words.ts'\ntest('maps', async () => { expect(await map(['a b', 'c'], count)).toEqual([2, 1]) })`,
    })
    await node(cwd, '--experimental-vm-modules', bin('jest/bin/jest.js'), '--silent')
    expect(await node(cwd, bin('vitest/vitest.mjs'), 'run', '--root', '.')).toContain('1 passed')
  })

  it('is tested by Jest in a project that is CommonJS', async () => {
    const cwd = folder('jest-cjs', {
      'package.json': JSON.stringify({
        name: 'jest-cjs',
        type: 'commonjs',
        jest: { transform: {}, testMatch: ['**/*.jest.js'] },
      }),
      'map.jest.js': `test('maps', async () => { const { map } = await import('heddle'); expect(await map([1, 2], async (n) => n * 2)).toEqual([2, 4]) })`,
    })
    await expect(node(cwd, '--experimental-vm-modules', bin('jest/bin/jest.js'), '--silent')).resolves.toBe('')
  })

  it('is built and served by Next.js', async () => {
    const cwd = folder('next', {
      'package.json': JSON.stringify({ name: 'next-app', private: true }),
      'app/layout.jsx': `export default function Layout({ children }) { return <html><body>{children}</body></html> }`,
      'app/page.jsx': `import { map } from 'heddle'
export const dynamic = 'force-dynamic'
export default async function Page() { const squares = await map([1, 2, 3], async (n) => n * n); return <p>{squares.join(' and ')}</p> }`,
    })
    await node(cwd, bin('next/dist/bin/next'), 'build', '--webpack')
    const server = spawn(process.execPath, [bin('next/dist/bin/next'), 'start', '--port', '0'], {
      cwd,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const port = await new Promise<string>((resolve, reject) => {
        let said = ''
        server.stdout.setEncoding('utf8').on('data', (text: string) => {
          said += text
          const found = /localhost:(\d+)/.exec(said)?.[1]
          if (found !== undefined) resolve(found)
        })
        server.once('exit', () => reject(new Error(`next start ended: ${said}`)))
      })
      expect(await (await fetch(`http://localhost:${port}/`)).text()).toContain('1 and 4 and 9')
    } finally {
      server.kill('SIGKILL')
    }
  })

  it('is installed by pnpm', async () => {
    const cwd = folder('pnpm', {
      'package.json': JSON.stringify({
        name: 'pnpm-app',
        private: true,
        type: 'module',
        dependencies: { heddle: `file:${tarball}` },
      }),
      'words.ts': words,
      'main.ts': withWorkers,
    })
    await node(cwd, bin('pnpm/bin/pnpm.cjs'), 'install', '--ignore-scripts', '--ignore-workspace')
    expect(await node(cwd, join(cwd, 'node_modules/heddle/dist/cli.js'), 'run', 'main.ts')).toBe('[2,1]\n')
  })
})
