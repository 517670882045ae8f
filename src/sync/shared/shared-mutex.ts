import type { WaitOptions } from '../wait-queue.ts'
import { knownMemory, newMemory } from './memory.ts'
import { SharedLock } from './shared-lock.ts'
import { lock, tryLock, unlock } from './steps.ts'

const steps = { label: 'a shared mutex', acquire: lock, tryAcquire: tryLock, release: unlock }

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
export class SharedMutex extends SharedLock {
  constructor(shared?: SharedArrayBuffer) {
    super(shared === undefined ? newMemory('SharedMutex', 1, 0) : knownMemory('SharedMutex', shared), steps)
  }

  /** The same mutex on another thread. @throws {InvalidOption} when the memory is not a mutex */
  static from(shared: SharedArrayBuffer): SharedMutex {
    return new SharedMutex(shared)
  }

  /** Runs `fn` while nobody else is inside, on any thread; gives what it gives. */
  runExclusive<T>(fn: () => T | PromiseLike<T>, options: WaitOptions = {}): Promise<T> {
    return this.holding(fn, options, 'runExclusive')
  }
}
