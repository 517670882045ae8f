import { type Duration, durationMs } from '../../base/duration.ts'
import { checkFunction, checkOptions } from '../../base/options.ts'
import { throwIfAborted, type WaitOptions, waitRules } from '../line.ts'
import { knownMemory, newMemory, SharedLease } from './memory.ts'
import { blockedTooLong, type Cells, runBlocking, runNow, runWaiting } from './run.ts'
import { lock, tryLock, unlock } from './steps.ts'

const label = 'a shared mutex'

/**
 * Lets one flow through at a time, on all threads that share its memory.
 *
 * Not strictly fair: whoever comes while the lock is just free may overtake those who are still waking up. A thread that
 * dies while it holds the lock leaves it locked; give waits a timeout where that can happen. Not part of deadlock detection,
 * which sees one thread only.
 *
 * @example
 * const mutex = new SharedMutex()
 * await count(mutex.shared)                      // a worker function
 * // there: await SharedMutex.from(shared).runExclusive(() => …)
 */
export class SharedMutex {
  /** Hand this to other threads, as an argument or inside one. */
  readonly shared: SharedArrayBuffer
  readonly #cells: Cells

  constructor(shared?: SharedArrayBuffer) {
    this.#cells = shared === undefined ? newMemory('SharedMutex', 1, 0) : knownMemory('SharedMutex', shared)
    this.shared = this.#cells.buffer
  }

  /** The same mutex on another thread. @throws {InvalidOption} when the memory is no mutex */
  static from(shared: SharedArrayBuffer): SharedMutex {
    return new SharedMutex(shared)
  }

  /** Waits for its turn, and leaves the event loop free meanwhile. @throws {TimedOut} @throws {Cancelled} */
  async acquire(options: WaitOptions = {}): Promise<SharedLease> {
    checkOptions<WaitOptions>(options, waitRules, 'acquire')
    throwIfAborted(options, label)
    await runWaiting(lock(), this.#cells, options, label, (got) => !got)
    return this.#lease()
  }

  /**
   * Blocks the thread until it is its turn; not for the main thread.
   * @throws {TimedOut}
   */
  acquireSync(options: { readonly timeout?: Duration } = {}): SharedLease {
    checkOptions(options, { timeout: waitRules.timeout }, 'acquireSync')
    const limitMs = options.timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(options.timeout, 'timeout')
    if (!runBlocking(lock(), this.#cells, limitMs)) throw blockedTooLong(label, limitMs)
    return this.#lease()
  }

  /** A lease if that takes no waiting. */
  tryAcquire(): SharedLease | undefined {
    return runNow(tryLock(), this.#cells) ? this.#lease() : undefined
  }

  /** Runs `fn` while nobody else is inside, on any thread; gives what it gives. */
  async runExclusive<T>(fn: () => T | PromiseLike<T>, options: WaitOptions = {}): Promise<T> {
    checkFunction(fn, 'fn', 'runExclusive')
    const lease = await this.acquire(options)
    try {
      return await fn()
    } finally {
      lease.release()
    }
  }

  #lease(): SharedLease {
    return new SharedLease(() => runNow(unlock(), this.#cells))
  }
}
