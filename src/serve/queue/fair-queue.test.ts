import assert from 'node:assert/strict'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bucketOf, FairQueue, type Waiting } from './fair-queue.ts'

interface Item extends Waiting {
  readonly id: number
}

let ids = 0
const item = (given: Partial<Item> = {}): Item => ({
  id: ids++,
  tokens: 1,
  tenant: '',
  priority: 0,
  arrivedAtMs: 0,
  alone: false,
  ...given,
})
const endless = { items: Number.POSITIVE_INFINITY, tokens: Number.POSITIVE_INFINITY }
const one = { items: 1, tokens: 1_000_000 }

test('a batch has one length bucket and stays within its bounds; the oldest opens it', () => {
  const queue = new FairQueue<Item>(endless)
  const lengths = [10, 100, 11, 10, 104, 10]
  for (const [at, tokens] of lengths.entries()) queue.add(item({ tokens, arrivedAtMs: at }))
  expect(queue.take({ items: 8, tokens: 40 }).map(({ tokens }) => tokens)).toEqual([10, 11, 10])
  expect(queue.take({ items: 8, tokens: 1_000 }).map(({ tokens }) => tokens)).toEqual([100, 104])
  expect(queue.take({ items: 8, tokens: 40 }).map(({ tokens }) => tokens)).toEqual([10])
  expect(queue.take({ items: 8, tokens: 40 })).toEqual([])
  expect([queue.size, queue.tokens]).toEqual([0, 0])
})

test('an item longer than the budget, and one that is to be alone, make batches of their own', () => {
  const queue = new FairQueue<Item>(endless)
  queue.add(item({ tokens: 500 }))
  queue.add(item({ tokens: 2, alone: true, arrivedAtMs: 1 }))
  queue.add(item({ tokens: 2, arrivedAtMs: 2 }))
  expect(queue.take({ items: 8, tokens: 100 }).map(({ tokens }) => tokens)).toEqual([500])
  expect(queue.take({ items: 8, tokens: 100 }).length).toBe(1)
  expect(queue.take({ items: 8, tokens: 100 }).length).toBe(1)
})

test('priority overtakes, and waiting makes up for it', () => {
  const queue = new FairQueue<Item>(endless)
  const low = item({ arrivedAtMs: 0 })
  const high = item({ priority: 1, arrivedAtMs: 5_000 })
  const later = item({ priority: 1, arrivedAtMs: 11_000 })
  for (const each of [low, later, high]) queue.add(each)
  expect([1, 2, 3].map(() => queue.take(one)[0])).toEqual([high, low, later])
})

test('weights share the model: three to one, in tokens', () => {
  const queue = new FairQueue<Item>(endless, (tenant) => (tenant === 'big' ? 3 : 1))
  for (let i = 0; i < 400; i++) {
    queue.add(item({ tenant: 'big', tokens: 4, arrivedAtMs: i }))
    queue.add(item({ tenant: 'small', tokens: 8, arrivedAtMs: i }))
  }
  let [big, small] = [0, 0]
  for (let i = 0; i < 200; i++) {
    const [served] = queue.take(one)
    if (served?.tenant === 'big') big += served.tokens
    else small += served?.tokens ?? 0
  }
  expect(big / small).toBeCloseTo(3, 0)
})

test('between tenants a level of priority is worth four times the share', () => {
  const queue = new FairQueue<Item>(endless)
  for (let i = 0; i < 400; i++) {
    queue.add(item({ tenant: 'search', priority: 1, arrivedAtMs: i }))
    queue.add(item({ tenant: 'batch', arrivedAtMs: i }))
  }
  const served = Array.from({ length: 200 }, () => queue.take(one)[0]?.tenant)
  expect(served.filter((tenant) => tenant === 'search').length).toBe(160)
})

test('a tenant that fills the queue does not lock the others out', () => {
  const queue = new FairQueue<Item>({ items: 10, tokens: endless.tokens })
  const flood = Array.from({ length: 10 }, (_item, i) => item({ tenant: 'flood', arrivedAtMs: i }))
  for (const each of flood) expect(queue.add(each)).toEqual({ admitted: true, pushedOut: [] })
  expect(queue.add(item({ tenant: 'flood', arrivedAtMs: 10 }))).toEqual({ admitted: false, cause: 'queue-full' })
  const guests = Array.from({ length: 6 }, (_item, i) => queue.add(item({ tenant: 'guest', arrivedAtMs: 11 + i })))
  // Five and five: then each has its share, and the newest of the flood have gone.
  expect(guests.map(({ admitted }) => admitted)).toEqual([true, true, true, true, true, false])
  expect(guests.flatMap((each) => (each.admitted ? each.pushedOut : []))).toEqual(flood.slice(5).toReversed())
  expect(queue.size).toBe(10)
})

