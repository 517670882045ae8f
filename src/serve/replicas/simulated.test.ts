/** What becomes of calls, on a clock that stands still: no replica here is real, so that each order of events can be had. */
import { expect, test } from 'vitest'
import { SimulatedClock } from '../../base/clock.ts'
import { Cancelled, CircuitOpen, Overflow, TimedOut, WorkerCrashed } from '../../base/errors.ts'
import type { ReplicasOptions } from '../definition.ts'
import type { Served } from '../served.ts'
import { replicasWith } from './replicas.ts'
import { type Simulation, type SimulationSettings, simulate } from './simulated.fixture.ts'

const definition = { open: () => 1, run: (_model: number, batch: string[]) => batch }

async function opened(
  settings: Omit<SimulationSettings, 'clock'>,
  options: ReplicasOptions = {},
): Promise<{ readonly clock: SimulatedClock; readonly model: Served<string, string>; readonly simulation: Simulation }> {
  const clock = new SimulatedClock()
  const simulation = simulate({ clock, ...settings })
  const fixed = { size: 2, threads: 1, batch: { items: 2 }, ...options }
  const { model } = replicasWith(import.meta.url, { model: definition }, fixed, clock, () => simulation.open)
  const ready = model?.ready()
  await clock.advance(10)
  await ready
  return { clock, model: model as Served<string, string>, simulation }
}

const outcome = (call: Promise<unknown>): { value: unknown } => {
  const seen: { value: unknown } = { value: 'pending' }
  call.then(
    (value) => (seen.value = value),
    (error: unknown) => (seen.value = error),
  )
  return seen
}

test('idle replicas pull at once, without a timer; what waits travels together', async () => {
  const { clock, model, simulation } = await opened({ ms: () => 10 })
  for (const item of ['a', 'b', 'c', 'd', 'e']) outcome(model(item))
  await clock.advance(25)
  expect(simulation.batches.map(({ items, atMs }) => [atMs, ...items])).toEqual([
    [10, 'a'],
    [10, 'b'],
    [20, 'c', 'd'],
    [20, 'e'],
  ])
  await model.close()
  expect(simulation.live()).toBe(0)
})

test('a slow batch gets a second try at an idle replica; the first answer counts, once', async () => {
  const { clock, model, simulation } = await opened(
    { ms: (_items, replica) => (replica === 0 ? 500 : 10) },
    { hedge: { after: 30, extra: 1 } },
  )
  const slow = outcome(model('a'))
  await clock.advance(45)
  expect(slow.value).toBe('a by 1')
  expect(simulation.batches.map(({ replica, atMs }) => [replica, atMs])).toEqual([
    [0, 10],
    [1, 40],
  ])
  expect(simulation.batches[0]?.cancelled).toBe(true)
  expect(model.stats()).toMatchObject({ hedged: 1, answered: 1 })
  await clock.advance(1_000)
  expect(model.stats()).toMatchObject({ answered: 1, underWay: 0 })
  await model.close()
})

test('a lost replica is back at once; one that is lost again and again waits longer each time', async () => {
  const { clock, model, simulation } = await opened({ ms: () => 1_000_000 }, { size: 1 })
  for (let i = 0; i < 5; i++) {
    simulation.kill(0)
    await clock.advance(3_000)
  }
  const times = simulation.opened.map(({ atMs }) => atMs)
  // Opening takes 10 ms; the rounds begin at 10, 3,010, …
  expect(times.map((at, i) => at - (i === 0 ? 0 : 10 + 3_000 * (i - 1)))).toEqual([10, 10, 110, 210, 410, 810])
  await model.close({ grace: 0 })
})

test('a crash fails the batch that it had, or with retry sends each of it again alone', async () => {
  const without = await opened({ ms: () => 50 }, { size: 1 })
  const calls = ['a', 'b', 'c'].map((item) => outcome(without.model(item)))
  await without.clock.advance(60)
  without.simulation.kill(0)
  await without.clock.advance(200)
  expect(calls.map(({ value }) => value)).toEqual(['a by 0', expect.any(WorkerCrashed), expect.any(WorkerCrashed)])
  await without.model.close()

  const again = await opened({ ms: () => 50 }, { size: 1, retry: 1 })
  const retried = ['a', 'b', 'c'].map((item) => outcome(again.model(item)))
  await again.clock.advance(60)
  again.simulation.kill(0)
  await again.clock.advance(300)
  expect(retried.map(({ value }) => value)).toEqual(['a by 0', 'b by 0', 'c by 0'])
  expect(again.simulation.batches.slice(2).map(({ items }) => items)).toEqual([['b'], ['c']])
  expect(again.model.stats()).toMatchObject({ retried: 2, refused: { crashed: 0 } })
  await again.model.close()
})

