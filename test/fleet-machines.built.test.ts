/** The fleet with machines of its own: worker processes that are drained, stopped and killed, and clients that die. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { map } from 'heddle'
import { bullmq, type Fleet, type FleetOptions, FleetUnavailable, WorkerLost } from 'heddle/bullmq'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openStore } from '../src/fleet/engine/open.ts'
import { moduleBuildOf } from '../src/fleet/naming/build.ts'
import { queueOf } from '../src/fleet/naming/names.ts'
import { fleetFunctions as fns } from './fixtures/fleet.ts'
import { redisPath, startRedis, type TestRedis } from './support/redis.ts'

const command = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const module = fileURLToPath(new URL('fixtures/fleet.ts', import.meta.url))
const range = (length: number): number[] => Array.from({ length }, (_, i) => i)

describe.runIf(redisPath())('machines of the fleet', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-machines-'))
  const machines: ChildProcess[] = []
  const fleets: Fleet[] = []
  let redis: TestRedis
  let files = 0

  const machine = async (...options: readonly string[]): Promise<ChildProcess> => {
    const child = spawn(process.execPath, [command, 'worker', '--json', '--fleet', redis.url, ...options, module], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    machines.push(child)
    for await (const line of createInterface({ input: child.stdout })) if (line.startsWith('{')) break
    return child
  }
  const ended = (child: ChildProcess): Promise<number | null> =>
    child.exitCode === null && child.signalCode === null
      ? new Promise((resolve) => child.once('exit', (code) => resolve(code)))
      : Promise.resolve(child.exitCode)
  const open = async (options: Partial<FleetOptions> = {}): Promise<Fleet> => {
    const fleet = await bullmq({ url: redis.url, ...options })
    fleets.push(fleet)
    return fleet
  }
  const newFile = (): string => join(folder, `log-${files++}`)

  beforeAll(async () => {
    redis = await startRedis()
  })
  afterEach(async () => {
    for (const child of machines) child.kill('SIGKILL')
    await Promise.all(machines.splice(0).map(ended))
    await Promise.all(fleets.splice(0).map((fleet) => fleet.close()))
    await redis.client.flushall()
  })
  afterAll(async () => {
    await redis.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('a machine that is drained under load loses nothing and repeats nothing', async () => {
    const [first] = [await machine(), await machine()]
    const fleet = await open()
    const file = newFile()
    const mapped = map(
      range(200).map((item) => ({ file, item, ms: 10 })),
      fns.noted,
      { on: fleet },
    )
    await expect.poll(() => begun(file).length, { timeout: 20_000 }).toBeGreaterThan(10)
    first?.kill('SIGTERM')
    expect(await ended(first as ChildProcess)).toBe(143)
    expect(await mapped).toEqual(range(200))
    expect(begun(file).toSorted((a, b) => a - b)).toEqual(range(200))
  })

  test('nothing waits behind a long task while another machine is idle', async () => {
    await Promise.all([machine('--concurrency', '1'), machine('--concurrency', '1')])
    const fleet = await open()
    const [file, gate] = [newFile(), join(folder, 'gate')]
    // The first holds its machine until all others are done.
    const items = range(12).map((item) => ({ file, item, gate: item === 0 ? gate : undefined }))
    const mapped = map(items, fns.untilThere, { on: fleet })
    await expect.poll(() => lines(file).filter((line) => line.startsWith('end')).length, { timeout: 30_000 }).toBe(11)
    writeFileSync(gate, '')
    expect(await mapped).toEqual(range(12))
    expect(begun(file).toSorted((a, b) => a - b)).toEqual(range(12))
  })

  test('a second signal ends it at once: with retry another machine takes over', async () => {
    const first = await machine()
    const fleet = await open()
    const file = newFile()
    const mapped = map(
      range(4).map((item) => ({ file, item, ms: 1_500 })),
      fns.noted,
      { on: fleet, retry: 2 },
    )
    await expect.poll(() => begun(file).length, { timeout: 20_000 }).toBeGreaterThan(0)
    first.kill('SIGTERM')
    setTimeout(() => first.kill('SIGTERM'), 300)
    // Starting takes longer than the tasks on a busy machine.
    await machine()
    expect(await ended(first)).toBe(143)
    expect(await mapped).toEqual(range(4))
  })

  test('what a machine was lost with fails by name without retry, and runs again with it', async () => {
    const first = await machine()
    const fleet = await open()
    const [once, again] = [newFile(), newFile()]
    const items = (file: string): { file: string; item: number; ms: number }[] =>
      range(3).map((item) => ({ file, item, ms: 2_000 }))
    const failing = map(items(once), fns.noted, { on: fleet, onFailure: 'settle' })
    const repeated = map(items(again), fns.noted, { on: fleet, retry: 2 })
    await expect.poll(() => Math.min(begun(once).length, begun(again).length), { timeout: 20_000 }).toBeGreaterThan(0)
    first.kill('SIGKILL')
    await machine()
    const { failed } = await failing
    expect(failed.length).toBeGreaterThan(0)
    for (const { error } of failed) expect(error).toBeInstanceOf(WorkerLost)
    // Nothing that had begun was begun again.
    expect(new Set(begun(once)).size).toBe(begun(once).length)
    expect(await repeated).toEqual(range(3))
  }, 120_000)

  test('a machine that was stopped for longer than its lock is a zombie: its signal is aborted, its results are refused', async () => {
    const first = await machine()
    const fleet = await open()
    const file = newFile()
    const mapped = map([{ file, item: 0, ms: 60_000 }], fns.noted, { on: fleet, retry: 1, onFailure: 'settle' })
    await expect.poll(() => begun(file).length, { timeout: 20_000 }).toBe(1)
    first.kill('SIGSTOP')
    await machine()
    await expect.poll(() => begun(file).length, { timeout: 60_000 }).toBe(2)
    first.kill('SIGCONT')
    await expect
      .poll(() => lines(file).some((line) => line === `stop 0 ${first.pid}`), { timeout: 30_000, interval: 20 })
      .toBe(true)
    expect(lines(file).filter((line) => line.startsWith('stop'))).toEqual([`stop 0 ${first.pid}`])
    await fleet.close()
    await mapped
  }, 120_000)

  test('a client that is killed goes on where its checkpoint was', async () => {
    await machine()
    const [file, journal] = [newFile(), join(folder, 'journal.jsonl')]
    const program = join(folder, 'client.mjs')
    const heddle = fileURLToPath(new URL('../dist/', import.meta.url))
    writeFileSync(
      program,
      `import { map, workers } from '${heddle}index.js'
import { bullmq } from '${heddle}bullmq.js'
const { noted } = workers(new URL('file://${module}'))
const fleet = await bullmq({ url: '${redis.url}' })
const items = Array.from({ length: 60 }, (_, item) => ({ file: '${file}', item, ms: 40 }))
console.log(JSON.stringify(await map(items, noted, { on: fleet, checkpoint: '${journal}' })))
await fleet.close()
`,
    )
    const start = (): ChildProcess => spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
    const killed = start()
    await expect.poll(() => recorded(journal), { timeout: 30_000, interval: 20 }).toBeGreaterThan(4)
    killed.kill('SIGKILL')
    await ended(killed)
    const second = start()
    let output = ''
    second.stdout?.on('data', (text) => (output += String(text)))
    expect(await ended(second)).toBe(0)
    expect(JSON.parse(output)).toEqual(range(60))
    // Nothing has run again: what was recorded is there, and what was under way or done has been taken over.
    expect(begun(file).toSorted((a, b) => a - b)).toEqual(range(60))
    const left = (await redis.client.keys('*')).filter((key) => !/-workers(:|$)|-control:|:(stalled-check|meta)$/.test(key))
    expect(left.filter((key) => /-\d+$/.test(key))).toEqual([])
  }, 120_000)

  test('a store that is killed and comes back costs nothing but time, and one that does not come back is no reason to hang', async () => {
    const own = await startRedis()
    const child = spawn(process.execPath, [command, 'worker', '--json', '--fleet', own.url, module], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    machines.push(child)
    for await (const line of createInterface({ input: child.stdout })) if (line.startsWith('{')) break
    const fleet = await bullmq({ url: own.url })
    const file = newFile()
    const mapped = map(
      range(300).map((item) => ({ file, item, ms: 15 })),
      fns.noted,
      { on: fleet },
    )
    await expect.poll(() => begun(file).length, { timeout: 20_000 }).toBeGreaterThan(20)
    await own.kill()
    await new Promise((resolve) => setTimeout(resolve, 500))
    await own.start()
    expect(await mapped).toEqual(range(300))
    expect(begun(file).toSorted((a, b) => a - b)).toEqual(range(300))
    await own.kill()
    await fleet.close()
    await own.stop()
  }, 120_000)

  test('a Redis that becomes a replica for a while, as in a failover, costs nothing but time', async () => {
    await machine()
    const fleet = await open()
    const file = newFile()
    const mapped = map(
      range(200).map((item) => ({ file, item, ms: 15 })),
      fns.noted,
      { on: fleet },
    )
    await expect.poll(() => begun(file).length, { timeout: 20_000 }).toBeGreaterThan(20)
    await redis.client.replicaof('127.0.0.1', '1')
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    await redis.client.replicaof('NO', 'ONE')
    expect(await mapped).toEqual(range(200))
    expect(begun(file).toSorted((a, b) => a - b)).toEqual(range(200))
  }, 120_000)

  test('a store that is full fails by name', async () => {
    const own = await startRedis(['--appendonly', 'yes', '--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'])
    const fleet = await bullmq({ url: own.url, patience: '5s' })
    const texts = range(8).map(() => 'x'.repeat(1_500_000))
    const error = await map(texts, fns.sizeOf, { on: fleet }).then(
      () => new Error('expected a rejection'),
      (reason: unknown) => reason as Error,
    )
    expect(error).toBeInstanceOf(FleetUnavailable)
    expect(error.message).toContain('did not take a batch')
    await fleet.close()
    await own.stop()
  }, 60_000)

  test('a queue that somebody else has written runs nothing that is not registered', async () => {
    const child = await machine()
    const said: string[] = []
    child.stderr?.on('data', (text) => said.push(String(text)))
    const store = await openStore(redis.url, 'main-default')
    const own = moduleBuildOf(new URL('fixtures/fleet.ts', import.meta.url).href)
    const queue = queueOf('main-default', own)
    await store.prepare(queue)
    await store.runs.put('evil', { host: 'h', pid: 1, fn: 'x', queue })
    const file = newFile()
    const fn = { package: own.package, module: own.module, name: 'double' }
    const good = { v: 1, run: 'evil', fns: [fn], first: 0, items: [1] }
    const texts: Record<string, string> = {
      unknown: JSON.stringify({ ...good, fns: [{ ...fn, name: 'constructor' }] }),
      proto: JSON.stringify({ ...good, fns: [{ ...fn, name: '__proto__' }] }),
      path: JSON.stringify({ ...good, fns: [{ package: '', module: '/etc/passwd', name: 'x' }] }),
      outside: JSON.stringify({ ...good, fns: [{ ...fn, module: '../../../evil' }] }),
      deep: `{"v":1,"run":"evil","fns":[${JSON.stringify(fn)}],"first":0,"items":[${'['.repeat(100_000)}${']'.repeat(100_000)}]}`,
      large: JSON.stringify({ ...good, fns: [{ ...fn, name: 'x'.repeat(2 ** 20) }] }),
      version: JSON.stringify({ ...good, v: 99 }),
      text: 'not JSON',
      blob: 'heddle-blob:../../etc/passwd',
      tags: '{"v":1,"run":"evil","fns":{"$":["map",5]},"first":0,"items":[]}',
      polluting: `{"v":1,"run":"evil","__proto__":{"spread":true},"fns":[${JSON.stringify(fn)}],"first":0,"items":[{"__proto__":{"a":1}}]}`,
    }
    await store.add(
      queue,
      Object.entries(texts).map(([name, text]) => ({ id: `evil-${name}`, text, priority: 'normal' as const })),
    )
    const ids = Object.keys(texts).map((name) => `evil-${name}`)
    await expect
      .poll(async () => (await store.states(queue, ids)).filter(({ state }) => state === 'open').length, { timeout: 30_000 })
      .toBe(0)
    const outcomes = (await store.states(queue, ids)).map(({ text = '' }) => (JSON.parse(text) as { kind: string }).kind)
    expect(outcomes.filter((kind) => kind === 'refused').length).toBeGreaterThanOrEqual(9)
    expect(lines(file)).toEqual([])
    // It still works.
    const fleet = await open()
    expect(await map([1, 2], fns.double, { on: fleet })).toEqual([2, 4])
    expect(child.exitCode).toBe(null)
    await store.close()
  })
})

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}

/** Items that began, each time that they did. */
const begun = (file: string): number[] =>
  lines(file).flatMap((line) => (line.startsWith('begin') ? [Number(line.split(' ')[1])] : []))

const recorded = (journal: string): number => Math.max(0, lines(journal).length - 1)
