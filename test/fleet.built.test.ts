/** The fleet on a real Redis: what a program sees of it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { AsyncLocalStorage } from 'node:async_hooks'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { all, broadcast, Cancelled, graph, guard, InvalidOption, map, mapReduce, partialResults, stream, TimedOut } from 'heddle'
import * as otel from '@opentelemetry/api'
import type { Context, SpanOptions } from '@opentelemetry/api'
import { bullmq, type Fleet, type FleetOptions, FleetRefused, FleetUnavailable, NoWorkers, PayloadTooLarge } from 'heddle/bullmq'
import { record } from 'heddle/trace'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { fixture, makeWorker, startWorker } from '../src/fleet/fleet.fixture.ts'
import { blobStore } from '../src/fleet/engine/blobs.ts'
import { openStore } from '../src/fleet/engine/open.ts'
import type { AuditLine } from '../src/fleet/worker/audit.ts'
import { Machine } from '../src/fleet/worker/machine.ts'
import { WorkerMetrics } from '../src/fleet/worker/metrics.ts'
import type { FleetWorker } from '../src/fleet/worker/worker.ts'
import { Sweeper } from '../src/fleet/worker/sweeper.ts'
import { fleetFunctions as fns } from './fixtures/fleet.ts'
import { plain } from './fixtures/plain.ts'
import { freePort, redisPath, startRedis, type TestRedis } from './support/redis.ts'

const range = (length: number): number[] => Array.from({ length }, (_, i) => i)
const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => Promise.reject(new Error('expected a rejection')),
    (error: unknown) => error as Error,
  )

describe.runIf(redisPath())('the fleet', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-fleet-'))
  const blobs = pathToFileURL(join(folder, 'blobs')).href
  let redis: TestRedis
  let worker: FleetWorker
  const fleets: Fleet[] = []
  const open = async (options: Partial<FleetOptions> = {}): Promise<Fleet> => {
    const fleet = await bullmq({ url: redis.url, ...options })
    fleets.push(fleet)
    return fleet
  }
  /** All keys that are not those of the worker at rest. */
  const keysLeft = async (): Promise<string[]> =>
    (await redis.client.keys('*')).filter((key) => !/-workers(:|$)|-control:|-[\da-f]{12}:(stalled-check|meta)$/.test(key)).sort()

  beforeAll(async () => {
    redis = await startRedis()
    worker = await startWorker(redis.url, ['fleet.ts', 'plain.ts'].map(fixture), { blobs: undefined })
  })
  afterEach(async () => {
    await Promise.all(fleets.splice(0).map((fleet) => fleet.close()))
  })
  afterAll(async () => {
    await worker.drain(0)
    await redis.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  test('gives results in order, in batches', async () => {
    const fleet = await open()
    const before = worker.metrics.batches
    expect(await map(range(20_000), fns.double, { on: fleet })).toEqual(range(20_000).map((n) => 2 * n))
    expect(worker.metrics.batches - before).toBeLessThan(2_000)
    expect(fleet.slots).toBe(2)
  })

  test('reads no further ahead than its window, whatever the length of a source', async () => {
    const fleet = await open()
    let pulled = 0
    let most = 0
    let done = 0
    function* source(): Generator<number> {
      for (let i = 0; i < 60_000; i++) {
        most = Math.max(most, ++pulled - done)
        yield i
      }
    }
    const sum = await stream(source())
      .map(fns.double, { on: fleet })
      .reduce((total, n) => {
        done++
        return total + n
      }, 0)
    expect(sum).toBe(60_000 * 59_999)
    expect(most).toBeLessThan(30_000)
  })

  test('an error has its class and cause; settle, partial results, retry and timeout are those of any map', async () => {
    const fleet = await open()
    const error = await failure(map(range(10), fns.oddFails, { on: fleet, concurrency: 1 }))
    expect(error).toBeInstanceOf(RangeError)
    expect([error.message, error.cause]).toEqual(['odd: 1', 1])
    expect(Object.values(partialResults(error)?.results ?? {})[0]).toBe(0)
    const { ok, failed } = await map(range(10), fns.oddFails, { on: fleet, onFailure: 'settle' })
    expect([ok, failed.map(({ index }) => index)]).toEqual([
      [0, 2, 4, 6, 8],
      [1, 3, 5, 7, 9],
    ])
    expect(await map(range(5), fns.failsTwice, { on: fleet, retry: { retries: 3, base: 1 } })).toEqual(range(5))
    const late = await failure(map([60_000], fns.sleep, { on: fleet, timeout: 50 }))
    expect(late).toBeInstanceOf(TimedOut)
  })

  test('all, mapReduce, streams in a row, graphs and guards run there too', async () => {
    const fleet = await open()
    const double = fleet.bind(fns.double)
    const before = worker.metrics.items.done
    expect(await all({ a: () => double(1), b: () => double(2) })).toEqual({ a: 2, b: 4 })
    expect(await guard(double, { retry: 2 })(21)).toBe(42)
    expect(await mapReduce(range(100), fns.double, fns.add, { on: fleet })).toBe(9_900)
    expect(await stream(range(3)).map(fns.double, { on: fleet }).map(fns.toText, { on: fleet }).toArray()).toEqual([
      '<0>',
      '<2>',
      '<4>',
    ])
    const g = graph('g')
    const one = g.task('one', () => 1)
    const two = g.task('two', { n: one }, ({ n }) => n + 1)
    const sized = g.task('sized', { two }, fns.sizeOfRecord, { on: fleet })
    expect(await g.run(sized)).toBe(1)
    expect(worker.metrics.items.done - before).toBeGreaterThan(105)
  })

  test('a cancellation reaches the machine before its items end, and nothing is left', async () => {
    const fleet = await open()
    const file = join(folder, 'cancelled')
    const stop = new AbortController()
    const items = range(6).map((item) => ({ file, item, ms: 30_000 }))
    const settled = failure(map(items, fns.noted, { on: fleet, signal: stop.signal }))
    await expect.poll(() => linesOf(file).length).toBeGreaterThan(1)
    stop.abort()
    expect(await settled).toBeInstanceOf(Cancelled)
    await expect.poll(() => linesOf(file).filter((line) => line.startsWith('stop')).length).toBeGreaterThan(1)
    expect(linesOf(file).filter((line) => line.startsWith('end'))).toEqual([])
    await fleet.close()
    expect(await keysLeft()).toEqual([])
  })

  test('without a worker of the same build it says which builds are wanted and alive', async () => {
    const fleet = await open({ name: 'lonely', patience: 300 })
    const none = await failure(map(range(3), fns.double, { on: fleet }))
    expect(none).toBeInstanceOf(NoWorkers)
    expect(none.message).toMatch(/has heddle\/test\/fixtures\/fleet @[\da-f]{12} since 300 ms. Alive are: none/)
    const other = await startWorker(redis.url, [fixture('exports.ts')], { fleet: 'lonely' })
    const error = await failure(fleet.bind(fns.double)(1))
    expect(error).toBeInstanceOf(NoWorkers)
    expect(error.message).toMatch(/Alive are: heddle\/test\/fixtures\/exports @[\da-f]{12} \(.*, process \d+\)/)
    await other.drain(0)
    await fleet.close()
    // Also what was on its way to the store when the run was given up.
    expect((await keysLeft()).filter((key) => key.includes(':lonely-'))).toEqual([])
  })

  test('large values need a blob store, and leave nothing in it', async () => {
    const fleet = await open()
    const large = 'y'.repeat(5 * 2 ** 20)
    expect(await failure(map([large], fns.sizeOf, { on: fleet }))).toBeInstanceOf(PayloadTooLarge)
    const result = await failure(map([5 * 2 ** 20], fns.repeat, { on: fleet }))
    expect(result).toBeInstanceOf(PayloadTooLarge)
    expect(await map(['a', 'bb'], fns.sizeOf, { on: fleet })).toEqual([1, 2])
    const second = await startWorker(redis.url, [fixture('fleet.ts')], { fleet: 'blobs', blobs: undefined })
    await second.drain(0)
    const { blobStore } = await import('../src/fleet/engine/blobs.ts')
    const third = await startWorker(redis.url, [fixture('fleet.ts')], {
      fleet: 'blobs',
      blobs: blobStore(blobs, 'blobs-default'),
    })
    const withBlobs = await open({ name: 'blobs', blobs })
    expect(await map([large, 'short'], fns.sizeOf, { on: withBlobs })).toEqual([large.length, 5])
    const texts = await map([5 * 2 ** 20, 3], fns.repeat, { on: withBlobs })
    expect(texts.map((text) => text.length)).toEqual([5 * 2 ** 20, 3])
    await withBlobs.close()
    expect(readdirSync(join(folder, 'blobs', 'blobs-default'))).toEqual([])
    await third.drain(0)
  })

  test('no key is left after a run', async () => {
    const fleet = await open()
    await map(range(500), fns.double, { on: fleet })
    await map(range(50), fns.oddFails, { on: fleet, onFailure: 'settle' })
    await fleet.bind(fns.double)(2)
    await fleet.close()
    expect(await keysLeft()).toEqual([])
  })

  test('what a dead client left is removed after a while', async () => {
    const store = await openStore(redis.url, 'dead-default')
    await store.runs.put('gone-1', { host: 'h', pid: 1, fn: 'double', queue: 'dead-default-0123456789ab' })
    const text = JSON.stringify({ v: 1, run: 'gone-1', fns: [], first: 0, items: [] })
    await store.add('dead-default-0123456789ab', [{ id: 'gone-1-0', text, priority: 'normal' }])
    const sweeper = new Sweeper(store, undefined, 100)
    expect(await sweeper.sweep()).toEqual([])
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(await sweeper.sweep()).toEqual(['gone-1'])
    await store.tidy('dead-default-runs')
    expect((await redis.client.keys('*')).filter((key) => key.includes(':dead-'))).toEqual([])
    await store.close()
  })

  test('a store that may lose work is refused, and one that is away is named', async () => {
    const risky = await startRedis(['--appendonly', 'no', '--maxmemory-policy', 'allkeys-lru'])
    const error = await failure(bullmq({ url: risky.url }))
    expect(error).toBeInstanceOf(FleetRefused)
    expect(error.message).toMatch(/maxmemory-policy noeviction.*appendonly yes/)
    const fleet = await bullmq({ url: risky.url, preflight: 'off' })
    await fleet.close()
    await risky.stop()
    const away = await failure(bullmq({ url: `redis://user:secret@127.0.0.1:${await freePort()}` }))
    expect(away).toBeInstanceOf(FleetUnavailable)
    expect(away.message).not.toContain('secret')
  })

  test('a job whose run has no record is removed, also one that a machine gave when its client had left', async () => {
    const store = await openStore(redis.url, 'main-orphans')
    const queue = 'main-orphans-0123456789ab'
    await store.prepare(queue)
    await store.add(queue, [{ id: 'gone-7-0', text: '{}', priority: 'normal' }])
    await store.runs.put('alive-1', { host: 'h', pid: 1, fn: 'double', queue })
    await store.add(queue, [{ id: 'alive-1-0', text: '{}', priority: 'low' }])
    const sweeper = new Sweeper(store, undefined)
    await sweeper.sweep()
    expect((await store.jobs(queue)).toSorted()).toEqual(['alive-1-0', 'gone-7-0'])
    await sweeper.sweep()
    expect(await store.jobs(queue)).toEqual(['alive-1-0'])
    await store.recall(queue, ['alive-1-0'])
    await store.runs.drop('alive-1')
    await store.tidy(queue)
    await store.tidy('main-orphans-runs')
    await store.close()
  })

  test('a tenant with the access list of the docs does its own work, and reads nothing of another', async () => {
    const page = readFileSync('docs/fleet.md', 'utf8')
    const [, rule = ''] = /^ACL SETUSER (.*)$/m.exec(page) ?? []
    const words = rule.split(' ')
    await redis.client.call('ACL', 'SETUSER', ...words)
    const url = redis.url.replace('redis://', 'redis://acme:password@')
    const own = await startWorker(url, [fixture('fleet.ts')], { tenant: 'acme' })
    const fleet = await open({ url, tenant: 'acme' })
    expect(await map(range(50), fns.double, { on: fleet })).toEqual(range(50).map((n) => 2 * n))
    const { workers, slots } = await fleet.status()
    expect([workers.length, slots]).toEqual([1, 2])
    // 200 keys of somebody else, none of which it can read.
    const store = await openStore(redis.url, 'main-other')
    for (let i = 0; i < 200; i++) await redis.client.set(`{heddle}:main-other-${i}`, 'secret')
    const spy = new Redis(url)
    const read = await Promise.allSettled(range(200).map((i) => spy.get(`{heddle}:main-other-${i}`)))
    expect(read.filter(({ status }) => status === 'fulfilled')).toEqual([])
    spy.disconnect()
    expect(await failure(bullmq({ url: url.replace('password', 'wrong'), tenant: 'acme' }))).toBeInstanceOf(FleetRefused)
    const foreign = await failure(bullmq({ url, tenant: 'other' }))
    expect(foreign.message).toMatch(/NOPERM|No permissions|does not let/i)
    await own.drain(0)
    await store.close()
    await redis.client.del(range(200).map((i) => `{heddle}:main-other-${i}`))
  })

  test('a run is cancelled, and a worker drained, from outside', async () => {
    const fleet = await open()
    const store = await openStore(redis.url, 'main-default')
    const settled = failure(map([60_000, 60_000], fns.sleep, { on: fleet }))
    const running = async (): Promise<string | undefined> => (await fleet.status()).runs[0]?.id
    await expect.poll(running).toBeDefined()
    const id = (await running()) as string
    const { command } = await import('../src/cli/commands/fleet.ts')
    const { commands } = await import('../src/cli/commands.ts')
    const spec = commands.find(({ name }) => name === 'fleet') as never
    const options = { fleet: redis.url, json: true } as const
    expect(await command({ command: spec, positionals: ['cancel', id], options })).toBe(0)
    const error = await settled
    expect(error).toBeInstanceOf(Cancelled)
    expect(error.message).toContain('heddle fleet cancel')
    expect(await command({ command: spec, positionals: ['check'], options })).toBe(0)
    await expect(command({ command: spec, positionals: ['cancel', 'nobody'], options })).rejects.toThrow(
      'There is no run "nobody"',
    )
    await store.close()
  })

  test('a quota bounds how many batches of a tenant run at once', async () => {
    const own = await startWorker(redis.url, [fixture('fleet.ts')], { tenant: 'bounded', slots: 4 })
    const store = await openStore(redis.url, 'main-bounded')
    const most = async (): Promise<number> => {
      const fleet = await open({ tenant: 'bounded' })
      let highest = 0
      const watch = setInterval(() => (highest = Math.max(highest, own.busy)), 5)
      await map(
        range(8).map(() => 60),
        fns.sleep,
        { on: fleet },
      )
      clearInterval(watch)
      await fleet.close()
      return highest
    }
    expect(await most()).toBeGreaterThan(1)
    await store.setQuota({ concurrency: 1 })
    expect([await store.quota(), await most()]).toEqual([{ concurrency: 1 }, 1])
    await store.setQuota({})
    expect([await store.quota(), (await most()) > 1]).toEqual([{}, true])
    await store.close()
    await own.drain(0)
  })

  test.each([undefined, blobs])('a broadcast value goes to a machine once, by its content (blobs: %s)', async (place) => {
    const own = await startWorker(redis.url, [fixture('fleet.ts')], {
      tenant: 'broadcasts',
      blobs: place === undefined ? undefined : blobStore(place, 'main-broadcasts'),
    })
    const fleet = await open({ tenant: 'broadcasts', ...(place !== undefined && { blobs: place }) })
    const content = (): Map<string, number> => new Map(range(2_000).map((n) => [`word ${n}`, n]))
    const words = broadcast(content())
    const items = range(500).map((n) => ({ word: `word ${n}`, words }))
    expect(await map(items, fns.lookUp, { on: fleet })).toEqual(range(500))
    expect(own.broadcastsFetched).toBe(1)
    // Another run, another handle, calls, a retry: the same content is there.
    const again = broadcast(content())
    const lookUpTwo = fleet.bind(fns.lookUpTwo)
    expect(await lookUpTwo('word 7', again)).toBe(7)
    expect(await map([{ word: 'word 9', words: again }], fns.lookUp, { on: fleet, retry: 2 })).toEqual([9])
    expect(own.broadcastsFetched).toBe(1)
    words.dispose()
    expect(await failure(map([{ word: 'x', words }], fns.lookUp, { on: fleet }))).toMatchObject({ name: 'Closed' })
    await fleet.close()
    await own.drain(0)
    expect((await keysLeft()).filter((key) => key.includes('-broadcasts-'))).toEqual([])
    expect(place === undefined ? [] : readdirSync(new URL(`${place}/main-broadcasts`))).toEqual([])
  })

  test('a rate of a tenant bounds items, of all its workers and functions together', async () => {
    const own = [await startWorker(redis.url, [fixture('fleet.ts')], { tenant: 'rated' })]
    own.push(await startWorker(redis.url, [fixture('fleet.ts')], { tenant: 'rated' }))
    const fleet = await open({ tenant: 'rated' })
    await fleet.quota('rated', { rate: '40/s' })
    const store = await openStore(redis.url, 'main-rated')
    expect(await store.quota()).toEqual({ rate: 40 })
    const file = join(folder, 'rated')
    const at = Date.now()
    expect(
      await map(
        range(80).map((item) => ({ file, item, ms: 0 })),
        fns.noted,
        { on: fleet },
      ),
    ).toEqual(range(80))
    // A batch begins once all before it have had their time, and has at most the items of a second.
    expect(Date.now() - at).toBeGreaterThan(900)
    await fleet.quota('rated')
    expect(await store.quota()).toEqual({})
    for (const bad of ['40', '40/', 'x/s', '-1/s', '0/s', '1/0s'])
      expect(await failure(fleet.quota('rated', { rate: bad }))).toBeInstanceOf(InvalidOption)
    await fleet.close()
    await store.close()
    await Promise.all(own.map((each) => each.drain(0)))
  })

  test('tenants share a machine by weight, and the one with little to do never waits behind the other', async () => {
    const metrics = new WorkerMetrics()
    const waits = new Map<string, number[]>()
    const audit = ({ tenant, queuedMs }: AuditLine): void => void waits.set(tenant, [...(waits.get(tenant) ?? []), queuedMs])
    const own = await Promise.all(
      ['heavy', 'light'].map(async (tenant) => ({
        tenant,
        weight: tenant === 'heavy' ? 1_000 : 1,
        worker: await makeWorker(redis.url, [fixture('fleet.ts')], { tenant, metrics, audit }),
      })),
    )
    const machine = new Machine(own, { slots: 2, metrics })
    await machine.start()
    const [heavy, light] = [await open({ tenant: 'heavy', weight: 100 }), await open({ tenant: 'light' })]
    const load = map(
      range(120).map(() => 60),
      fns.sleep,
      { on: heavy },
    )
    await expect.poll(() => metrics.items.done, { timeout: 20_000 }).toBeGreaterThan(2)
    expect(
      await map(
        range(4).map(() => 60),
        fns.sleep,
        { on: light },
      ),
    ).toHaveLength(4)
    expect(metrics.items.done).toBeLessThan(120)
    // Its window is ahead of the machine by hundreds of batches; nobody else waits for them.
    expect(metrics.items.done).toBeLessThan(100)
    expect(Math.max(...(waits.get('light') ?? []))).toBeLessThan(Math.max(...(waits.get('heavy') ?? [])))
    expect(await load).toHaveLength(120)
    await Promise.all([heavy.close(), light.close()])
    await machine.drain(0)
  })

  test('a trace shows a row for each slot of the machine, on one clock, and why batches waited; a span crosses the queue', async () => {
    const spans = rememberSpans()
    const fleet = await open()
    const { trace } = await record(() =>
      spans.inside('1'.repeat(32), () =>
        map(
          range(60).map(() => 20),
          fns.sleep,
          { on: fleet },
        ),
      ),
    )
    const { executors, runs, tasks, strings, notes } = trace
    const text = (at: number | undefined): string => strings[at ?? 0] ?? ''
    const labels = Array.from({ length: executors.count }, (_, i) => `${text(executors.machine[i])}: ${text(executors.name[i])}`)
    const slots = labels.filter((label) => label.startsWith(`${hostname()}: process ${process.pid}, slot `))
    expect(slots.length).toBeGreaterThanOrEqual(2)
    // On the clock of this program, whatever that of the store is: within the run.
    const [startedAt, settledAt] = [tasks.startedAt.slice(0, tasks.count), tasks.settledAt.slice(0, tasks.count)]
    expect(Math.min(...startedAt)).toBeGreaterThan((runs.startedAt[0] as number) - 5)
    expect(Math.max(...settledAt)).toBeLessThan((runs.settledAt[0] as number) + 5)
    const said = Array.from({ length: notes.count }, (_, i) => text(notes.text[i]))
    expect(said.join('\n')).toMatch(/batches of "sleep" on 1 machines waited: .*transfer|no-free-slot/)
    expect(spans.made.length).toBeGreaterThan(0)
    expect(new Set(spans.made.map(({ parent }) => parent))).toEqual(new Set(['1'.repeat(32)]))
    expect(spans.made[0]).toMatchObject({ name: 'process sleep', ended: true, attributes: { 'messaging.system': 'heddle' } })
    spans.end()
  })

  test('functions of a module that somebody else wrote, with their own kind of values', async () => {
    const fleet = await open()
    expect(await map([new Map([['a', 1n]])], plain.echo, { on: fleet })).toEqual([new Map([['a', 1n]])])
  })
})

