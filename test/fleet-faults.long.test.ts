/**
 * The fleet under faults, on both stores: machines killed, stopped and drained, clients killed, stores that crash, networks that go silent, events that are lost. After
 * each run the acknowledged set is checked as Jepsen checks a queue: every item has one result, that of the item, and what may run once has run once.
 *
 * `FLEET_SCALE=0.1` takes a tenth of the faults; `FLEET_STORE=Redis` one store.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { map } from 'heddle'
import { bullmq, type Fleet, type FleetOptions, FleetUnavailable, WorkerLost } from 'heddle/bullmq'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Fleet as OwnFleet } from '../src/fleet/client/fleet.ts'
import { initStore, openStore } from '../src/fleet/engine/open.ts'
import { fixture, startWorker } from '../src/fleet/fleet.fixture.ts'
import { fleetFunctions as fns } from './fixtures/fleet.ts'
import { postgresPath, startPostgres } from './support/postgres.ts'
import { randomFrom } from './support/random.ts'
import { redisPath, startRedis } from './support/redis.ts'

const command = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const module = fileURLToPath(new URL('fixtures/fleet.ts', import.meta.url))
const scale = Number(process.env['FLEET_SCALE'] ?? 1)
const times = (full: number): number => Math.max(1, Math.round(full * scale))
const range = (length: number): number[] => Array.from({ length }, (_, i) => i)
const sleep = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))
/** Debian's package `faketime`. */
const faketime = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'
/** An environment in which clocks show another time. */
const skewed = (seconds: number): Record<string, string> => ({
  LD_PRELOAD: faketime,
  FAKETIME: `${seconds > 0 ? '+' : ''}${seconds}s`,
  FAKETIME_DONT_FAKE_MONOTONIC: '1',
})
const random = randomFrom(Number(process.env['FC_SEED'] ?? Date.now()))

const stores = [
  { name: 'Redis', path: redisPath, start: startRedis },
  { name: 'Postgres', path: postgresPath, start: startPostgres },
].filter(({ name }) => process.env['FLEET_STORE'] === undefined || process.env['FLEET_STORE'] === name)

