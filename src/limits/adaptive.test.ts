import { describe, expect, test } from 'vitest'
import { InvalidOption } from '../base/errors.ts'
import { channels, type Note } from '../base/observer.ts'
import { AdaptiveConcurrency } from './adaptive.ts'
import { closedLoop, fixedLoop, type Server } from './closed-loop.fixture.ts'
import { runs } from '../../test/support/runs.ts'

const seeds = [1, 2, 3, 4, 5].slice(0, runs(2, 5))

/** Serves `knee` at once in about 20 ms; refuses the rest after 2 ms. */
const knee =
  (of: (now: number) => number): Server =>
  (now, inFlight, random) =>
    inFlight > of(now) ? { ms: 2, overloaded: true } : { ms: 18 + 4 * random(), overloaded: false }

/** Refuses nothing; beyond `places` calls queue up, so latency grows and throughput does not. */
const queueing =
  (places: number, ms: number): Server =>
  (_now, inFlight, random) => ({ ms: ms * Math.max(1, inFlight / places) * (0.7 + 0.6 * random()), overloaded: false })

describe('overload', () => {
  test.each(seeds)('finds a knee at 24 and stays there, seed %i', (seed) => {
    const best = fixedLoop(
      knee(() => 24),
      10_000,
      24,
    )
    const found = closedLoop(
      knee(() => 24),
      10_000,
      { seed },
    )
    expect(found.throughput).toBeGreaterThan(0.95 * best.throughput)
    expect(found.refused).toBeLessThan(0.01)
  })

  test.each(seeds)('follows the knee from 24 down to 8 and back up, seed %i', (seed) => {
    const moving = knee((now) => (now > 5_000 && now < 15_000 ? 8 : 24))
    const found = closedLoop(moving, 25_000, { seed })
    // 24 for 15 of the seconds, 8 for 10 of them, 20 ms each.
    const best = ((24 * 15 + 8 * 10) / 25 / 20) * 1_000
    expect(found.throughput).toBeGreaterThan(0.9 * best)
    expect(found.refused).toBeLessThan(0.02)
    const low = found.changes.filter(([ms]) => ms > 6_000 && ms < 15_000).map(([, limit]) => limit)
    expect(Math.max(...low)).toBeLessThanOrEqual(9)
  })

  test.each(seeds)(
    'halves at most once per generation of calls when everything is refused, and ends at `min`, seed %i',
    (seed) => {
      const down: Server = () => ({ ms: 5, overloaded: true })
      const found = closedLoop(down, 1_000, { seed, initial: 64, min: 2 })
      expect(found.limit).toBe(2)
      const limits = [64, ...found.changes.map(([, limit]) => limit)]
      // All calls of a generation settle at one moment, so two changes at one time are one generation.
      for (let i = 1; i < limits.length; i++)
        expect(limits[i] as number).toBeGreaterThanOrEqual(Math.ceil((limits[i - 1] as number) / 2))
    },
  )

  test('overlooks a refusal in a hundred that has nothing to do with how many are under way', () => {
    const flaky: Server = (now, inFlight, random) =>
      random() < 0.01 ? { ms: 3, overloaded: true } : queueing(100, 20)(now, inFlight, random)
    const throughputs = seeds.map((seed) => closedLoop(flaky, 10_000, { seed }).throughput)
    const best = fixedLoop(flaky, 10_000, 100).throughput
    expect(throughputs.reduce((a, b) => a + b) / seeds.length).toBeGreaterThan(0.7 * best)
  })

  test.each([0.005, 0.02])('uses a service in full that refuses a share of %d at random, however many are under way', (share) => {
    const flaky: Server = (now, inFlight, random) =>
      random() < share ? { ms: 2, overloaded: true } : queueing(400, 50)(now, inFlight, random)
    const best = fixedLoop(flaky, 10_000, 400).throughput
    const each = seeds.map((seed) => closedLoop(flaky, 20_000, { seed, max: 400 }).throughput)
    expect(each.reduce((a, b) => a + b) / seeds.length).toBeGreaterThan(0.8 * best)
  })

  test('does not collapse where one call in twenty is refused at random', () => {
    const flaky: Server = (now, inFlight, random) =>
      random() < 0.05 ? { ms: 2, overloaded: true } : queueing(400, 50)(now, inFlight, random)
    const best = fixedLoop(flaky, 10_000, 400).throughput
    const each = Array.from({ length: 20 }, (_, i) => closedLoop(flaky, 20_000, { seed: 1_000 + i, max: 400 }).throughput / best)
    each.sort((a, b) => a - b)
    expect(each[0]).toBeGreaterThan(0.3)
    expect(each[3]).toBeGreaterThan(0.6)
    expect(each[10]).toBeGreaterThan(0.75)
  })

  test.each(seeds)(
    'still backs off from what the service cannot take, where it refuses some at random besides, seed %i',
    (seed) => {
      const both: Server = (now, inFlight, random) =>
        random() < 0.02 ? { ms: 2, overloaded: true } : knee(() => 100)(now, inFlight, random)
      const found = closedLoop(both, 20_000, { seed, max: 400 })
      expect(found.throughput).toBeGreaterThan(0.6 * fixedLoop(both, 10_000, 100).throughput)
      expect(found.refused).toBeLessThan(0.15)
      expect(found.meanLimit).toBeLessThan(120)
    },
  )

  test('ignores stragglers that started before the decrease', () => {
    const controller = new AdaptiveConcurrency({ initial: 10 }, { loopDelayMs: () => 0 })
    const tickets = Array.from({ length: 10 }, () => controller.start())
    const refuse = (): void => controller.settle(tickets.pop() as number, true)
    refuse() // overlooked: the first one may be an accident
    refuse()
    expect(controller.limit).toBe(9)
    for (let i = 0; i < 8; i++) refuse()
    // Eight of ten were refused, but one generation takes away at most half.
    expect(controller.limit).toBe(5)
  })
})