/** An SDK in a few lines: contexts that follow asynchronous calls, the propagator of W3C, spans that are kept. */
function rememberSpans() {
  const made: { name: string; parent: string | undefined; attributes: unknown; ended: boolean }[] = []
  const storage = new AsyncLocalStorage<Context>()
  const active = (): Context => storage.getStore() ?? otel.ROOT_CONTEXT
  otel.context.setGlobalContextManager({
    active,
    with: (context: Context, work: () => unknown) => storage.run(context, work),
    bind: (_: Context, target: unknown) => target,
    disable: () => {},
  } as never)
  otel.propagation.setGlobalPropagator({
    fields: () => ['traceparent'],
    inject(context, carrier, { set }) {
      const of = otel.trace.getSpanContext(context)
      if (of) set(carrier, 'traceparent', `00-${of.traceId}-${of.spanId}-01`)
    },
    extract(from, carrier, { get }) {
      const [, traceId, spanId] = String(get(carrier, 'traceparent')).split('-')
      return traceId && spanId ? otel.trace.setSpanContext(from, { traceId, spanId, traceFlags: 1 }) : from
    },
  })
  const startSpan = (name: string, { attributes }: SpanOptions, parent: Context) => {
    const span = { name, parent: otel.trace.getSpanContext(parent)?.traceId, attributes, ended: false }
    made.push(span)
    return { setAttribute: () => {}, setStatus: () => {}, end: () => void (span.ended = true) }
  }
  otel.trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan }) } as never)
  return {
    made,
    inside: <T>(traceId: string, work: () => T): T =>
      storage.run(otel.trace.setSpanContext(otel.ROOT_CONTEXT, { traceId, spanId: '4'.repeat(16), traceFlags: 1 }), work),
    end() {
      otel.trace.disable()
      otel.propagation.disable()
      otel.context.disable()
    },
  }
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}
