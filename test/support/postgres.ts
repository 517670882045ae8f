/** A Postgres of a test's own, on a free port, with its data in a folder of its own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { freePort } from './redis.ts'

const versions = '/usr/lib/postgresql'

/** The folder with `initdb` and `postgres`; `POSTGRES_BIN` names another. */
export function postgresPath(): string | undefined {
  const debian = existsSync(versions) ? readdirSync(versions).map((version) => join(versions, version, 'bin')) : []
  const candidates = [process.env['POSTGRES_BIN'], ...debian.toReversed(), '/usr/local/bin', '/opt/homebrew/bin']
  return candidates.find((path) => path !== undefined && existsSync(join(path, 'initdb')))
}

export interface TestPostgres {
  readonly url: string
  readonly port: number
  /** Of a superuser. */
  query(text: string): Promise<Record<string, unknown>[]>
  /** As a crash of its machine: nothing is written any more. */
  kill(): Promise<void>
  start(): Promise<void>
  stop(): Promise<void>
}

/** @param settings as `name=value` */
export async function startPostgres(settings: readonly string[] = []): Promise<TestPostgres> {
  const path = postgresPath()
  if (path === undefined) throw new Error('There is no postgres')
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'heddle-postgres-'))
  const user = owner()
  if (user) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  execFileSync(join(path, 'initdb'), ['-D', data, '-U', 'heddle', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--no-locale'], {
    stdio: 'ignore',
    cwd: folder,
    ...user,
  })
  const url = `postgres://heddle@127.0.0.1:${port}/postgres`
  const options = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, ...settings]
  let server: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const args = options.flatMap((each) => ['-c', each])
    server = spawn(join(path, 'postgres'), ['-D', data, ...args], { stdio: 'ignore', cwd: folder, ...user })
    while (!(await answers(url))) await new Promise((resolve) => setTimeout(resolve, 30))
  }
  const kill = async (): Promise<void> => {
    const dying = server
    if (!dying || dying.exitCode !== null || dying.signalCode !== null) return
    const gone = new Promise((resolve) => dying.once('exit', resolve))
    // An immediate shutdown: no checkpoint, and recovery at the next start.
    dying.kill('SIGQUIT')
    await gone
  }
  await start()
  return {
    url,
    port,
    kill,
    start,
    async query(text) {
      const client = new Client(url)
      await client.connect()
      try {
        return (await client.query(text)).rows as Record<string, unknown>[]
      } finally {
        await client.end()
      }
    },
    async stop() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Postgres refuses to run as root. */
function owner(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}
