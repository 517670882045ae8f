/** Runs worker functions on this thread: to find a mistake with a debugger, and as the reference that the others are tested against. */
import { performance } from '../base/globals.js'
import { Cancellation, cancelled } from '../base/abort.ts'
import { systemClock } from '../base/clock.ts'
import { formatMs, graceMsOf } from '../base/duration.ts'
import { TimedOut, WorkerStartFailed } from '../base/errors.ts'
import { currentFrame, enterFrame, type Frame, type TaskContext } from '../base/frame.ts'
import { withContext } from '../base/with-context.js'
import type { BulkWork, CallOptions, Executor, FunctionRef } from '../run/executor.ts'
import { copied } from './copied.ts'

type Callable = (...args: unknown[]) => unknown

/** How many asynchronous items of one map are under way. */
const underWay = 16

class ThisThread implements Executor {
  readonly name = 'this thread'
  readonly slots = 1
  readonly #ready = new Map<string, Promise<Record<string, unknown> | undefined>>()

  async call(ref: FunctionRef, args: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    const fn = await this.#function(ref)
    if (options.cancellation?.aborted) throw cancelled(options.cancellation.reason)
    const startedAt = performance.now()
    try {
      return await run(
        ref.name,
        fn,
        args.map((arg, i) => copied(arg, `argument ${i + 1}`)),
        options,
      )
    } finally {
      if (options.timing) Object.assign(options.timing, { row: 0, startedAt, settledAt: performance.now() })
    }
  }

  bulk(ref: FunctionRef, work: BulkWork): void {
    // Every lane that found nothing waits for the same wake-up, which may mean more items, or that none will come.
    const idle: (() => void)[] = []
    const wake = (): void => {
      for (const resume of idle.splice(0)) resume()
    }
    work.onMore(wake)
    const unsubscribe = work.cancellation.subscribe(wake)
    const lane = async (): Promise<void> => {
      for (;;) {
        const batch = work.take(1)
        if (batch) await this.#item(ref, work, batch.first, batch.items[0])
        else if (work.exhausted()) return wake()
        else await new Promise<void>((resolve) => idle.push(resolve))
      }
    }
    void Promise.all(Array.from({ length: underWay }, lane)).then(() => {
      unsubscribe()
      work.finished()
    })
  }

  async #item(ref: FunctionRef, work: BulkWork, index: number, item: unknown): Promise<void> {
    const timing = { row: 0, startedAt: 0, settledAt: 0 }
    const { cancellation, timeoutMs, deadline } = work
    try {
      const value = await this.call(ref, [item], { cancellation, timeoutMs, index, deadline, timing })
      work.succeed(index, [value], 0, [timing.startedAt], [timing.settledAt])
    } catch (error) {
      if (timing.startedAt === 0 && cancellation.aborted) work.skip(index)
      else work.fail(index, error, 0, timing.startedAt, timing.settledAt)
    }
  }

  async warmUp(ref: FunctionRef): Promise<void> {
    await this.#function(ref)
  }

  /** There is nothing to end: this thread belongs to the program. */
  async close(): Promise<void> {}

  async #function(ref: FunctionRef): Promise<Callable> {
    let ready = this.#ready.get(ref.module)
    if (!ready) {
      ready = (async () => {
        const module = ref.local
          ? undefined
          : ((await import(/* webpackIgnore: true */ /* @vite-ignore */ ref.module)) as Record<string, unknown>)
        await ref.setup?.()
        return module
      })()
      this.#ready.set(ref.module, ready)
    }
    try {
      const found = (await ready)?.[ref.name] ?? ref.local
      if (typeof found !== 'function') throw new TypeError(`it has no function ${JSON.stringify(ref.name)}`)
      return found as Callable
    } catch (cause) {
      throw new WorkerStartFailed(`The worker module of "${ref.name}" could not be loaded: ${(cause as Error).message}`, {
        cause,
      })
    }
  }
}

export const thisThread: Executor = new ThisThread()

/**
 * Rejects at the timeout, or when cancelled, once the function has settled. Nothing can end it here: if it ignores its signal for
 * the grace that everything has, it is abandoned.
 */
async function run(name: string, fn: Callable, args: unknown[], options: CallOptions): Promise<unknown> {
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
  }
  const stop = abandonment(own)
  try {
    const value = await Promise.race([
      enterFrame(frameOf(context, own, name), () => fn(...withContext(fn.length, args, context))),
      stop.promise,
    ])
    if (own.aborted) throw own.reason
    return copied(value, 'result')
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
