import { InvalidOption } from '../base/errors.ts'
import { checkFunction, checkOptions, checkValue, type OptionRules, rules } from '../base/options.ts'
import { insideFrame } from '../base/wait-graph.ts'
import { labelOf, type NameOptions, nameRules, type WaitOptions, waitRules } from './wait-queue.ts'
import { type Lease, Permits } from './permits.ts'

/** Options of one wait for permits. */
export interface PermitOptions extends WaitOptions {
  /** How many permits to take at once: a whole number from 1 up to the capacity. @default 1 */
  readonly count?: number
}

const permitRules: OptionRules<PermitOptions> = { ...waitRules, count: rules.whole(1) }

/**
 * Lets at most `capacity` flows through at a time, strictly first come first served: a flow that wants many permits is not
 * overtaken by those that want few.
 *
 * @param capacity a whole number from 1 up
 */
export class Semaphore {
  readonly name: string | undefined
  readonly #permits: Permits

  constructor(capacity: number, options: NameOptions = {}) {
    checkValue(capacity ?? 0, rules.whole(1), 'capacity')
    checkOptions<NameOptions>(options, nameRules, 'Semaphore')
    this.name = options.name
    this.#permits = new Permits(capacity, () => labelOf('semaphore', options.name))
  }

  get capacity(): number {
    return this.#permits.capacity
  }

  /** Permits that nobody holds. */
  get free(): number {
    return this.#permits.free
  }

  /** How many wait. */
  get waiting(): number {
    return this.#permits.length
  }

  /**
   * Waits for permits. Release the lease in a `finally` block or with `using`.
   * @throws {TimedOut} @throws {Cancelled} @throws {DeadlockDetected}
   */
  acquire(options: PermitOptions = {}): Promise<Lease> {
    return this.#permits.acquire(this.#count(options, 'acquire'), false, options)
  }

  /** A lease if that takes no waiting. */
  tryAcquire(options: Pick<PermitOptions, 'count'> = {}): Lease | undefined {
    return this.#permits.take(this.#count(options, 'tryAcquire'), false)
  }

  /** Runs `fn` while it holds the permits; gives what it gives. */
  run<T>(fn: () => T | PromiseLike<T>, options: PermitOptions = {}): Promise<T> {
    checkFunction(fn, 'fn', 'run')
    const count = this.#count(options, 'run')
    return insideFrame(async () => {
      const lease = await this.#permits.acquire(count, true, options)
      try {
        return await fn()
      } finally {
        lease.release()
      }
    })
  }

  #count(options: PermitOptions, where: string): number {
    checkOptions<PermitOptions>(options, permitRules, where)
    const count = options.count ?? 1
    if (count <= this.capacity) return count
    throw new InvalidOption(
      `Expected \`count\` of ${where} to be at most ${this.capacity}, the capacity of ${this.#permits.label()}, got ${count}`,
    )
  }
}