describe('throughput', () => {
  test.each(seeds)('stops where a queueing server gains nothing any more, seed %i', (seed) => {
    const server = queueing(40, 20)
    const found = closedLoop(server, 20_000, { seed })
    expect(found.throughput).toBeGreaterThan(0.9 * fixedLoop(server, 20_000, 40).throughput)
    expect(found.meanLimit).toBeLessThan(80)
  })

  test.each(seeds)('grows to hundreds where that helps, seed %i', (seed) => {
    const server = queueing(300, 50)
    const found = closedLoop(server, 20_000, { seed })
    expect(found.throughput).toBeGreaterThan(0.85 * fixedLoop(server, 20_000, 300).throughput)
    expect(found.meanLimit).toBeLessThan(600)
  })

  test('comes down to one where calls only get in each other’s way', () => {
    const serial: Server = (_now, inFlight) => ({ ms: 5 * inFlight, overloaded: false })
    expect(closedLoop(serial, 60_000).limit).toBeLessThanOrEqual(2)
  })

  test('does not take latency for a sign: slow answers alone change nothing', () => {
    // The same server, whose answers become ten times longer half-way: as throughput per place falls everywhere alike, there
    // is no reason to leave the limit by more than trials do.
    const longer: Server = (now, inFlight, random) => ({
      ms: (now < 10_000 ? 20 : 200) * Math.max(1, inFlight / 50) * (0.9 + 0.2 * random()),
      overloaded: false,
    })
    const { changes } = closedLoop(longer, 60_000)
    const after = changes.filter(([ms]) => ms > 15_000).map(([, limit]) => limit)
    expect(Math.min(...after)).toBeGreaterThan(25)
  })

  test('learns nothing while there is too little work to reach the limit', () => {
    let now = 0
    const clock = { now: () => now, schedule: () => undefined, cancel: () => {} }
    const controller = new AdaptiveConcurrency({ initial: 8 }, { clock, loopDelayMs: () => 0 })
    for (let i = 0; i < 10_000; i++) {
      const ticket = controller.start()
      now += 5
      controller.settle(ticket, false)
    }
    expect(controller.limit).toBe(8)
  })

  test('tries no more while the event loop is late, and fewer if that costs nothing', () => {
    // One thread does 5 ms of work per call, so 4 hide the 20 ms of waiting; more only make the loop late.
    const busy: Server = (_now, inFlight) => ({ ms: Math.max(20, 5 * inFlight), overloaded: false })
    const found = closedLoop(busy, 30_000, { loopDelayMs: (limit) => (limit > 6 ? 100 : 0) })
    expect(found.limit).toBeLessThanOrEqual(7)
    expect(found.throughput).toBeGreaterThan(180)
  })
})

test('never leaves its bounds', () => {
  for (const seed of seeds) {
    const { changes } = closedLoop(
      knee(() => 24),
      5_000,
      { seed, min: 5, max: 20, initial: 10 },
    )
    for (const [, limit] of changes) {
      expect(limit).toBeGreaterThanOrEqual(5)
      expect(limit).toBeLessThanOrEqual(20)
    }
  }
})

test('publishes what it did', () => {
  const notes: Note[] = []
  const listen = (message: unknown): void => void notes.push(message as Note)
  channels.note.subscribe(listen)
  closedLoop(
    knee(() => 24),
    1_000,
  )
  channels.note.unsubscribe(listen)
  expect(notes[0]).toMatchObject({
    kind: 'concurrency',
    text: 'concurrency 16 → 32: throughput grows',
    data: { from: 16, to: 32 },
  })
})

test('refuses bounds that contradict each other', () => {
  expect(() => new AdaptiveConcurrency({ min: 10, max: 5 })).toThrow(InvalidOption)
  expect(() => new AdaptiveConcurrency({ min: 0 })).toThrow('Expected `min` to be a whole number from 1 up, got 0 (number)')
})

describe('what is expected beforehand', () => {
  test('is where it begins, and is no news after a refusal or once it has settled', () => {
    const clock = { now: () => 0, schedule: () => undefined, cancel: () => {} }
    const fresh = new AdaptiveConcurrency({ initial: 4, max: 64 }, { clock })
    fresh.expect(2)
    expect(fresh.limit).toBe(4)
    fresh.expect(100)
    expect(fresh.limit).toBe(64)
    const refused = new AdaptiveConcurrency({ initial: 16 }, { clock })
    // The first refusal is overlooked.
    for (let i = 0; i < 2; i++) refused.settle(refused.start(), true)
    expect(refused.limit).toBeLessThan(16)
    refused.expect(64)
    expect(refused.limit).toBeLessThan(16)
  })
})
