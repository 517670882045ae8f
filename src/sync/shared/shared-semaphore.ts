import { checkValue, rules } from '../../base/options.ts'
import type { WaitOptions } from '../wait-queue.ts'
import { knownMemory, newMemory } from './memory.ts'
import type { Cells } from './hold.ts'
import { SharedLock } from './shared-lock.ts'
import { acquire, permitCell, release, tryAcquire } from './steps.ts'

const steps = { label: 'a shared semaphore', acquire, tryAcquire, release }

/**
 * Lets at most `capacity` flows through at a time, on all threads that share its memory. What `SharedMutex` says about
 * fairness, death and deadlocks holds here too.
 */
export class SharedSemaphore extends SharedLock {
  readonly #permits: Cells

  /** @param capacity a whole number from 1 up, or the memory of another semaphore */
  constructor(capacity: number | SharedArrayBuffer) {
    const cells = cellsOf(capacity)
    super(cells, steps)
    this.#permits = cells
  }

  /** The same semaphore on another thread. @throws {InvalidOption} when the memory is not a semaphore */
  static from(shared: SharedArrayBuffer): SharedSemaphore {
    return new SharedSemaphore(knownMemory('SharedSemaphore', shared).buffer)
  }

  get capacity(): number {
    return this.#permits[1] as number
  }

  /** Permits that nobody holds at this moment. */
  get free(): number {
    return Atomics.load(this.#permits, permitCell)
  }

  /** Runs `fn` while it holds a permit; gives what it gives. */
  run<T>(fn: () => T | PromiseLike<T>, options: WaitOptions = {}): Promise<T> {
    return this.holding(fn, options, 'run')
  }
}

function cellsOf(capacity: number | SharedArrayBuffer): Cells {
  if (typeof capacity === 'object' && capacity !== null) return knownMemory('SharedSemaphore', capacity)
  checkValue(Number.isFinite(capacity) ? capacity : 0, rules.whole(1), 'capacity')
  return newMemory('SharedSemaphore', capacity, capacity)
}
