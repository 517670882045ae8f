/** A closed loop of simulated callers around an {@link AdaptiveConcurrency}, and servers to find the limit of. For tests. */
import { AdaptiveConcurrency, type AdaptiveOptions } from './adaptive.ts'

/** Numbers from 0 up to 1 that a seed fixes (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** What a server makes of a call that arrives at `now` as one of `inFlight`. */
export type Server = (
  now: number,
  inFlight: number,
  random: () => number,
) => { readonly ms: number; readonly overloaded: boolean }

export interface Outcome {
  /** Answers that were not refusals, per second of simulated time. */
  readonly throughput: number
  /** Share of calls that were refused. */
  readonly refused: number
  /** The limit at the end, and over time. */
  readonly limit: number
  readonly meanLimit: number
  /** When and to what the limit was changed. */
  readonly changes: readonly (readonly [ms: number, limit: number])[]
}

export interface LoopOptions extends AdaptiveOptions {
  readonly seed?: number
  readonly loopDelayMs?: (limit: number) => number
}

/** Makes calls for `forMs` of simulated time, as many at once as the controller lets. */
export function closedLoop(server: Server, forMs: number, options: LoopOptions = {}): Outcome {
  const { seed = 1, loopDelayMs, ...adaptive } = options
  const random = seeded(seed)
  /** Calls under way, soonest to settle first. */
  const pending: { at: number; ticket: number; overloaded: boolean }[] = []
  const changes: [number, number][] = []
  let now = 0
  const clock = { now: () => now, schedule: () => undefined, cancel: () => {} }
  const controller: AdaptiveConcurrency = new AdaptiveConcurrency(adaptive, {
    clock,
    loopDelayMs: () => loopDelayMs?.(controller.limit) ?? 0,
  })
  controller.onChange = (limit) => changes.push([now, limit])
  let [settled, refused, area] = [0, 0, 0]
  while (now < forMs) {
    while (pending.length < controller.limit) {
      const ticket = controller.start()
      const { ms, overloaded } = server(now, pending.length + 1, random)
      const at = now + ms
      let place = pending.length
      while (place > 0 && (pending[place - 1] as { at: number }).at > at) place--
      pending.splice(place, 0, { at, ticket, overloaded })
    }
    const next = pending.shift() as { at: number; ticket: number; overloaded: boolean }
    area += (next.at - now) * controller.limit
    now = next.at
    settled++
    if (next.overloaded) refused++
    controller.settle(next.ticket, next.overloaded)
  }
  return {
    throughput: ((settled - refused) / now) * 1_000,
    refused: refused / settled,
    limit: controller.limit,
    meanLimit: area / now,
    changes,
  }
}

/** The same loop with a fixed number under way. */
export function fixedLoop(server: Server, forMs: number, concurrency: number): Outcome {
  return closedLoop(server, forMs, { min: concurrency, max: concurrency, initial: concurrency })
}
