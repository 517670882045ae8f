import { type Duration, durationMs } from '../../base/duration.ts'
import { checkFunction, checkOptions, checkValue, rules } from '../../base/options.ts'
import { throwIfAborted, type WaitOptions, waitRules } from '../line.ts'
import { knownMemory, newMemory, SharedLease } from './memory.ts'
import { blockedTooLong, type Cells, runBlocking, runNow, runWaiting } from './run.ts'
import { acquire, permitCell, release, tryAcquire } from './steps.ts'

const label = 'a shared semaphore'

/**
 * Lets at most `capacity` flows through at a time, on all threads that share its memory. What `SharedMutex` says about
 * fairness, death and deadlocks holds here too.
 */
export class SharedSemaphore {
  /** Hand this to other threads, as an argument or inside one. */
  readonly shared: SharedArrayBuffer
  readonly #cells: Cells

  /** @param capacity a whole number from 1 up, or the memory of another semaphore */
  constructor(capacity: number | SharedArrayBuffer) {
    if (typeof capacity === 'object' && capacity !== null) this.#cells = knownMemory('SharedSemaphore', capacity)
    else {
      checkValue(Number.isFinite(capacity) ? capacity : 0, rules.whole(1), 'capacity')
      this.#cells = newMemory('SharedSemaphore', capacity, capacity)
    }
    this.shared = this.#cells.buffer
  }

  /** The same semaphore on another thread. @throws {InvalidOption} when the memory is no semaphore */
  static from(shared: SharedArrayBuffer): SharedSemaphore {
    return new SharedSemaphore(knownMemory('SharedSemaphore', shared).buffer)
  }

  get capacity(): number {
    return this.#cells[1] as number
  }

  /** Permits that nobody holds at this moment. */
  get free(): number {
    return Atomics.load(this.#cells, permitCell)
  }

  /** Waits for a permit, and leaves the event loop free meanwhile. @throws {TimedOut} @throws {Cancelled} */
  async acquire(options: WaitOptions = {}): Promise<SharedLease> {
    checkOptions<WaitOptions>(options, waitRules, 'acquire')
    throwIfAborted(options, label)
    await runWaiting(acquire(), this.#cells, options, label, (got) => !got)
    return this.#lease()
  }

  /**
   * Blocks the thread until there is a permit; not for the main thread.
   * @throws {TimedOut}
   */
  acquireSync(options: { readonly timeout?: Duration } = {}): SharedLease {
    checkOptions(options, { timeout: waitRules.timeout }, 'acquireSync')
    const limitMs = options.timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(options.timeout, 'timeout')
    if (!runBlocking(acquire(), this.#cells, limitMs)) throw blockedTooLong(label, limitMs)
    return this.#lease()
  }

  /** A lease if that takes no waiting. */
  tryAcquire(): SharedLease | undefined {
    return runNow(tryAcquire(), this.#cells) ? this.#lease() : undefined
  }

  /** Runs `fn` while it holds a permit; gives what it gives. */
  async run<T>(fn: () => T | PromiseLike<T>, options: WaitOptions = {}): Promise<T> {
    checkFunction(fn, 'fn', 'run')
    const lease = await this.acquire(options)
    try {
      return await fn()
    } finally {
      lease.release()
    }
  }

  #lease(): SharedLease {
    return new SharedLease(() => runNow(release(), this.#cells))
  }
}