test('an item that is larger than the queue is too large, also for an empty one', () => {
  const queue = new FairQueue<Item>({ items: 10, tokens: 100 })
  expect(queue.add(item({ tokens: 101 }))).toEqual({ admitted: false, cause: 'too-large' })
  expect(queue.add(item({ tokens: 100 }))).toMatchObject({ admitted: true })
  expect(queue.add(item({ tokens: 1 }))).toEqual({ admitted: false, cause: 'queue-full' })
})

type Step =
  | { readonly kind: 'add'; readonly tokens: number; readonly tenant: string; readonly priority: number }
  | { readonly kind: 'take'; readonly items: number; readonly tokens: number }
  | { readonly kind: 'leave'; readonly which: number }

const tenants = ['a', 'b', 'c']
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      tokens: fc.integer({ min: 1, max: 60 }),
      tenant: fc.constantFrom(...tenants),
      priority: fc.integer({ min: -1, max: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      items: fc.integer({ min: 1, max: 5 }),
      tokens: fc.integer({ min: 1, max: 200 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat(30) }) },
)

test('whatever comes: bounds hold, each item leaves once, and in order within tenant, bucket and priority', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 200 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 20, max: 200 }),
      (steps, items, tokens) => {
        const queue = new FairQueue<Item>({ items, tokens }, (tenant) => (tenant === 'a' ? 2 : 1))
        const waiting: Item[] = []
        const out = (gone: Item): void => void waiting.splice(waiting.indexOf(gone), 1)
        for (const [at, next] of steps.entries()) {
          if (next.kind === 'add') {
            const { kind: _kind, ...given } = next
            const added = item({ ...given, arrivedAtMs: at })
            const admission = queue.add(added)
            if (admission.admitted) {
              for (const pushed of admission.pushedOut) {
                assert(waiting.includes(pushed))
                assert.notEqual(pushed.tenant, added.tenant)
                out(pushed)
              }
              waiting.push(added)
            } else assert.equal(admission.cause === 'too-large', added.tokens > tokens)
          } else if (next.kind === 'take') {
            const batch = queue.take({ items: next.items, tokens: next.tokens })
            assert.equal(batch.length > 0, waiting.length > 0)
            assert(batch.length <= next.items)
            const longest = Math.max(0, ...batch.map((each) => each.tokens))
            if (batch.length > 1) assert(longest * batch.length <= next.tokens)
            assert(new Set(batch.map((each) => bucketOf(each.tokens))).size <= 1)
            for (const taken of batch) {
              const before = waiting.filter(
                (other) =>
                  other.tenant === taken.tenant &&
                  other.priority === taken.priority &&
                  bucketOf(other.tokens) === bucketOf(taken.tokens),
              )
              assert.equal(before[0], taken)
              out(taken)
            }
          } else {
            const leaver = waiting[next.which % Math.max(1, waiting.length)]
            if (leaver) {
              assert(queue.remove(leaver))
              assert(!queue.remove(leaver))
              out(leaver)
            }
          }
          expect(queue.size).toBe(waiting.length)
          expect(queue.tokens).toBe(waiting.reduce((sum, each) => sum + each.tokens, 0))
          expect(queue.size).toBeLessThanOrEqual(items)
          expect(queue.tokens).toBeLessThanOrEqual(tokens)
          for (const tenant of tenants)
            expect(queue.itemsOf(tenant)).toBe(waiting.filter((each) => each.tenant === tenant).length)
        }
      },
    ),
  )
})

test('nobody starves: each item is served within a bound, however many of others, and of higher priority, come', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 2 }), fc.boolean(), (others, priority, same) => {
      const queue = new FairQueue<Item>(endless)
      const patient = item({ tenant: 'patient', tokens: 40, arrivedAtMs: 0 })
      queue.add(patient)
      // A thousand milliseconds a turn: the others bring more than is served, each turn.
      const turns = 40 * (others + 1) + priority * 10 + 20
      for (let turn = 0; turn < turns; turn++) {
        for (let i = 0; i < others; i++) {
          const tenant = same ? 'patient' : `other ${i}`
          queue.add(item({ tenant, tokens: 1, priority, arrivedAtMs: turn * 1_000 + 1 }))
          queue.add(item({ tenant, tokens: 1, priority, arrivedAtMs: turn * 1_000 + 2 }))
        }
        queue.take(one)
      }
      expect(queue.remove(patient)).toBe(false)
    }),
  )
})

test('what is remembered does not grow with the tenants that have come and gone', () => {
  const queue = new FairQueue<Item>(endless)
  const stays = item({ tenant: 'stays', tokens: 1_000_000 })
  queue.add(stays)
  for (let i = 0; i < 20_000; i++) {
    const passing = item({ tenant: `passing ${i}`, tokens: 1 })
    queue.add(passing)
    queue.remove(passing)
  }
  expect(queue.remembered).toBe(1)
  expect(queue.take(one)).toEqual([stays])
  expect(queue.remembered).toBe(0)
})
