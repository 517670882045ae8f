/** The packed package in the toolchains of docs/toolchains.md. */
import { execFile, spawn } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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

  const { NODE_OPTIONS: _, VITEST: __, NODE_ENV: ___, ...inherited } = process.env
  const env = {
    ...inherited,
    NODE_ENV: undefined,
    NEXT_TELEMETRY_DISABLED: '1',
    YARN_ENABLE_TELEMETRY: '0',
    YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
  }

  async function node(cwd: string, ...args: string[]): Promise<string> {
    try {
      return (
        await promisify(execFile)(process.execPath, args, {
          cwd,
          env,
          timeout: 200_000,
        })
      ).stdout
    } catch (error) {
      const { stdout, stderr } = error as { stdout?: string; stderr?: string }
      throw new Error(`${args.join(' ')}\n${stdout ?? ''}\n${stderr ?? ''}`, { cause: error })
    }
  }

  test.each(['5.4', '5.5', '5.6', '5.7', '5.8', '6.0'])(
    'type-checks with TypeScript %s, without skipLibCheck',
    async (version) => {
      const cwd = folder('types', {
        'all.ts': `import * as a from 'heddle'\nimport * as b from 'heddle/sync'\nimport * as c from 'heddle/trace'\nimport * as d from 'heddle/array'
export const x: Promise<number[]> = a.map([1, 2], async (n) => n * 2)\nexport { b, c, d }\n`,
        'words.ts': words,
      })
      const options =
        '--noEmit --strict --target es2022 --lib es2023,esnext.disposable --module nodenext --moduleResolution nodenext --types node'
      expect(await node(cwd, bin(`typescript-${version}/bin/tsc`), ...options.split(' '), 'all.ts', 'words.ts')).toBe('')
    },
  )

  test('is imported by CommonJS', async () => {
    const cwd = folder('cjs', {
      'main.cjs': `import('heddle').then(({ map }) => map([1, 2, 3], async (n) => n * 2)).then((all) => console.log(JSON.stringify(all)))`,
    })
    expect(await node(cwd, 'main.cjs')).toBe('[2,4,6]\n')
  })

  test('runs under tsx and its own command, with worker modules in TypeScript', async () => {
    const cwd = folder('runners', { 'words.ts': words, 'main.ts': withWorkers })
    expect(await node(cwd, bin('tsx/dist/cli.mjs'), 'main.ts')).toBe('[2,1]\n')
    expect(await node(cwd, bin('heddle/dist/cli.js'), 'run', 'main.ts')).toBe('[2,1]\n')
  })

  test('runs under tsx with paths, legacy decorators and limiters of a second copy', async () => {
    const cwd = folder('tsx', {
      'tsconfig.json': '{ "compilerOptions": { "experimentalDecorators": true, "paths": { "@/*": ["./src/*"] } } }',
      'src/words.ts': `import { workers } from 'heddle'
import { twice } from '@/twice'
const times = (n: number) => (_: object, __: string, descriptor: PropertyDescriptor): void => {
  const { value } = descriptor
  descriptor.value = (x: number) => value(x) * n
}
class Sum { @times(10) of(x: number): number { return twice(x) } }
export const { sum } = workers(import.meta.url, { sum: (x: number): number => new Sum().of(x) })
`,
      'src/twice.ts': 'export const twice = (x: number): number => 2 * x',
      'main.ts': `import { map } from 'heddle'
import { limiter } from './copy/node_modules/heddle/dist/index.js'
import { sum } from '@/words'
console.log(JSON.stringify(await map([1, 2], sum)))
console.log(await map([1], sum, { limit: limiter({ concurrency: 1 }) as never }).catch((error) => error.hint))
`,
    })
    cpSync(join(project, 'node_modules/heddle'), join(cwd, 'copy/node_modules/heddle'), { recursive: true, dereference: true })
    const said = await node(cwd, bin('tsx/dist/cli.mjs'), 'main.ts')
    expect(said).toMatch(/^\[20,40\]\nThis Limiter was made by another copy of heddle/)
  })

  test('is bundled by webpack', async () => {
    const cwd = folder('webpack', {
      'main.mjs': main,
      'build.cjs': `require('webpack')({ mode: 'production', context: __dirname, target: 'node20', entry: './main.mjs', experiments: { outputModule: true },
        output: { path: __dirname + '/out', module: true, filename: 'main.mjs' } },
        (error, stats) => { if (error || stats.hasErrors() || stats.hasWarnings()) { console.log(error || stats.toString({ all: false, errors: true, warnings: true })); process.exitCode = 1 } })`,
    })
    await node(cwd, 'build.cjs')
    expect(await node(cwd, 'out/main.mjs')).toBe('[2,4,6]\n')
  })

  test('is bundled by esbuild, also with workers', async () => {
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

  test('is bundled by Rollup and by Vite', async () => {
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

  test('is tested by Jest and by Vitest', async () => {
    const cwd = folder('tests', {
      'package.json': JSON.stringify({ name: 'tests', type: 'module', jest: { transform: {}, testMatch: ['**/*.jest.js'] } }),
      'map.jest.js': `import { map } from 'heddle'\ntest('maps', async () => { expect(await map([1, 2], async (n) => n * 2)).toEqual([2, 4]) })`,
      'words.ts': words,
      'map.test.ts': `import { expect, test } from 'vitest'\nimport { map } from 'heddle'\nimport { count } from './words.ts'\ntest('maps', async () => { expect(await map(['a b', 'c'], count)).toEqual([2, 1]) })`,
    })
    await node(cwd, '--experimental-vm-modules', bin('jest/bin/jest.js'), '--silent')
    expect(await node(cwd, bin('vitest/vitest.mjs'), 'run', '--root', '.')).toContain('1 passed')
  })

  test('is tested by Jest in a project that is CommonJS', async () => {
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

  test.runIf(process.versions.node.startsWith('20.'))('runs under ts-node, with worker modules in TypeScript', async () => {
    const cwd = folder('ts-node', {
      'tsconfig.json': JSON.stringify({
        compilerOptions: { target: 'es2022', module: 'nodenext', strict: true, skipLibCheck: true, types: ['node'] },
      }),
      'words.ts': words,
      'main.ts': withWorkers.replace('./words.ts', './words.js'),
    })
    expect(await node(cwd, '--no-warnings', '--loader', 'ts-node/esm', 'main.ts')).toBe('[2,1]\n')
  })

  /** A page that only uses this thread, and two that use worker functions: named by URL, and imported. */
  const nextApp = (config: object): Record<string, string> => {
    const page = (imports: string, list: string, fn: string): string => `import { map, workers } from 'heddle'
${imports}
export const dynamic = 'force-dynamic'
export default async function Page() { return <p>{(await map(${list}, ${fn})).join(' and ')}</p> }`
    return {
      'package.json': JSON.stringify({ name: 'next-app', private: true }),
      'next.config.mjs': `export default ${JSON.stringify(config)}`,
      'workers/count.mjs': words.replace('text: string): number', 'text)'),
      'app/layout.jsx': `export default function Layout({ children }) { return <html><body>{children}</body></html> }`,
      'app/page.jsx': page('', '[1, 2, 3]', 'async (n) => n * n'),
      ...('serverExternalPackages' in config && {
        'app/named/page.jsx': page(
          `import { join } from 'node:path'\nimport { pathToFileURL } from 'node:url'\nconst { count } = workers(pathToFileURL(join(process.cwd(), 'workers/count.mjs')))`,
          `['a b', 'c']`,
          'count',
        ),
        'app/imported/page.jsx': page(`import { count } from '../../workers/count.mjs'`, `['a b', 'c']`, 'count'),
      }),
    }
  }

  /** @param served `next start` or `next dev` */
  async function asksNext(cwd: string, served: readonly string[], paths: readonly string[]): Promise<string[]> {
    const server = spawn(process.execPath, [bin('next/dist/bin/next'), ...served, '--port', '0'], {
      cwd,
      env,
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
        server.once('exit', () => reject(new Error(`next ${served.join(' ')} ended: ${said}`)))
      })
      const pages: string[] = []
      for (const path of paths) {
        const page = await (await fetch(`http://localhost:${port}${path}`)).text()
        pages.push(/<p>(.*?)<\/p>/.exec(page)?.[1] ?? page)
      }
      return pages
    } finally {
      server.kill('SIGTERM')
    }
  }

  // The packages are links to a cache outside of the project, which Turbopack only follows below its root.
  const turbopack = { turbopack: { root: '/' } }
  const everyPage = ['/', '/named', '/imported']
  const shown = ['1 and 4 and 9', '2 and 1', '2 and 1']

  test.each([
    ['webpack', { serverExternalPackages: ['heddle'] }],
    ['turbopack', { serverExternalPackages: ['heddle'], ...turbopack }],
  ] as const)('is built and served by Next.js with %s, also worker functions', async (bundler, config) => {
    const cwd = folder(`next-${bundler}`, nextApp(config))
    await node(cwd, bin('next/dist/bin/next'), 'build', `--${bundler}`)
    expect(await asksNext(cwd, ['start'], everyPage)).toEqual(shown)
  })

  test.each(['webpack', 'turbopack'])('is bundled by Next.js with %s where only this thread is used', async (bundler) => {
    const cwd = folder(`next-plain-${bundler}`, nextApp(bundler === 'turbopack' ? turbopack : {}))
    await node(cwd, bin('next/dist/bin/next'), 'build', `--${bundler}`)
    expect(await asksNext(cwd, ['start'], ['/'])).toEqual(['1 and 4 and 9'])
  })

  test.each(['webpack', 'turbopack'])('is served by next dev with %s, also worker functions', async (bundler) => {
    const cwd = folder(`next-dev-${bundler}`, nextApp({ serverExternalPackages: ['heddle'], ...turbopack }))
    expect(await asksNext(cwd, ['dev', `--${bundler}`], everyPage)).toEqual(shown)
  })

  test('is installed by pnpm', async () => {
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
  test("is installed by Yarn with Plug'n'Play", async () => {
    const cwd = folder('yarn', {
      'package.json': JSON.stringify({
        name: 'yarn-app',
        private: true,
        type: 'module',
        dependencies: { heddle: `file:${tarball}` },
      }),
      'yarn.lock': '',
      '.yarnrc.yml': 'nodeLinker: pnp\nenableGlobalCache: false\nenableScripts: false\n',
      'words.ts': words,
      'main.ts': withWorkers,
      'processes.ts': withWorkers.replace('./words.ts', './in-processes.ts'),
      'in-processes.ts': words.replace(/\}\)\n$/, `}, { isolation: 'process' })\n`),
    })
    const yarn = bin('@yarnpkg/cli-dist/bin/yarn.js')
    await node(cwd, yarn, 'install')
    expect(await node(cwd, yarn, 'heddle', 'run', 'main.ts')).toBe('[2,1]\n')
    expect(await node(cwd, yarn, 'heddle', 'run', 'processes.ts')).toBe('[2,1]\n')
    expect(await node(cwd, yarn, 'heddle', 'find', 'main.ts')).toContain('0 proven')
  })
})
