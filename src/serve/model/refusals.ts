/** What a call is told that gets no answer. Pure; the model is named as in the record that described it. */
import { formatMs } from '../../base/duration.ts'
import { BudgetExceeded, CircuitOpen, Closed, Overflow, TimedOut } from '../../base/errors.ts'
import type { Bounds } from '../queue/fair-queue.ts'

const hint = 'Call again after `retryAfterMs`, send less at once, or raise the bounds of `queue`.'

export function labelOf(model: string): string {
  return `the model "${model}"`
}

export function full(model: string, waiting: Bounds, bounds: Bounds, retryAfterMs: number): Overflow {
  const what =
    waiting.items >= bounds.items ? `${waiting.items} items wait already` : `items of ${waiting.tokens} tokens wait already`
  return new Overflow(`Refused by ${labelOf(model)}: ${what}`, { retryAfterMs, hint })
}

export function waitsTooLong(model: string, waitMs: number, mostMs: number, retryAfterMs: number): Overflow {
  const message = `Refused by ${labelOf(model)}: it would wait for ${formatMs(waitMs)}, and may for ${formatMs(mostMs)}`
  return new Overflow(message, { retryAfterMs, hint })
}

export function tooLarge(model: string, tokens: number, bounds: Bounds): BudgetExceeded {
  const message = `Refused by ${labelOf(model)}: an item of about ${tokens} tokens; its queue holds ${bounds.tokens}`
  return new BudgetExceeded(message, { hint: 'Send a smaller item, or raise `queue.tokens`.' })
}

export function allBroken(model: string): CircuitOpen {
  return new CircuitOpen(`Refused without trying: the circuit breakers of all replicas of ${labelOf(model)} are open`, {
    hint: 'All replicas failed too often. Each is tried again after the `reset` of its breaker.',
  })
}

/** @param started it is at a replica */
export function late(model: string, limitMs: number, started: boolean): TimedOut {
  const where = started ? 'at a replica' : 'in the queue'
  const message = `${labelOf(model)} did not answer within ${formatMs(limitMs)}: the deadline passed ${where}`
  return new TimedOut(message, { clock: 'deadline', limitMs })
}

export function tookTooLong(model: string, limitMs: number): TimedOut {
  const message = `A replica of ${labelOf(model)} took longer than ${formatMs(limitMs)}; it was ended and is started again`
  return new TimedOut(message, { clock: 'timeout', limitMs })
}

export function closed(model: string): Closed {
  return new Closed(`The model "${model}" is closed, or is being closed`)
}
