import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BudgetExceeded, Cancelled, InvalidOption } from '../../base/errors.ts'
import { type Budget, budget, type Reservation, type Spend } from './budget.ts'
import { runs } from '../../../test/support/runs.ts'

const spend = (part: Partial<Spend>): Spend => ({ usd: 0, tokens: 0, calls: 0, ...part })

test('reserves, settles and gives back', () => {
  const own = budget({ tokens: 100 })
  const first = own.reserve(spend({ tokens: 80 })) as Reservation
  expect(own.left.tokens).toBe(20)
  first.settle(spend({ tokens: 30 }))
  first.settle(spend({ tokens: 30 }))
  expect([own.spent.tokens, own.reserved.tokens, own.left.tokens]).toEqual([30, 0, 70])
})

test('waits while a reservation may come back, and refuses when none can help', async () => {
  const own = budget({ calls: 2, name: 'the run' })
  const first = own.reserve(spend({ calls: 1 })) as Reservation
  const second = own.reserve(spend({ calls: 1 })) as Reservation
  const third = own.reserve(spend({ calls: 1 })) as Promise<Reservation>
  second.settle(spend({}))
  const third1 = await third
  const fourth = own.reserve(spend({ calls: 1 })) as Promise<Reservation>
  first.settle()
  third1.settle()
  await expect(fourth).rejects.toThrow(BudgetExceeded)
  expect(() => own.reserve(spend({ calls: 1 }))).toThrow('The call may need 1 calls, and the run of 2 has 0 left')
})

test('a small call does not overtake a large one, and one that is cancelled lets the others pass', async () => {
  const own = budget({ tokens: 100 })
  const first = own.reserve(spend({ tokens: 60 })) as Reservation
  const controller = new AbortController()
  const large = own.reserve(spend({ tokens: 90 }), controller.signal) as Promise<Reservation>
  const small = own.reserve(spend({ tokens: 10 }))
  expect(small).toBeInstanceOf(Promise)
  controller.abort()
  await expect(large).rejects.toThrow(Cancelled)
  await small
  first.settle()
})

test('a child is bound by itself and by all above', () => {
  const month = budget({ usd: 10 })
  const run = month.child({ usd: 4, tokens: 1_000 })
  const other = month.child({ usd: 8 })
  ;(run.reserve(spend({ usd: 3, tokens: 10 })) as Reservation).settle()
  ;(other.reserve(spend({ usd: 6 })) as Reservation).settle()
  expect(month.spent.usd).toBe(9)
  expect([run.left.usd, other.left.usd]).toEqual([1, 1])
  expect(() => other.reserve(spend({ usd: 2 }))).toThrow(/the budget of 10 has 1 left/)
})

test('wrong bounds are named', () => {
  expect(() => budget({})).toThrow(InvalidOption)
  expect(() => budget({ usd: -1 })).toThrow(/`usd` to be a number from 0 up/)
  expect(() => budget({ euros: 1 } as never)).toThrow(/Unknown option `euros`/)
})

/** A tree of budgets; calls start and end in any order; what each really costs is at most what it reserved. */
test('random runs: spent and reserved never exceed any bound, and every call settles', async () => {
  const amount = fc.integer({ min: 0, max: 50 })
  const event = fc.record({
    child: fc.boolean(),
    tokens: amount,
    calls: fc.integer({ min: 0, max: 1 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    ends: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 200 }),
      fc.integer({ min: 0, max: 200 }),
      fc.array(event, { maxLength: 40 }),
      async (above, below, events) => {
        const root = budget({ tokens: above, calls: 20, usd: above / 50 })
        const child = root.child({ tokens: below })
        const check = (of: Budget, limit: number): void => {
          expect(of.spent.tokens + of.reserved.tokens).toBeLessThanOrEqual(limit + 1e-6)
          expect(of.reserved.tokens).toBeGreaterThanOrEqual(-1e-6)
          expect(of.spent.usd + of.reserved.usd).toBeLessThanOrEqual(above / 50 + 1e-6)
          expect(of.spent.calls + of.reserved.calls).toBeLessThanOrEqual(20)
        }
        const open: (() => void)[] = []
        const outcomes: Promise<unknown>[] = []
        for (const { child: low, tokens, calls, share, ends } of events) {
          // Dollars and tokens do not run out together: short answers are cheap, long ones dear.
          const usd = tokens ** 2 / 1_000
          const call = async (): Promise<void> => {
            const reservation = await (low ? child : root).reserve(spend({ tokens, calls, usd }))
            check(root, above)
            check(child, below)
            await new Promise<void>((resolve) => open.push(resolve))
            reservation.settle(spend({ tokens: tokens * share, calls, usd: usd * share }))
          }
          outcomes.push(call())
          if (ends) open.shift()?.()
          await Promise.resolve()
        }
        const all = Promise.allSettled(outcomes)
        const state = { done: false }
        void all.then(() => (state.done = true))
        while (!state.done) {
          open.shift()?.()
          await new Promise((resolve) => setImmediate(resolve))
          check(root, above)
          check(child, below)
        }
        const reasons = (await all).flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []))
        expect(reasons.every((reason) => reason instanceof BudgetExceeded)).toBe(true)
        expect(Math.abs(root.reserved.tokens)).toBeLessThan(1e-6)
      },
    ),
    { numRuns: runs(250, 1_000) },
  )
})
