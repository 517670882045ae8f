/** Runs worker functions on this thread: to find a mistake with a debugger, and as the reference that the others are tested against. */
import { cancelled } from '../base/abort.ts'
import { TimedOut, WorkerStartFailed } from '../base/errors.ts'
import { currentFrame, enterFrame, type Frame, type TaskContext } from '../base/frame.ts'
import { Cancellation } from '../base/abort.ts'
import { formatMs } from '../base/duration.ts'
import type { BulkWork, CallOptions, Executor, FunctionRef } from '../run/executor.ts'
import { uncloneable } from './host/inline.ts'

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
    work.onMore(() => {
      for (const wake of idle.splice(0)) wake()
    })
    const lane = async (): Promise<void> => {
      for (;;) {
        const batch = work.take(1)
        if (!batch && work.exhausted()) return
        if (!batch) await new Promise<void>((resolve) => idle.push(resolve))
        else await this.#item(ref, work, batch.first, batch.items[0])
      }
    }
    void Promise.all(Array.from({ length: underWay }, lane)).then(() => work.finished())
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

  async close(): Promise<void> {}

  async #function(ref: FunctionRef): Promise<Callable> {
    let ready = this.#ready.get(ref.module)
    if (!ready) {
      ready = (async () => {
        const module = ref.local ? undefined : ((await import(ref.module)) as Record<string, unknown>)
        await ref.setup?.()
        return module
      })()
      this.#ready.set(ref.module, ready)
    }
    try {
      const found = (await ready)?.[ref.name] ?? ref.local
      if (typeof found !== 'function') throw new TypeError(`The worker module has no function ${JSON.stringify(ref.name)}`)
      return found as Callable
    } catch (cause) {
      throw new WorkerStartFailed(`The worker module of "${ref.name}" could not be loaded: ${(cause as Error).message}`, {
        cause,
      })
    }
  }
}

export const thisThread: Executor = new ThisThread()

/** Rejects at the timeout, or when cancelled, once the function has settled; nothing can end it here. */
async function run(fn: Callable, args: unknown[], options: CallOptions): Promise<unknown> {
  const own = new Cancellation(options.cancellation)
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => own.abort(timedOut(options.timeoutMs as number)), options.timeoutMs)
  const context: TaskContext = {
    index: options.index ?? 0,
    attempt: options.attempt ?? 1,
    deadline: options.deadline ?? Number.POSITIVE_INFINITY,
    get signal() {
      return own.signal
    },
  }
  const frame: Frame = { ...currentFrame(), context, cancellation: own }
  try {
    const value = await enterFrame(frame, () => fn(...args, context))
    if (own.aborted) throw own.reason
    return copied(value, 'result')
  } catch (error) {
    throw own.aborted ? cancelled(own.reason) : error
  } finally {
    clearTimeout(timer)
    own.close()
  }
}

function timedOut(limitMs: number): TimedOut {
  return new TimedOut(`The task did not finish within its timeout of ${formatMs(limitMs)}`, { clock: 'timeout', limitMs })
}

/** As a crossing would copy it, so that a function cannot notice where it ran. */
function copied(value: unknown, what: string): unknown {
  try {
    return structuredClone(value)
  } catch (cause) {
    throw uncloneable(value, what, cause)
  }
}
