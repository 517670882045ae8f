/** One call on this thread, with what every call has: its context, its timeout, its cancellation. */
import { Cancellation, cancelled } from '../base/abort.ts'
import { systemClock } from '../base/clock.ts'
import { formatMs, graceMsOf } from '../base/duration.ts'
import { TimedOut } from '../base/errors.ts'
import { currentFrame, enterFrame, type Frame, type TaskContext } from '../base/frame.ts'
import { keyOf } from '../base/idempotency.js'
import { withContext } from '../base/with-context.js'
import type { CallOptions } from '../run/executor.ts'

export type Callable = (...args: unknown[]) => unknown

/**
 * Rejects at the timeout, or when cancelled, once the function has settled. Nothing can end it here: if it ignores its signal for
 * the grace that everything has, it is abandoned.
 */
export async function runHere(name: string, fn: Callable, args: readonly unknown[], options: CallOptions): Promise<unknown> {
  const { cancellation, timeoutMs = Number.POSITIVE_INFINITY } = options
  const own = new Cancellation(cancellation)
  const timer = systemClock.schedule(timeoutMs, () => own.abort(timedOut(name, timeoutMs)))
  const context: TaskContext = {
    index: options.index ?? 0,
    attempt: options.attempt ?? 1,
    deadline: options.deadline ?? Number.POSITIVE_INFINITY,
    get signal() {
      return own.signal
    },
    get idempotencyKey() {
      return options.idempotencyKey ?? keyOf(own)
    },
  }
  const stop = abandonment(own)
  try {
    const value = await Promise.race([
      enterFrame(frameOf(context, own, name), () => fn(...withContext(fn.length, args, context))),
      stop.promise,
    ])
    if (own.aborted) throw own.reason
    return value
  } catch (error) {
    throw own.aborted ? cancelled(own.reason) : error
  } finally {
    stop.forget()
    systemClock.cancel(timer)
    own.close()
  }
}

function frameOf(context: TaskContext, cancellation: Cancellation, name: string): Frame {
  const parent = currentFrame()
  const { run, task } = parent
  return { parent, context, cancellation, run, task, label: () => `the call of "${name}"`, children: 0, waits: 0 }
}

/** Rejects the grace after the abort. */
function abandonment(own: Cancellation): { promise: Promise<never>; forget: () => void } {
  let timer: unknown
  let unsubscribe = (): void => {}
  const promise = new Promise<never>((_, reject) => {
    unsubscribe = own.subscribe(() => {
      timer = systemClock.schedule(graceMsOf(undefined), () => reject(own.reason as Error))
    })
  })
  return {
    promise,
    forget: () => {
      unsubscribe()
      if (timer !== undefined) systemClock.cancel(timer)
    },
  }
}

function timedOut(name: string, limitMs: number): TimedOut {
  return new TimedOut(`"${name}" did not finish within its timeout of ${formatMs(limitMs)}`, { clock: 'timeout', limitMs })
}
