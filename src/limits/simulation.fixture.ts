/**
 * Seeded histories of limiters and policies on a simulated clock. For tests: the same seed gives the same history, so a failing
 * one can be looked at again.
 */
import { assert } from 'vitest'
import { Cancellation } from '../base/abort.ts'
import { SimulatedClock } from '../base/clock.ts'
import { Cancelled, CircuitOpen, Overflow, TimedOut } from '../base/errors.ts'
import type { Attempt } from './attempt.ts'
import { seeded } from './closed-loop.fixture.ts'
import type { Lease } from './lease.ts'
import { Limiter } from './limiter.ts'
import { Policy, type PolicyOptions } from './policy.ts'

/** Random calls on one limiter; throws when something does not hold that must. Gives what happened. */
export async function simulateLimiter(seed: number): Promise<string> {
  const random = seeded(seed)
  const below = (n: number): number => Math.floor(random() * n)
  const clock = new SimulatedClock()
  let places = 1 + below(4)
  const rate = 2 + below(8)
  const own = new Limiter({ concurrency: places, rate, per: 100, burst: 1 + below(rate), maxQueue: 8 }, clock)
  const out: { lease: Lease; weight: number }[] = []
  const starts: { at: number; weight: number }[] = []
  const trace: string[] = []
  let [asked, settled] = [0, 0]

  const ask = (): void => {
    const id = asked++
    const weight = 1 + below(Math.min(places, 2))
    const controller = new AbortController()
    if (random() < 0.3) clock.schedule(below(60), () => controller.abort())
    const timeout = random() < 0.3 ? { timeout: below(80) } : {}
    own.acquire({ weight, priority: below(2), signal: controller.signal, ...timeout }).then(
      (lease) => {
        settled++
        trace.push(`${clock.now()} start ${id}`)
        starts.push({ at: clock.now(), weight })
        out.push({ lease, weight })
        const used = out.reduce((sum, entry) => sum + entry.weight, 0)
        assert.isTrue(used <= places || out.length === 1 || places < 3, `${used} of ${places} places`)
      },
      (error: unknown) => {
        settled++
        trace.push(`${clock.now()} ${(error as Error).name} ${id}`)
        assert.isTrue(
          [Overflow, Cancelled, TimedOut].some((type) => error instanceof type),
          String(error),
        )
      },
    )
  }

  for (let step = 0; step < 40; step++) {
    const dice = random()
    if (dice < 0.5) ask()
    else if (dice < 0.75 && out.length > 0) out.splice(below(out.length), 1)[0]?.lease.release()
    else if (dice < 0.8) own.pause(clock.now() + below(50))
    else if (dice < 0.85) own.update({ concurrency: (places = Math.max(places, 1 + below(4))) })
    else await clock.advance(below(40))
    await Promise.resolve()
  }
  // Everything that was granted is given back; everybody who waits must then be served or have given up.
  const allOver = (): boolean => settled === asked && out.length === 0
  for (let turns = 0; turns < 200 && !allOver(); turns++) {
    for (const { lease } of out.splice(0)) lease.release()
    await clock.advance(50)
  }
  assert.isTrue(allOver(), `seed ${seed}: ${asked - settled} calls never settled`)
  for (const [first, { at }] of starts.entries()) {
    const inWindow = starts.slice(first).filter((start) => start.at < at + 100 - 1e-6)
    const sum = inWindow.reduce((total, start) => total + start.weight, 0)
    assert.isAtMost(sum, rate, `seed ${seed}: window from ${at}`)
  }
  assert.deepInclude(own.stats, { running: 0, waiting: 0 })
  return trace.join('\n')
}

/** What a call may end with, besides a value. */
const endings = [Cancelled, CircuitOpen, Overflow, TimedOut, Error]

/** Random calls under a random policy; throws when something does not hold that must. Gives what happened. */
export async function simulatePolicy(seed: number): Promise<string> {
  const random = seeded(seed)
  const below = (n: number): number => Math.floor(random() * n)
  const maybe = <T>(value: T): T | undefined => (random() < 0.5 ? value : undefined)
  const clock = new SimulatedClock()
  const concurrency = 1 + below(3)
  const retries = below(4)
  const limit = maybe(new Limiter({ concurrency, maxQueue: 6 }, clock))
  const wanted = {
    timeout: maybe(10 + below(40)),
    queueTimeout: maybe(10 + below(60)),
    retry: { retries, base: 20, budget: maybe(0.1) },
    breaker: maybe({ consecutive: 1 + below(4), reset: 50, probeTimeout: 30 }),
    limit,
    grace: below(20),
  }
  const options = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined)) as PolicyOptions
  const policy = new Policy(options, { clock, random })
  const trace: string[] = []
  const all: Cancellation[] = []
  let [asked, settled] = [0, 0]

  /** Succeeds, fails, never ends, or ends when it is asked to; after some time, or at once. */
  const behave = async ({ cancellation }: Attempt): Promise<string> => {
    const [dice, ms] = [random(), below(60)]
    await new Promise<void>((resolve, reject) => {
      if (dice < 0.1) return
      if (dice < 0.2) cancellation.subscribe(() => reject(new Error('told to stop')))
      else clock.schedule(dice < 0.3 ? 0 : ms, resolve)
    })
    if (dice < 0.6) throw new Error('failed')
    return 'value'
  }

  const ask = (): void => {
    const id = asked++
    const cancellation = new Cancellation()
    all.push(cancellation)
    if (random() < 0.3) clock.schedule(below(150), () => cancellation.abort(new Error('the caller left')))
    // Without a limit of some kind a function that never ends would never end.
    else clock.schedule(2_000, () => cancellation.abort(new Error('closing time')))
    let attempts = 0
    const attempt = (context: Attempt): Promise<string> => {
      assert.equal(context.attempt, ++attempts, 'attempts are counted')
      return behave(context)
    }
    policy.run(attempt, { cancellation, ...(random() < 0.3 && { deadlineMs: 20 + below(200) }) }).then(
      (value) => {
        settled++
        trace.push(`${clock.now()} ${value} ${id} after ${attempts}`)
      },
      (error: unknown) => {
        settled++
        trace.push(`${clock.now()} ${(error as Error).name} ${id} after ${attempts}`)
        assert.isTrue(
          endings.some((type) => error instanceof type),
          String(error),
        )
        assert.isAtMost(attempts, retries + 1)
      },
    )
  }

  for (let step = 0; step < 30; step++) {
    if (random() < 0.6) ask()
    else await clock.advance(below(50))
    if (limit) assert.isAtMost(limit.stats.running, concurrency)
  }
  await clock.advance(3_000)
  assert.equal(settled, asked, `seed ${seed}: calls that never settled`)
  assert.equal(clock.pending, 0, `seed ${seed}: timers left`)
  for (const cancellation of all) assert.equal(cancellation.listenerCount, 0, `seed ${seed}: subscriptions left`)
  if (limit) assert.deepInclude(limit.stats, { running: 0, waiting: 0 })
  return trace.join('\n')
}