test('a replica that fails and fails is left alone; when all are, calls are refused without waiting', async () => {
  const broken = Object.assign(new Error('the device is gone'), { status: 503 })
  const { clock, model, simulation } = await opened(
    { ms: () => 10, fails: (_items, replica) => (replica === 0 ? broken : undefined) },
    { breaker: { consecutive: 2, reset: '1s' }, batch: { items: 1 } },
  )
  for (let i = 0; i < 10; i++) {
    outcome(model('x'))
    outcome(model('y'))
    await clock.advance(30)
  }
  expect(simulation.batches.filter(({ replica }) => replica === 0).length).toBe(2)
  expect(model.stats().replicas.map(({ breaker }) => breaker)).toEqual(['open', 'closed'])
  await model.close()

  const all = await opened({ ms: () => 10, fails: () => broken }, { size: 1, breaker: { consecutive: 1, reset: '1s' } })
  const first = outcome(all.model('x'))
  const waits = [outcome(all.model('y')), outcome(all.model('z')), outcome(all.model('w'))]
  await all.clock.advance(20)
  expect(first.value).toBe(broken)
  const refused = outcome(all.model('late'))
  await all.clock.advance(0)
  expect(refused.value).toBeInstanceOf(CircuitOpen)
  expect(all.model.stats().refused['circuit-open']).toBe(1)
  // Those that waited already are tried when the breaker lets a probe through.
  await all.clock.advance(5_000)
  expect(waits.map(({ value }) => value)).toEqual([broken, broken, broken])
  await all.model.close()
})

test('a replica that hangs is ended after the timeout; with a deadline the caller is free earlier', async () => {
  const { clock, model, simulation } = await opened(
    { ms: (items) => (items.includes('hang') ? Number.POSITIVE_INFINITY : 10) },
    { size: 1, timeout: '1s' },
  )
  const hangs = outcome(model('hang', { deadline: '100ms' }))
  const waits = outcome(model('waits'))
  await clock.advance(150)
  expect(hangs.value).toBeInstanceOf(TimedOut)
  expect(simulation.batches[0]?.cancelled).toBe(true)
  expect(waits.value).toBe('pending')
  await clock.advance(2_000)
  expect(waits.value).toBe('waits by 0')
  expect(model.stats().refused.deadline).toBe(1)
  await model.close()
})

test('queue.wait refuses what would wait too long, and says when to come back', async () => {
  const { clock, model } = await opened({ ms: () => 100 }, { size: 1, batch: { items: 1 }, queue: { wait: '250ms' } })
  outcome(model('first'))
  await clock.advance(100)
  const calls = Array.from({ length: 8 }, (_call, i) => outcome(model(`c${i}`)))
  await clock.advance(0)
  const refused = calls.filter(({ value }) => value instanceof Overflow)
  // One is under way, and two wait for 100 and 200 ms.
  expect(refused.length).toBe(5)
  const [refusal] = refused.map(({ value }) => value as Overflow)
  expect(refusal?.retryAfterMs).toBeGreaterThanOrEqual(50)
  await clock.advance(1_000)
  expect(calls.filter(({ value }) => typeof value === 'string').length).toBe(3)
  await model.close()
})

test('ten thousand callers that leave early leave nothing behind', async () => {
  const { clock, model, simulation } = await opened({ ms: () => 10 }, { size: 1, queue: { items: 20_000 } })
  const controller = new AbortController()
  const calls = Array.from({ length: 10_000 }, (_call, i) => outcome(model(`c${i}`, { signal: controller.signal })))
  controller.abort()
  await clock.advance(0)
  expect(calls.every(({ value }) => value instanceof Cancelled)).toBe(true)
  expect(model.stats()).toMatchObject({ queue: { items: 0, tokens: 0 }, refused: { cancelled: 10_000 } })
  await clock.advance(100)
  expect(simulation.batches.length).toBe(1)
  expect(model.stats().underWay).toBe(0)
  // No timer of any of them is left.
  expect(clock.pending).toBe(0)
  await model.close()
})