for (const { name, path, start } of stores)
  describe.runIf(path())(`faults on ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-faults-'))
    const machines = new Set<ChildProcess>()
    let store: Awaited<ReturnType<typeof start>>
    let files = 0

    const newFile = (): string => {
      const file = join(folder, `log-${files++}`)
      appendFileSync(file, '')
      return file
    }
    const machine = async (url = store.url, env: Record<string, string> = {}, ...options: string[]): Promise<ChildProcess> => {
      const child = spawn(
        process.execPath,
        [command, 'worker', '--json', '--fleet', url, '--concurrency', '2', ...options, module],
        {
          stdio: ['ignore', 'pipe', 'ignore'],
          env: { ...process.env, ...env },
        },
      )
      machines.add(child)
      child.once('exit', () => machines.delete(child))
      for await (const line of createInterface({ input: child.stdout })) if (line.startsWith('{')) break
      return child
    }
    const ended = (child: ChildProcess): Promise<unknown> =>
      child.exitCode === null && child.signalCode === null ? once(child, 'exit') : Promise.resolve()
    const noted = (file: string, count: number, ms: number): { file: string; item: number; ms: number }[] =>
      range(count).map((item) => ({ file, item, ms }))
    /** Some more items have begun: by the length of the file, which is long in the end. */
    const grown = async (file: string, items: number): Promise<void> => {
      const { size } = statSync(file)
      await expect.poll(() => statSync(file).size, { timeout: 60_000 }).toBeGreaterThan(size + 30 * items)
    }
    /** More and more of them, until it is over. */
    const endless = function* (file: string, ms: number, over: () => boolean, least = 0) {
      for (let item = 0; item < least || !over(); item++) yield { file, item, ms }
    }
    const open = (options: Partial<FleetOptions> = {}): Promise<Fleet> => bullmq({ url: store.url, patience: '60s', ...options })

    beforeAll(async () => {
      store = await (start === startPostgres ? startPostgres(['max_connections=300']) : startRedis())
      await initStore(store.url, 'main-default')
    })
    afterEach(async () => {
      const all = [...machines]
      for (const child of all) {
        child.kill('SIGCONT')
        child.kill('SIGKILL')
      }
      await Promise.all(all.map(ended))
    })
    afterAll(async () => {
      await store.stop()
      rmSync(folder, { recursive: true, force: true })
    })

    test('machines are killed under load: nothing is lost, nothing fails, each result is recorded once', async () => {
      const kills = times(50)
      const file = newFile()
      const crew = [await machine(), await machine(), await machine()]
      const fleet = await open()
      let killed = 0
      const items = endless(file, 5, () => killed >= kills, times(100_000))
      const mapped = map(items, fns.noted, { on: fleet, retry: 5 })
      while (killed < kills) {
        await grown(file, 200)
        const at = random.below(crew.length)
        crew[at]?.kill('SIGKILL')
        killed++
        crew[at] = await machine()
      }
      const results = await mapped
      expect(results).toEqual(range(results.length))
      await fleet.close()
      const seen = begun(file)
      expect(new Set(seen).size).toBe(results.length)
      console.log(`${name}: ${results.length} items, ${killed} kills, ${seen.length - results.length} runs more`)
    })

    test('a machine that was stopped for longer than its lock: its result is refused, its signal aborted soon after it wakes', async () => {
      const late: number[] = []
      for (let round = 0; round < times(10); round++) {
        const file = newFile()
        const zombies = await Promise.all(range(10).map(() => machine()))
        const fleet = await open()
        // Those of one piece end the moment that their machine wakes: results that come too late. The others must be stopped.
        const items = range(20).map((item) => ({ file, item, ms: 25_000, pieces: item < 10 ? 1 : 500 }))
        const mapped = map(items, fns.inPieces, { on: fleet, retry: 3, concurrency: 20 })
        await expect.poll(() => begun(file).length, { timeout: 60_000 }).toBe(20)
        for (const each of zombies) each.kill('SIGSTOP')
        const locked = sleep(16_000)
        const stale = new Set(runsOf(file))
        await machine()
        await machine()
        await expect.poll(() => begun(file).length, { timeout: 120_000 }).toBeGreaterThanOrEqual(24)
        // No lock of theirs lives any more.
        await locked
        const elsewhere = new Set(begun(file).filter((item, at, all) => all.indexOf(item) < at))
        const woken = performance.now()
        for (const each of zombies) each.kill('SIGCONT')
        await expect.poll(() => stopped(file).length, { timeout: 20_000, interval: 20 }).toBeGreaterThanOrEqual(10)
        late.push(performance.now() - woken)
        const results = await mapped
        expect(results).toHaveLength(20)
        // What nobody else had yet may be given; what somebody had begun again may not.
        expect(results.filter((run, item) => stale.has(run) && elsewhere.has(item))).toEqual([])
        await fleet.close()
      }
      console.log(`${name}: zombies aborted ${late.map((ms) => Math.round(ms)).join(', ')} ms after waking`)
    })

    test('the store crashes again and again: what it has acknowledged is there, and work goes on', async () => {
      const file = newFile()
      await machine()
      await machine()
      const fleet = await open()
      const crashes = times(20)
      const count = 300 * crashes
      const progress = { over: false }
      const mapped = map(noted(file, count, 10), fns.noted, { on: fleet, retry: 5 }).finally(() => (progress.over = true))
      const resumed: number[] = []
      for (let i = 0; i < crashes && !progress.over; i++) {
        const before = begun(file).length
        while (!progress.over && begun(file).length < before + 50) await sleep(20)
        if (progress.over) break
        await store.kill()
        await sleep(random.below(1_500))
        await store.start()
        const [at, now] = [performance.now(), begun(file).length]
        while (!progress.over && begun(file).length <= now) await sleep(20)
        resumed.push(performance.now() - at)
      }
      expect(await mapped).toEqual(range(count))
      await fleet.close()
      console.log(`${name}: ${resumed.length} crashes, resumed after at most ${Math.round(Math.max(...resumed))} ms`)
      expect(Math.max(...resumed)).toBeLessThan(10_000)
    })

    test('a network that is silent for a minute: resumed soon after it is back, and nobody works on what is somebody else’s', async () => {
      const proxy = await silentProxy(store.port)
      const url = store.url.replace(`:${store.port}`, `:${proxy.port}`)
      const file = newFile()
      const cut = await machine(url)
      const fleet = await open()
      const long = map(noted(file, 1, 40_000), fns.noted, { on: fleet, retry: 5 })
      await expect.poll(() => begun(file).length, { timeout: 60_000 }).toBe(1)
      const shortFile = newFile()
      let back = false
      const mapped = map(
        endless(shortFile, 200, () => back),
        fns.noted,
        { on: fleet, retry: 5 },
      )
      await expect.poll(() => begun(shortFile).length, { timeout: 60_000 }).toBeGreaterThan(5)
      proxy.silence()
      const silentSince = performance.now()
      await machine()
      await expect.poll(() => stopped(file).length, { timeout: 30_000, interval: 50 }).toBe(1)
      const fencedMs = performance.now() - silentSince
      await sleep(Math.max(0, 60_000 - fencedMs))
      const before = begunBy(shortFile, cut.pid)
      const at = performance.now()
      proxy.speak()
      await expect.poll(() => begunBy(shortFile, cut.pid), { timeout: 60_000, interval: 50 }).toBeGreaterThan(before)
      const resumedMs = performance.now() - at
      back = true
      const { length: count } = await mapped
      expect(await mapped).toEqual(range(count))
      expect(await long).toEqual([0])
      await fleet.close()
      proxy.close()
      console.log(
        `${name}: silent for 60 s, fenced after ${Math.round(fencedMs)} ms, resumed after ${Math.round(resumedMs)} ms, ${begun(shortFile).length - count} runs more`,
      )
      // The lock lives for 15 seconds from its last renewal.
      expect(fencedMs).toBeLessThan(16_000)
      expect(resumedMs).toBeLessThan(10_000)
    })

    test('an item that takes its machine down again and again is lost alone, whatever runs beside it', async () => {
      const file = newFile()
      const fleet = await open()
      const bad = new Set([17])
      const items = range(60).map((item) => ({ file, item, bad: 17, ms: 300 }))
      const crew = [await machine(), await machine()]
      const progress = { over: false, deaths: 0 }
      const nurse = async (): Promise<void> => {
        while (!progress.over) {
          for (const [i, child] of crew.entries()) {
            if (child.exitCode === null && child.signalCode === null) continue
            progress.deaths++
            crew[i] = await machine()
          }
          await sleep(50)
        }
      }
      const nursing = nurse()
      const { failed, ok } = await map(items, fns.slowPoison, { on: fleet, retry: 3, onFailure: 'settle' }).finally(
        () => (progress.over = true),
      )
      await nursing
      await fleet.close()
      console.log(`${name}: ${progress.deaths} machines died of the poison`)
      expect(failed.map(({ index }) => index)).toEqual([...bad])
      expect(failed[0]?.error).toBeInstanceOf(WorkerLost)
      expect(ok).toHaveLength(59)
    })

    test('a tenant with a thousand times as much work and weight: the small one waits for two batches at most', async () => {
      await initStore(store.url, 'main-heavy')
      await initStore(store.url, 'main-light')
      const file = newFile()
      await machine(store.url, {}, '--tenant', 'heavy=1000,light=1')
      const [heavy, light] = [await open({ tenant: 'heavy', weight: 100 }), await open({ tenant: 'light' })]
      const cancel = new AbortController()
      const load = map(noted(file, 1_000, 250), fns.noted, { on: heavy, signal: cancel.signal }).catch(() => 'cancelled')
      await expect.poll(() => begun(file).length, { timeout: 60_000 }).toBeGreaterThan(20)
      const ahead: number[] = []
      const call = light.bind(fns.noted)
      for (let i = 0; i < times(20); i++) {
        const before = begun(file).length
        await call({ file, item: 10_000 + i, ms: 250 })
        const order = begun(file)
        ahead.push(order.indexOf(10_000 + i) - before)
        await sleep(random.below(500))
      }
      cancel.abort()
      await load
      await Promise.all([heavy.close(), light.close()])
      console.log(`${name}: batches of the heavy tenant begun before the call of the light one: ${ahead.join(', ')}`)
      // Two of each slot.
      expect(Math.max(...ahead)).toBeLessThanOrEqual(4)
    })

    test.runIf(existsSync(faketime) && name === 'Postgres').each([60, -60])(
      'a clock that is off by %d s is refused where locks run out by it',
      async (seconds) => {
        const child = spawn(process.execPath, [command, 'worker', '--fleet', store.url, module], {
          stdio: ['ignore', 'ignore', 'pipe'],
          env: { ...process.env, ...skewed(seconds) },
        })
        let said = ''
        child.stderr?.on('data', (text) => (said += String(text)))
        await once(child, 'close')
        expect(child.exitCode).not.toBe(0)
        expect(said).toMatch(new RegExp(`The clock of this machine is (60|59)\\.\\d s ${seconds > 0 ? 'ahead of' : 'behind'}`))
      },
    )

    test.runIf(existsSync(faketime) && name === 'Redis')('clocks that are a minute off do no harm on Redis', async () => {
      const file = newFile()
      await Promise.all([machine(store.url, skewed(60)), machine(store.url, skewed(-60)), machine()])
      const fleet = await open()
      // Longer than a lock, and many batches.
      const count = 300
      expect(await map(noted(file, count, 500), fns.noted, { on: fleet })).toEqual(range(count))
      await fleet.close()
      expect(begun(file)).toHaveLength(count)
      expect(new Set(lines(file).map((line) => line.split(' ')[2])).size).toBe(3)
    })

    test.runIf(name === 'Redis')(
      'a Redis that is full while work is under way: it waits or fails by name, and nothing is lost',
      async () => {
        const file = newFile()
        await machine()
        const fleet = await open()
        const redis = store as Awaited<ReturnType<typeof startRedis>>
        const count = 600
        const mapped = map(noted(file, count, 20), fns.noted, { on: fleet, retry: 5, onFailure: 'settle' })
        await expect.poll(() => begun(file).length, { timeout: 60_000 }).toBeGreaterThan(50)
        await redis.client.config('SET', 'maxmemory', '1mb')
        await sleep(10_000)
        await redis.client.config('SET', 'maxmemory', '0')
        const { ok, failed } = await mapped
        for (const { error } of failed) expect(error).toBeInstanceOf(FleetUnavailable)
        expect(ok.length + failed.length).toBe(count)
        console.log(
          `Redis full for 10 s: ${ok.length} done, ${failed.length} failed by name, ${begun(file).length - ok.length} runs more`,
        )
        // Afterwards all is well.
        expect(await map(range(50), fns.double, { on: fleet })).toEqual(range(50).map((n) => 2 * n))
        await fleet.close()
      },
    )

    test('machines are drained again and again under load: nothing is lost, and nothing runs twice', async () => {
      const drains = times(100)
      const file = newFile()
      const crew = [await machine(), await machine()]
      const fleet = await open()
      let drained = 0
      // Without retry, a loss would be a failure, and so would be a lock that ran out.
      const mapped = map(
        endless(file, 50, () => drained >= drains),
        fns.noted,
        { on: fleet },
      )
      const took: number[] = []
      while (drained < drains) {
        await grown(file, 20)
        const next = machine()
        const old = crew.shift() as ChildProcess
        const at = performance.now()
        old.kill('SIGTERM')
        await ended(old)
        took.push(performance.now() - at)
        drained++
        crew.push(await next)
      }
      const { length: count } = await mapped
      expect(await mapped).toEqual(range(count))
      expect(begun(file).toSorted((a, b) => a - b)).toEqual(range(count))
      await fleet.close()
      took.sort((a, b) => a - b)
      console.log(`${name}: ${drained} drains of ${Math.round(took[took.length >> 1] ?? 0)} ms (median), ${count} items`)
    })

    test.each(['', ', retry: 3'])(
      'a client is killed again and again, with a checkpoint%s: the same results, and what is recorded runs once',
      async (more) => {
        const kills = times(50)
        const count = 20 * kills
        const [file, journal, program] = [
          newFile(),
          join(folder, `journal-${files}.jsonl`),
          join(folder, `client-${files++}.mjs`),
        ]
        await machine()
        const heddle = fileURLToPath(new URL('../dist/', import.meta.url))
        writeFileSync(
          program,
          `import { map, workers } from '${heddle}index.js'
import { bullmq } from '${heddle}bullmq.js'
const { noted } = workers(new URL('file://${module}'))
const fleet = await bullmq({ url: '${store.url}', patience: '60s' })
const items = Array.from({ length: ${count} }, (_, item) => ({ file: '${file}', item, ms: 20 }))
console.log(JSON.stringify(await map(items, noted, { on: fleet, checkpoint: '${journal}'${more} })))
await fleet.close()
`,
        )
        let killed = 0
        for (;;) {
          const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
          let output = ''
          child.stdout?.on('data', (text) => (output += String(text)))
          if (killed < kills) {
            const before = recorded(journal)
            while (child.exitCode === null && recorded(journal) <= before) await sleep(10)
            await sleep(random.below(200))
            if (child.kill('SIGKILL')) killed++
          }
          await ended(child)
          if (child.exitCode !== 0) continue
          expect(createHash('sha256').update(output.trim()).digest('hex')).toBe(
            createHash('sha256')
              .update(JSON.stringify(range(count)))
              .digest('hex'),
          )
          break
        }
        const runs = begun(file)
        expect(new Set(runs).size).toBe(count)
        console.log(`${name}: ${killed} kills of the client${more}, ${runs.length - count} runs more`)
        // With retry, calls that were under way run again: at most a window of them for each kill.
        expect(runs.length - count).toBeLessThanOrEqual(more === '' ? 0 : kills * 1_024)
      },
    )

    test('two builds at once: nobody runs the work of the other', async () => {
      const [old, now] = [await machine(store.url, { HEDDLE_BUILD: 'one' }), await machine(store.url, { HEDDLE_BUILD: 'two' })]
      const run = async (build: string): Promise<string> => {
        const [file, program] = [newFile(), join(folder, `build-${files++}.mjs`)]
        const heddle = fileURLToPath(new URL('../dist/', import.meta.url))
        writeFileSync(
          program,
          `import { map, workers } from '${heddle}index.js'
import { bullmq } from '${heddle}bullmq.js'
const { noted } = workers(new URL('file://${module}'))
const fleet = await bullmq({ url: '${store.url}', patience: '60s' })
await map(Array.from({ length: 400 }, (_, item) => ({ file: '${file}', item, ms: 1 })), noted, { on: fleet })
await fleet.close()
`,
        )
        const child = spawn(process.execPath, [program], { stdio: 'inherit', env: { ...process.env, HEDDLE_BUILD: build } })
        await ended(child)
        return file
      }
      const [ofOne, ofTwo] = await Promise.all([run('one'), run('two')])
      expect([begun(ofOne).length, begunBy(ofOne, old.pid)]).toEqual([400, 400])
      expect([begun(ofTwo).length, begunBy(ofTwo, now.pid)]).toEqual([400, 400])
    })

    test('three of ten events are lost: nothing is, and nothing is late by more than two seconds', async () => {
      const space = 'lossy-default'
      await initStore(store.url, space)
      const worker = await startWorker(store.url, [fixture('fleet.ts')], { fleet: 'lossy' })
      const inner = await openStore(store.url, space)
      let dropped = 0
      const lossy = Object.create(inner, {
        listen: {
          value: (queue: string, hear: Parameters<typeof inner.listen>[1]) =>
            inner.listen(queue, {
              ...hear,
              done: (id, text) => (random.next() < 0.3 ? void dropped++ : hear.done(id, text)),
            }),
        },
      }) as typeof inner
      // Methods of the store use fields that only it has.
      for (const key of [
        'prepare',
        'add',
        'states',
        'messages',
        'recall',
        'forget',
        'jobs',
        'counts',
        'queues',
        'tidy',
        'now',
        'quota',
        'publish',
        'hear',
        'close',
      ] as const)
        Object.defineProperty(lossy, key, { value: (inner[key] as (...args: unknown[]) => unknown).bind(inner) })
      for (const key of ['askAfterMs', 'runs', 'workers', 'values', 'valueQueue'] as const)
        Object.defineProperty(lossy, key, { value: inner[key] })
      const settings = { name: 'lossy', tenant: 'default', space, weight: 1, priority: 'normal' as const, lost: undefined }
      const fleet = new OwnFleet(
        lossy,
        { ...settings, patienceMs: 30_000, blobs: undefined, connect: () => openStore(store.url, space) },
        0,
      )
      await fleet.open()
      const double = fleet.bind(fns.double)
      let latest = 0
      for (let i = 0; i < times(300); i++) {
        const at = performance.now()
        expect(await double(i)).toBe(2 * i)
        latest = Math.max(latest, performance.now() - at)
      }
      expect(await map(range(5_000), fns.double, { on: fleet as unknown as Fleet })).toEqual(range(5_000).map((n) => 2 * n))
      await fleet.close()
      await worker.drain(0)
      console.log(`${name}: ${dropped} events dropped, the slowest call took ${Math.round(latest)} ms`)
      expect(latest).toBeLessThan(2_000)
    })

    test('a function that computes for a minute keeps its lock', async () => {
      const worker = await startWorker(store.url, [fixture('fleet.ts')])
      const fleet = await open()
      expect(await map([60_000 * Math.min(1, scale * 5)], fns.spin, { on: fleet })).toHaveLength(1)
      expect([worker.metrics.redelivered, worker.metrics.leaseLost]).toEqual([0, 0])
      await fleet.close()
      await worker.drain(0)
    })
  })

/** Passes everything on, until it is silent: nothing arrives any more, and no connection is ended. */
async function silentProxy(port: number): Promise<{ port: number; silence(): void; speak(): void; close(): void }> {
  const sockets = new Set<Socket>()
  let silent = false
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('data', (piece) => {
        // What is sent into a network that is gone does not arrive later either.
        if (!silent && !to.destroyed) to.write(piece)
      })
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        if (!silent) to.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    silence: () => void (silent = true),
    // Connections of before stay half open: their other end has forgotten them.
    speak: () => void (silent = false),
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}
const itemsOf = (file: string, kind: string): number[] =>
  lines(file).flatMap((line) => (line.startsWith(kind) ? [Number(line.split(' ')[1])] : []))
/** Items that began, each time that they did. */
const begun = (file: string): number[] => itemsOf(file, 'begin')
const stopped = (file: string): number[] => itemsOf(file, 'stop')
const begunBy = (file: string, pid: number | undefined): number =>
  lines(file).filter((line) => line.startsWith('begin') && line.endsWith(` ${pid}`)).length
/** Names of the runs of `inPieces`. */
const runsOf = (file: string): string[] =>
  lines(file).flatMap((line) => (line.startsWith('begin') ? [line.split(' ')[2] ?? ''] : []))
const recorded = (journal: string): number => Math.max(0, lines(journal).length - 1)
