/** Runs worker functions on this thread: to find a mistake with a debugger, and as the reference that the others are tested against. */
import { performance } from '../base/globals.js'
import { cancelled } from '../base/abort.ts'
import { itemKey } from '../base/idempotency.js'
import { WorkerStartFailed } from '../base/errors.ts'
import { threadRow } from '../base/rows.ts'
import type { BulkWork, CallOptions, Executor, FunctionRef } from '../run/executor.ts'
import { copied } from './copied.ts'
import { type Callable, runHere } from './call-here.ts'

/** How many asynchronous items of one map are under way. */
const underWay = 16

class ThisThread implements Executor {
  readonly name = 'this thread'
  readonly slots = 1
  readonly reach = { sharesMemory: true, remote: false, roundTripMs: 0 }
  readonly #ready = new Map<string, Promise<Record<string, unknown> | undefined>>()

  async call(ref: FunctionRef, args: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    const fn = await this.#function(ref)
    if (options.cancellation?.aborted) throw cancelled(options.cancellation.reason)
    const startedAt = performance.now()
    try {
      const given = args.map((arg, i) => copied(arg, `argument ${i + 1}`))
      return copied(await runHere(ref.name, fn, given, options), 'result')
    } finally {
      if (options.timing) Object.assign(options.timing, { row: threadRow, startedAt, settledAt: performance.now() })
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
    const timing = { row: threadRow, startedAt: 0, settledAt: 0 }
    const { cancellation, timeoutMs, deadline } = work
    const idempotencyKey = work.idempotencyKey && itemKey(work.idempotencyKey, index)
    try {
      const value = await this.call(ref, [item], { cancellation, timeoutMs, index, deadline, timing, idempotencyKey })
      work.succeed(index, [value], threadRow, [timing.startedAt], [timing.settledAt])
    } catch (error) {
      if (timing.startedAt === 0 && cancellation.aborted) work.skip(index)
      else work.fail(index, error, threadRow, timing.startedAt, timing.settledAt)
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