test('a model that cannot be opened refuses for a while, longer each time, and then tries again', async () => {
  const clock = new SimulatedClock()
  let broken = true
  const missing = new Error('no such file')
  const simulation = simulate({ clock, ms: () => 10, opens: () => (broken ? missing : undefined) })
  const { model } = replicasWith(
    import.meta.url,
    { model: definition },
    { size: 1, threads: 1, batch: { items: 1 } },
    clock,
    () => simulation.open,
  )
  const [first, second] = [outcome((model as Served)('a')), outcome((model as Served)('b'))]
  await clock.advance(50)
  expect([first.value, second.value]).toEqual([missing, missing])
  const soon = outcome((model as Served)('c'))
  await clock.advance(0)
  expect(soon.value).toBe(missing)
  broken = false
  await clock.advance(1_000)
  const later = outcome((model as Served)('d'))
  await clock.advance(50)
  expect(later.value).toBe('d by 0')
  await model?.close()
})

test('within a bound on memory, the model that was used least recently makes room; one at work is waited for', async () => {
  const clock = new SimulatedClock()
  const simulations = Object.fromEntries(
    ['a', 'b', 'c'].map((name) => [name, simulate({ clock, ms: () => 100, memoryBytes: 40_000_000 })]),
  )
  const models = { a: definition, b: definition, c: definition }
  const options = { size: 1, threads: 1, batch: { items: 1 }, memoryMb: 100 }
  const served = replicasWith(import.meta.url, models, options, clock, (name) => (simulations[name] as Simulation).open)
  const states = (): unknown => Object.values(served).map((model) => model.stats().state)
  const use = async (name: string): Promise<void> => {
    const answer = outcome((served[name] as Served)('x'))
    await clock.advance(150)
    expect(answer.value).toBe('x by 0')
  }
  await use('a')
  await use('b')
  await use('a')
  expect(states()).toEqual(['ready', 'ready', 'unloaded'])
  await use('c')
  expect(states()).toEqual(['ready', 'unloaded', 'ready'])
  // Both are at work: the third waits until one of them is not.
  const busy = [outcome((served['a'] as Served)('x')), outcome((served['c'] as Served)('x'))]
  const waits = outcome((served['b'] as Served)('y'))
  await clock.advance(50)
  expect(waits.value).toBe('pending')
  await clock.advance(250)
  expect([...busy, waits].map(({ value }) => value)).toEqual(['x by 0', 'x by 0', 'y by 0'])
  await Promise.all(Object.values(served).map((model) => model.close()))
  expect(Object.values(simulations).reduce((sum, { live }) => sum + live(), 0)).toBe(0)
})

test('tenants share by weight, and their counts stay bounded however many names come', async () => {
  const { clock, model, simulation } = await opened({ ms: () => 10 }, { size: 1, batch: { items: 1 }, weights: { paid: 3 } })
  for (let i = 0; i < 40; i++) for (const tenant of ['free', 'paid']) outcome(model(tenant, { tenant }))
  await clock.advance(400)
  const served = simulation.batches.slice(1, 41).map(({ items }) => items[0])
  expect(served.filter((tenant) => tenant === 'paid').length).toBeGreaterThanOrEqual(28)
  await clock.advance(10_000)
  for (let i = 0; i < 300; i++) outcome(model('x', { tenant: `stranger ${i}` }))
  await clock.advance(10_000)
  const { tenants, answered } = model.stats()
  expect(Object.keys(tenants).length).toBeLessThanOrEqual(101)
  expect(Object.values(tenants).reduce((sum, each) => sum + each.answered, 0)).toBe(answered)
  await model.close()
})

test('warm-up measures layouts and batch sizes, and takes the quickest', async () => {
  const clock = new SimulatedClock()
  // Batches of four cost as much as one; of eight, far more.
  const simulation = simulate({ clock, ms: (items) => (items.length <= 4 ? 20 : 400) })
  const described = { ...definition, warmUp: ['a', 'b', 'c'] }
  const { model } = replicasWith(
    import.meta.url,
    { model: described },
    { size: 2, threads: 1, measure: 600 },
    clock,
    () => simulation.open,
  )
  const ready = model?.ready()
  for (let i = 0; i < 200; i++) await clock.advance(20)
  await ready
  const { measured, state, answered } = (model as Served).stats()
  expect(state).toBe('ready')
  expect(answered).toBe(0)
  expect(measured.find(({ chosen }) => chosen)).toMatchObject({ replicas: 2, threads: 1, batch: 4 })
  expect(measured.map(({ batch }) => batch)).toEqual([1, 2, 4, 8])
  await model?.close()
})

// A fixed time for each run, and one for each token with its padding: what encoders take on a CPU.
const words = (item: unknown): number => String(item).split(' ').length
const padded = (items: readonly unknown[]): number => Math.max(...items.map(words)) * items.length
const text = (length: number): string => Array.from({ length }, () => 'word').join(' ')

