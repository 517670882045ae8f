// oxlint-disable vitest/no-conditional-expect -- what is expected of a command depends on its kind
/** Every shell command of README.md and docs/*.md, run as it stands there, in a project that has what the pages speak of. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { counterparts } from './support/counterparts.ts'
import { linkFromHere, packTarball, projectWith } from './support/packed.ts'
import { startPostgres, type TestPostgres } from './support/postgres.ts'
import { startRedis, type TestRedis } from './support/redis.ts'
import { isSynopsis, type ShownCommand, shellCommands } from './support/shell-blocks.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const docs = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'))
const shown = shellCommands(root, ['README.md', ...docs.map((name) => `docs/${name}`)])
const tools = counterparts('toolchains')

const files: Record<string, string> = {
  'package.json': '{"name":"project","private":true,"type":"module"}',
  'main.ts': `import { map } from 'heddle'\nimport { render } from './image.ts'\nconsole.log(await map([1, 2, 3], async (n) => n * 2), await render(2))\n`,
  'image.ts': `import { workers } from 'heddle'\nexport const { render } = workers(import.meta.url, { render(size: number): number { return size * size } })\n`,
  'build.ts': `import { graph, sh } from 'heddle'\nconst build = graph('build')\nconst lint = build.task('lint', () => sh('echo linted', { name: 'lint' }))\nbuild.task('pack', { lint }, () => sh('echo packed', { name: 'pack' }))\nexport default build\n`,
  'analyse.ts': `import { map } from 'heddle'\nexport default async (folder: string) => map([folder], async (name) => name.length)\n`,
  'src/report.ts': `export async function report(db: any) {\n  const orders = await db.orders.findMany()\n  const rates = await db.rates.findMany()\n  return [orders, rates]\n}\n`,
  'analyse.js': `import { workers } from 'heddle'\nexport const { count } = workers(import.meta.url, { count: (text) => text.length })\n`,
  'serve.ts': `import { serve } from 'heddle/serve'\nexport default serve({ models: { shout: (text: string) => text.toUpperCase() } })\n`,
  'dist/analyse.js': `import { workers } from 'heddle'\nexport const { count } = workers(import.meta.url, { count: (text) => text.length })\n`,
  'website.yaml': `name: Website\ntasks:\n  - { id: schema, duration: 2d }\n  - { id: api, duration: 4d, needs: [schema] }\n`,
  'build.yaml': `name: Build\ntasks:\n  - { id: lint, duration: 1min }\n  - { id: pack, duration: 2min, needs: [lint] }\n`,
  'tasks.csv': 'id,name,duration,needs\na,First,2d,\nb,Second,1d,a\n',
  'runs/one.json': JSON.stringify({ tasks: { lint: [40_000], pack: [90_000] } }),
  'jobs.json': JSON.stringify({
    jobs: [{ name: 'test', started_at: '2026-11-30T10:00:00Z', completed_at: '2026-11-30T10:02:00Z', conclusion: 'success' }],
  }),
  '.github/workflows/ci.yml': 'name: CI\non: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps: [{ run: npm test }]\n',
  'config.json': JSON.stringify({
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 4096,
    intermediate_size: 14_336,
    num_attention_heads: 32,
    num_hidden_layers: 32,
    num_key_value_heads: 8,
    vocab_size: 128_256,
    max_position_embeddings: 131_072,
  }),
  'model_prices_and_context_window.json': JSON.stringify({
    'gpt-4.1-mini': { input_cost_per_token: 4e-7, output_cost_per_token: 1.6e-6, litellm_provider: 'openai', mode: 'chat' },
  }),
}
/** Commands that go on until they are ended, and what they say when they are there. */
const stays: [RegExp, RegExp][] = [
  [/heddle ui /, /http:\/\/127\.0\.0\.1:\d+/],
  [/heddle simulate/, /http:\/\/127\.0\.0\.1:\d+/],
  [/heddle worker/, /is ready/],
  [/heddle serve/, /every model is ready/],
]
/** What is found makes `heddle find` end with 1. */
const mayFail = /heddle find/

let project = ''
let tarball = ''
let published = ''
let redis: TestRedis | undefined
let postgres: TestPostgres | undefined
/** Of what `heddle find` finds in the project. */
let finding = ''
const server = createServer((_, response) => {
  const cost = { input: 0.4, output: 1.6 }
  response.end(JSON.stringify({ openai: { id: 'openai', models: { 'gpt-4.1-mini': { id: 'gpt-4.1-mini', cost } } } }))
})

