import { checkFunction, checkOptions } from '../base/options.ts'
import { insideFrame } from '../base/wait-graph.ts'
import { type NameOptions, nameRules, type WaitOptions, waitRules } from './wait-queue.ts'
import { type Lease, Permits } from './permits.ts'

/**
 * Lets one flow through at a time, first come first served.
 *
 * Not reentrant: a flow that waits for it while inside it is deadlocked. That is detected at once within `runExclusive`; two
 * acquires in one flow are found only when the program has nothing else to do, because flows of one task cannot be
 * distinguished.
 *
 * @example
 * const orders = new Mutex({ name: 'orders' })
 * await orders.runExclusive(() => update(order))
 *
 * using lease = await orders.acquire({ timeout: '5s' })
 */
export class Mutex {
  readonly name: string | undefined
  readonly #permits: Permits

  constructor(options: NameOptions = {}) {
    checkOptions<NameOptions>(options, nameRules, 'Mutex')
    this.name = options.name
    this.#permits = new Permits(1, () => (options.name === undefined ? 'a mutex without a name' : `"${options.name}"`))
  }

  get locked(): boolean {
    return this.#permits.free === 0
  }

  /** How many wait. */
  get waiting(): number {
    return this.#permits.length
  }

  /**
   * Waits for its turn. Release the lease in a `finally` block or with `using`.
   * @throws {TimedOut} @throws {Cancelled} @throws {DeadlockDetected}
   */
  acquire(options: WaitOptions = {}): Promise<Lease> {
    checkOptions<WaitOptions>(options, waitRules, 'acquire')
    return this.#permits.acquire(1, false, options)
  }

  /** A lease if that takes no waiting. */
  tryAcquire(): Lease | undefined {
    return this.#permits.take(1, false)
  }

  /** Runs `fn` while nobody else is inside; gives what it gives. */
  runExclusive<T>(fn: () => T | PromiseLike<T>, options: WaitOptions = {}): Promise<T> {
    checkFunction(fn, 'fn', 'runExclusive')
    checkOptions<WaitOptions>(options, waitRules, 'runExclusive')
    return insideFrame(async () => {
      const lease = await this.#permits.acquire(1, true, options)
      try {
        return await fn()
      } finally {
        lease.release()
      }
    })
  }
}
