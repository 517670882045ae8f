/** The fleet on a real Postgres: what is different from Redis. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { map } from 'heddle'
import { bullmq, FleetRefused, FleetUnavailable } from 'heddle/bullmq'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { initStore, openStore } from '../src/fleet/engine/open.ts'
import { schemaOf } from '../src/fleet/engine/postgres.ts'
import { fixture, startWorker } from '../src/fleet/fleet.fixture.ts'
import { Registry } from '../src/fleet/worker/registry.ts'
import { Sweeper } from '../src/fleet/worker/sweeper.ts'
import { FleetWorker } from '../src/fleet/worker/worker.ts'
import { fleetFunctions as fns } from './fixtures/fleet.ts'
import { postgresPath, startPostgres, type TestPostgres } from './support/postgres.ts'
import { freePort } from './support/redis.ts'

const command = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const module = fileURLToPath(new URL('fixtures/fleet.ts', import.meta.url))
const range = (length: number): number[] => Array.from({ length }, (_, i) => i)
const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => Promise.reject(new Error('expected a rejection')),
    (error: unknown) => error as Error,
  )

describe.runIf(postgresPath())('the fleet on Postgres', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-fleet-postgres-'))
  const machines: ChildProcess[] = []
  let postgres: TestPostgres

  const heddle = (...args: readonly string[]): Promise<{ code: number | null; out: string }> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [command, ...args, '--fleet', postgres.url], { stdio: ['ignore', 'pipe', 'pipe'] })
      let out = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (out += String(text)))
      child.once('close', (code) => resolve({ code, out }))
    })
  const machine = async (): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [command, 'worker', '--json', '--fleet', postgres.url, module], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    machines.push(child)
    for await (const line of createInterface({ input: child.stdout })) if (line.startsWith('{')) break
    return child
  }

  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterEach(async () => {
    for (const child of machines.splice(0)) {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      if (child.kill('SIGKILL')) await gone
    }
  })
  afterAll(async () => {
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('a database that is not prepared is refused, with the command that prepares it', async () => {
    const error = await failure(bullmq({ url: postgres.url }))
    expect(error).toBeInstanceOf(FleetRefused)
    expect((error as FleetRefused).hint).toContain('heddle fleet init')
    expect(await heddle('fleet', 'init')).toMatchObject({
      code: 0,
      out: expect.stringContaining('heddle$main$default') as string,
    })
    // Doing it again changes nothing.
    expect(await heddle('fleet', 'init')).toMatchObject({ code: 0 })
    await (await bullmq({ url: postgres.url })).close()
    const away = await failure(bullmq({ url: `postgres://user:secret@127.0.0.1:${await freePort()}/postgres` }))
    expect(away).toBeInstanceOf(FleetUnavailable)
    expect(away.message).not.toContain('secret')
    const other = await failure(bullmq({ url: postgres.url.replace('/postgres', '/nowhere') }))
    expect(other).toBeInstanceOf(FleetRefused)
  })

  test('a store that may lose work is refused', async () => {
    const url = `${postgres.url}?options=-c%20synchronous_commit%3Doff`
    const error = await failure(bullmq({ url }))
    expect(error).toBeInstanceOf(FleetRefused)
    expect(error.message).toContain('set synchronous_commit on')
    await (await bullmq({ url, preflight: 'off' })).close()
  })

  test('machines run its work, one of them dies, the store crashes: nothing is lost, and no row is left', async () => {
    const file = join(folder, 'log')
    const [first] = [await machine(), await machine()]
    const fleet = await bullmq({ url: postgres.url })
    const items = range(120).map((item) => ({ file, item, ms: 20 }))
    const mapped = map(items, fns.noted, { on: fleet, retry: 3 })
    const begun = (): number[] => lines(file).flatMap((line) => (line.startsWith('begin') ? [Number(line.split(' ')[1])] : []))
    await expect.poll(() => begun().length, { timeout: 20_000 }).toBeGreaterThan(10)
    first?.kill('SIGKILL')
    await postgres.kill()
    await new Promise((resolve) => setTimeout(resolve, 300))
    await postgres.start()
    expect(await mapped).toEqual(range(120))
    await fleet.close()
    // What the killed machine left is removed a minute after its last beat; the other one is at rest.
    const left = `SELECT queue, id, state FROM "heddle$main$default".job WHERE queue <> 'main-default-workers'`
    // A result that came when its client had left is an orphan, which the other machine removes at its second look.
    await expect.poll(() => postgres.query(left), { timeout: 40_000 }).toEqual([])
  }, 120_000)

  test('what a dead client left is removed after a while', async () => {
    const space = 'dead-default'
    await initStore(postgres.url, space)
    const store = await openStore(postgres.url, space)
    const queue = `${space}-0123456789ab`
    await store.prepare(queue)
    await store.runs.put('gone-1', { host: 'h', pid: 1, fn: 'double', queue })
    await store.add(queue, [{ id: 'gone-1-0', text: JSON.stringify({ v: 1, nul: '\u0000', lone: '\uD800' }), priority: 'low' }])
    const sweeper = new Sweeper(store, undefined, 100)
    expect(await sweeper.sweep()).toEqual([])
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(await sweeper.sweep()).toEqual(['gone-1'])
    await store.tidy(`${space}-runs`)
    await store.close()
    for (const table of ['job', 'event', 'meta'])
      expect(await postgres.query(`SELECT * FROM "${schemaOf(space)}".${table}`)).toEqual([])
  })

  test.each([60_000, -60_000])('a machine whose clock is off by %d ms is refused; on Redis it would do no harm', async (off) => {
    const store = await openStore(postgres.url, 'main-default')
    const skewed = { locksByOwnClock: store.locksByOwnClock, now: async () => (await store.now()) - off } as typeof store
    const registry = new Registry(new Map([[fixture('fleet.ts').href, await import('./fixtures/fleet.ts')]]))
    const settings = { id: `skewed-${off}`, space: 'main-default', registry, slots: 1, blobs: undefined, warn: () => {} }
    const error = await failure(new FleetWorker(skewed, settings).start())
    expect(error).toBeInstanceOf(FleetRefused)
    expect(error.message).toContain(off > 0 ? '60.0 s ahead of' : '60.0 s behind')
    await store.close()
  })

  test('a tenant with the grants of the docs does its own work, and reads nothing of another', async () => {
    const page = readFileSync('docs/fleet.md', 'utf8')
    const [, grants = ''] = /```sql\n([^`]*acme[^`]*)```/.exec(page) ?? []
    await initStore(postgres.url, 'main-acme')
    await postgres.query(grants)
    const url = postgres.url.replace('heddle@', 'acme:password@')
    const worker = await startWorker(url, [fixture('fleet.ts')], { tenant: 'acme' })
    const fleet = await bullmq({ url, tenant: 'acme' })
    expect(await map(range(50), fns.double, { on: fleet })).toEqual(range(50).map((n) => 2 * n))
    await fleet.close()
    const foreign = await failure(bullmq({ url, tenant: 'default' }))
    expect(foreign).toBeInstanceOf(FleetRefused)
    await worker.drain(0)
  })
})

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}