test('of items that are counted, warm-up finds how many tokens travel together: short ones in company, long ones alone', async () => {
  const clock = new SimulatedClock()
  const simulation = simulate({ clock, tokens: words, ms: (items) => 4 + padded(items) / 4 + Math.max(0, padded(items) - 256) })
  const lengths = [4, 5, 6, 8, 8, 10, 12, 14, 20, 30, 40, 60, 100, 128]
  const described = { ...definition, cost: (_model: number, item: string) => words(item), warmUp: lengths.map(text) }
  const { model } = replicasWith(
    import.meta.url,
    { model: described },
    { size: 1, threads: 1, measure: '30s' },
    clock,
    () => simulation.open,
  )
  const ready = model?.ready()
  for (let i = 0; i < 400; i++) await clock.advance(100)
  await ready
  const { measured } = (model as Served).stats()
  const rates = measured.map(({ itemsPerSecond }) => Math.round(itemsPerSecond))
  // One by one, then up to 32, 64, … tokens; the last one is much slower, so that no larger one is tried.
  expect(measured.map(({ batch, tokens }) => (batch === 1 ? 1 : tokens))).toEqual([1, 32, 64, 128, 256, 512])
  expect(rates[4]).toBeGreaterThan((rates[0] as number) * 1.2)
  const { tokens } = measured.find(({ chosen }) => chosen) as { tokens: number }
  // 256 tokens are a little faster than 64 or 128, and their batches take twice as long as the longest text alone: others would wait for them.
  expect(rates[4]).toBeGreaterThan(rates[2] as number)
  expect([64, 128]).toContain(tokens)

  const before = simulation.batches.length
  const calls = [128, 128, 128, ...Array.from({ length: 12 }, () => 8)].map((length) => outcome((model as Served)(text(length))))
  for (let i = 0; i < 40; i++) await clock.advance(10)
  expect(calls.every(({ value }) => String(value).endsWith('by 0'))).toBe(true)
  const sizes = simulation.batches.slice(before, before + 3).map(({ items }) => [words(items[0]), items.length])
  expect(sizes).toEqual(Array.from({ length: 3 }, () => [128, 1]))
  const together = simulation.batches.slice(before + 3).map(({ items }) => items.map(words))
  expect(together.flat()).toEqual(Array.from({ length: 12 }, () => 8))
  expect(together.length).toBeLessThanOrEqual(2)
  await model?.close()
})

test('a spare replica takes the place of one that is lost at once, and rests when that is back', async () => {
  const { clock, model, simulation } = await opened({ ms: () => 20, openMs: 10 }, { size: 1, spare: 1 })
  const states = (): string[] => model.stats().replicas.map(({ state }) => state)
  expect(states()).toEqual(['idle', 'spare'])
  const calls = [outcome(model('a')), outcome(model('b'))]
  // Only one is at work, whatever waits.
  expect(states()).toEqual(['busy', 'spare'])
  simulation.kill(0)
  await clock.advance(1)
  expect(calls[0]?.value).toBeInstanceOf(WorkerCrashed)
  expect(states()).toEqual(['starting', 'busy'])
  await clock.advance(30)
  expect(calls[1]?.value).toBe('b by 1')
  expect(states()).toEqual(['idle', 'spare'])
  await model.close()
})

test('without warm-up the batch size is measured on the first inputs, at one replica, while the other one serves', async () => {
  const { clock, model, simulation } = await opened(
    { ms: (items) => (items.length <= 4 ? 20 : 400) },
    { batch: { items: 'auto' } },
  )
  for (let i = 0; i < 40; i++) {
    outcome(model(`input ${i}`))
    await clock.advance(30)
  }
  for (let i = 0; i < 100; i++) await clock.advance(20)
  const { measured, answered, underWay } = model.stats()
  expect(measured.find(({ chosen }) => chosen)).toMatchObject({ replicas: 2, threads: 1, batch: 4 })
  expect([answered, underWay]).toEqual([40, 0])
  const before = simulation.batches.length
  for (let i = 0; i < 10; i++) outcome(model('x'))
  await clock.advance(100)
  expect(simulation.batches.slice(before).map(({ items }) => items.length)).toEqual([1, 1, 4, 4])
  await model.close()
})

test('a slow model is not measured for minutes', async () => {
  const clock = new SimulatedClock()
  const simulation = simulate({ clock, ms: (items) => 1_000 * items.length })
  const described = { ...definition, warmUp: ['a', 'b', 'c'] }
  const { model } = replicasWith(import.meta.url, { model: described }, { measure: '3s' }, clock, () => simulation.open)
  const ready = model?.ready()
  for (let i = 0; i < 30; i++) await clock.advance(1_000)
  await ready
  expect(model?.stats().state).toBe('ready')
  await model?.close()
})
