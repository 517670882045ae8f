import { type Duration, durationMs } from '../../base/duration.ts'
import { checkFunction, checkOptions } from '../../base/options.ts'
import { throwIfAborted, type WaitOptions, waitRules } from '../wait-queue.ts'
import { SharedLease } from './memory.ts'
import { blockedTooLong, type Cells, runBlocking, runNow, runWaiting } from './hold.ts'
import type { acquire, release, tryAcquire } from './steps.ts'

/** How it is taken and given back. */
interface LockSteps {
  readonly label: string
  readonly acquire: typeof acquire
  readonly tryAcquire: typeof tryAcquire
  readonly release: typeof release
}

/** Something that is taken and given back, on all threads that share its memory: what a mutex and a semaphore have in common. */
export abstract class SharedLock {
  /** Hand this to other threads, as an argument or inside one. */
  readonly shared: SharedArrayBuffer
  readonly #cells: Cells
  readonly #steps: LockSteps

  protected constructor(cells: Cells, steps: LockSteps) {
    this.#cells = cells
    this.shared = cells.buffer
    this.#steps = steps
  }

  /** Waits for its turn, and leaves the event loop free meanwhile. @throws {TimedOut} @throws {Cancelled} */
  async acquire(options: WaitOptions = {}): Promise<SharedLease> {
    const { label, acquire } = this.#steps
    checkOptions<WaitOptions>(options, waitRules, 'acquire')
    throwIfAborted(options, label)
    await runWaiting(acquire(), this.#cells, options, label, (got) => !got)
    return this.#lease()
  }

  /**
   * Blocks the thread until it is its turn; not for the main thread.
   * @throws {TimedOut}
   */
  acquireSync(options: { readonly timeout?: Duration } = {}): SharedLease {
    const { label, acquire } = this.#steps
    checkOptions(options, { timeout: waitRules.timeout }, 'acquireSync')
    const limitMs = options.timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(options.timeout, 'timeout')
    if (!runBlocking(acquire(), this.#cells, limitMs)) throw blockedTooLong(label, limitMs)
    return this.#lease()
  }

  /** A lease if that takes no waiting. */
  tryAcquire(): SharedLease | undefined {
    return runNow(this.#steps.tryAcquire(), this.#cells) ? this.#lease() : undefined
  }

  /** Runs `fn` while it is held; gives what it gives. @param where the method that was called */
  protected async holding<T>(fn: () => T | PromiseLike<T>, options: WaitOptions, where: string): Promise<T> {
    checkFunction(fn, 'fn', where)
    const lease = await this.acquire(options)
    try {
      return await fn()
    } finally {
      lease.release()
    }
  }

  #lease(): SharedLease {
    return new SharedLease(() => runNow(this.#steps.release(), this.#cells))
  }
}