beforeAll(async () => {
  if (!tools) return
  tarball = packTarball()
  project = projectWith(tarball, join(tools.folder, 'node_modules'))
  linkFromHere(join(project, 'node_modules'), ['bullmq', 'ioredis', 'pg'])
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, name)), { recursive: true })
    writeFileSync(join(project, name), text)
  }
  // As npm links it.
  const bin = join(project, 'bin')
  mkdirSync(bin)
  for (const [name, target] of [
    ['heddle', 'heddle/dist/cli.js'],
    ['esbuild', 'esbuild/bin/esbuild'],
  ] as const) {
    writeFileSync(join(bin, name), `#!/bin/sh\nexec '${process.execPath}' '${join(project, 'node_modules', target)}' "$@"\n`)
    chmodSync(join(bin, name), 0o755)
  }
  // Whether `npx` finds it in a project is npm's part; here it is what npm would have linked.
  writeFileSync(join(bin, 'npx'), `#!/bin/sh\nexec "$@"\n`)
  chmodSync(join(bin, 'npx'), 0o755)
  const git = (...args: string[]) => execFileSync('git', args, { cwd: project, stdio: 'ignore' })
  git('init', '-q', '-b', 'main')
  git('add', 'src')
  git('-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '-qm', 'a')
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  redis = await startRedis()
  postgres = await startPostgres()
  const { said: found } = await ends('heddle find --json src')
  if (!found.startsWith('{')) throw new Error(`heddle find gave no JSON: ${found}`)
  finding = (JSON.parse(found) as { findings: { id: string }[] }).findings[0]?.id ?? ''
  published = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api.json`
})
afterAll(async () => {
  server.close()
  await redis?.stop()
  await postgres?.stop()
  if (tarball !== '') rmSync(dirname(tarball), { recursive: true, force: true })
})

function environment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _, VITEST: __, NODE_ENV: ___, NODE_PATH: ____, ...inherited } = process.env
  // With CI a page is not kept open, and no browser starts.
  return {
    ...inherited,
    CI: 'true',
    FLEET_URL: redis?.url ?? '',
    POSTGRES_URL: postgres?.url ?? '',
    HOME: project,
    PATH: `${join(project, 'bin')}:${inherited['PATH'] ?? ''}`,
  }
}

interface Ended {
  readonly code: number
  readonly said: string
}

async function ends(command: string, cwd = project): Promise<Ended> {
  mkdirSync(join(project, '.config/fish/completions'), { recursive: true })
  const options = { cwd, env: environment(), timeout: 120_000, maxBuffer: 64 << 20 }
  const run = promisify(execFile)('bash', ['-c', command], options)
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, said: stdout + stderr }),
    (error: { code?: number; stdout?: string; stderr?: string }) => ({
      code: error.code ?? -1,
      said: `${error.stdout ?? ''}${error.stderr ?? ''}`,
    }),
  )
}

/** Ends it, as Ctrl-C does, once it has said that it is there. */
function answers(command: string, there: RegExp): Promise<Ended> {
  const child: ChildProcess = spawn('bash', ['-c', `exec ${command.replace(/^npx /, '')}`], {
    cwd: project,
    env: environment(),
    timeout: 60_000,
  })
  let said = ''
  const hear = (text: string): void => {
    said += text
    if (there.test(said)) child.kill('SIGINT')
  }
  child.stdout?.setEncoding('utf8').on('data', hear)
  child.stderr?.setEncoding('utf8').on('data', hear)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? -1, said }))
  })
}

/** In a clone of the repository; what is not heddle's is left out too. */
const ofTheRepository = /^npm (?:install && npm start|start -- |test|run )|examples\/|^(?:gh|kubectl|redis-server) /
const runnable = shown.filter(({ command }) => !isSynopsis(command) && !ofTheRepository.test(command))

test('pages show commands', () => expect(runnable.length).toBeGreaterThan(25))

test.skipIf(!tools || process.platform === 'win32').each(runnable.map(({ place, command }) => [place, command] as const))(
  '%s: %s',
  async (_, command) => {
    if (command.startsWith('npm install heddle')) {
      const folder = join(project, 'new')
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
      const { code, said } = await ends(command.replace('heddle', tarball), folder)
      expect({ code, said }).toMatchObject({ code: 0 })
      expect(existsSync(join(folder, 'node_modules/.bin/heddle'))).toBe(true)
      return
    }
    // Traces that an earlier command of the pages has recorded.
    for (const name of /\b\w+\.heddle\b/g[Symbol.match](command) ?? []) {
      if (!existsSync(join(project, name))) await ends(`heddle run --concurrency 2 -q --trace ${name} main.ts`)
    }
    const asked = command
      .replace('https://models.dev/api.json', published)
      .replace(/redis:\/\/(?:127\.0\.0\.1:6379|redis\.internal)/, redis?.url ?? '')
      .replace('c1fa583503', finding)
    const there = stays.find(([pattern]) => pattern.test(command))?.[1]
    if (there) {
      const { code, said } = await answers(asked.replace(/heddle ui(?! --no-open)/, 'heddle ui --no-open'), there)
      expect(said).toMatch(there)
      expect({ code, said }).not.toMatchObject({ code: 2 })
      return
    }
    const { code, said } = await ends(asked)
    expect({ code: code === 1 && mayFail.test(command) ? 0 : code, said }).toMatchObject({ code: 0 })
    expect(said).not.toMatch(/HEDDLE_USAGE|ERR_MODULE_NOT_FOUND/)
  },
)

const synopses: readonly ShownCommand[] = shown.filter(({ command }) => isSynopsis(command) && command.includes('heddle '))
test.skipIf(!tools).each(synopses.map(({ place, command }) => [place, command] as const))(
  '%s: %s, in its help',
  async (_, command) => {
    const name = /heddle ([\w-]+)/.exec(command)?.[1] ?? ''
    const { code, said } = await ends(`heddle ${name} --help`)
    expect(code).toBe(0)
    for (const option of command.match(/--[a-z-]+/g) ?? []) expect(said).toContain(option)
  },
)
