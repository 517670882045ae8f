/**
 * Single calls of functions that consented, on the caller's thread, where sending arguments and result would take this thread longer than the call:
 * a sum over a list of a hundred thousand objects. They run in their caller's own context, one after the other, and the event loop turns in between.
 */
import { performance, setImmediate } from '../../base/globals.js'
import { cancelled } from '../../base/abort.ts'
import type { CallOptions, FunctionRef } from '../../run/executor.ts'
import { copied, Shares } from '../copied.ts'
import { type Callable, runHere } from '../call-here.ts'
import type { Estimate } from './estimate.ts'
import { consents, longestCallMs, stoppedHere } from './consent.ts'
import { ranWithin } from './watchdog.ts'

/** Calls hold one turn of the event loop for about as long. */
const turnMs = 4

interface Known {
  readonly guarded: Callable
  /** Milliseconds of the last call, without what watching it took. */
  lastMs: number
  readonly items: Shares
  readonly results: Shares
}

const known = new WeakMap<FunctionRef, Known>()
let turnEnds = 0
let turning: Promise<void> | undefined

/** Is it cheaper here? A timeout is kept by another thread than the one that works, a setup runs in workers only, and what stays there stays. */
export function cheaperHere(ref: FunctionRef, estimate: Estimate, options: CallOptions): boolean {
  const { timeoutMs, seal, sealed, place } = options
  // What is there as bytes is there for another worker; that a result should be bytes is a wish.
  const stays = (sealed?.length ?? 0) > 0 || (seal && sealed === undefined)
  const bound = timeoutMs !== undefined || stays || place !== undefined
  if (!ref.inline || ref.local === undefined || ref.setup || bound) return false
  return consents(ref) && estimate.callWins
}

export async function callHere(
  ref: FunctionRef,
  estimate: Estimate,
  args: readonly unknown[],
  options: CallOptions,
): Promise<unknown> {
  const { cancellation, timing, onWaiting } = options
  await turned()
  if (cancellation?.aborted) throw cancelled(cancellation.reason)
  onWaiting?.(false)
  const own = knownOf(ref)
  const { guarded, items, results } = own
  const given = args.map((arg, i) => (items.has(arg) ? arg : copied(arg, `argument ${i + 1}`)))
  const startedAt = performance.now()
  if (startedAt > turnEnds) turnEnds = startedAt + turnMs
  try {
    const pending = runHere(ref.name, guarded, given, options)
    const ms = performance.now() - startedAt
    estimate.recordInline(1, own.lastMs)
    if (startedAt + ms > turnEnds) turning ??= nextTurn()
    const value = await pending
    return !args.includes(value) && results.has(value) ? value : copied(value, 'result')
  } finally {
    if (timing) Object.assign(timing, { row: 0, startedAt, settledAt: performance.now() })
  }
}

/** When no call has held this turn for long. */
async function turned(): Promise<void> {
  if (turning) await turning.then(turned)
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => {
      turning = undefined
      resolve()
    })
  })
}

function knownOf(ref: FunctionRef): Known {
  const found = known.get(ref)
  if (found) return found
  const local = ref.local as Callable
  const guarded = (...args: unknown[]): unknown => {
    let outcome: { readonly value: unknown } | { readonly error: unknown } | undefined
    const whole = ranWithin(longestCallMs, () => {
      const began = performance.now()
      try {
        outcome = { value: local(...args) }
      } catch (error) {
        outcome = { error }
      }
      made.lastMs = performance.now() - began
    })
    if (!whole) made.lastMs = longestCallMs
    if (!whole && !outcome) throw stoppedHere(ref)
    if (outcome && 'error' in outcome) throw outcome.error
    return outcome?.value
  }
  // By its length the place of the context is found.
  Object.defineProperty(guarded, 'length', { value: local.length })
  const made: Known = { guarded, lastMs: 0, items: new Shares(), results: new Shares() }
  known.set(ref, made)
  return made
}
