import { checkOptions, rules } from '../base/options.ts'
import { Cancellation, cancelled, onAbort } from '../base/abort.ts'
import { systemClock } from '../base/clock.ts'
import { type Duration, durationMs, formatMs } from '../base/duration.ts'
import { describe, InvalidOption, TimedOut } from '../base/errors.ts'
import { type Executor, type FunctionRef, refOf } from '../run/executor.ts'
import { insideWorker } from './in-worker.ts'

const warmUpRules = { on: rules.executor, timeout: rules.duration, signal: rules.signal }
/** As many as a message may name. */
const namesMost = 5

/** Options of {@link warmUp}. */
export interface WarmUpOptions {
  /** How long it may take, all modules together. Workers that are still loading then are ended. @default none */
  readonly timeout?: Duration
  /** Gives up as with `timeout`. @default none */
  readonly signal?: AbortSignal
  /** Warms these workers. @default those on which the functions run */
  readonly on?: Executor
}

/**
 * Starts every worker, and loads and sets up the modules of these functions there, so that the first calls need not wait for it: for servers,
 * before they say that they are ready. Inside a worker there is nothing to do.
 *
 * @param functions a worker function, or a list of them; one of each module is enough
 * @throws {WorkerStartFailed} when a module cannot be loaded
 * @throws {TimedOut} when `timeout` ran out, as for a module whose top level awaits something that never comes
 *
 * @example
 * await warmUp([resize, entities], { timeout: '30s' })
 */
export async function warmUp(functions: WorkerLike | readonly WorkerLike[], options: WarmUpOptions = {}): Promise<void> {
  checkOptions<WarmUpOptions>(options, warmUpRules, 'warmUp')
  if (insideWorker()) return
  const refs = [functions].flat().map((fn) => {
    const ref = refOf(fn)
    if (ref) return ref
    throw new InvalidOption(`Expected warmUp to get worker functions, got ${describe(fn)}`, {
      hint: 'Define them in a module of their own: export const { name } = workers(import.meta.url, { name(item) { … } }).',
    })
  })
  const cancellation = new Cancellation()
  const unsubscribe = onAbort(options.signal, (reason) => cancellation.abort(cancelled(reason, 'warmUp')))
  const limitMs = options.timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(options.timeout, 'timeout')
  const timer = systemClock.schedule(limitMs, () => cancellation.abort(notWarm(refs, limitMs)))
  try {
    await Promise.all(refs.map((ref) => (options.on ?? ref.executor).warmUp?.(ref, cancellation)))
  } finally {
    systemClock.cancel(timer)
    unsubscribe()
  }
}

function notWarm(refs: readonly FunctionRef[], limitMs: number): TimedOut {
  const names = refs.slice(0, namesMost).map(({ name }) => `"${name}"`)
  const more = refs.length > namesMost ? ' …' : ''
  const message = `warmUp timed out: not every worker had loaded the modules of ${names.join(', ')}${more} within the timeout of ${formatMs(limitMs)}`
  return new TimedOut(message, {
    clock: 'timeout',
    limitMs,
    hint: 'Does a top level or a setup await something that never comes?',
  })
}

type WorkerLike = (...args: never[]) => Promise<unknown>
