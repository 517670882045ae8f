import { cancelled } from '../base/abort.ts'
import { currentFrame, type Frame } from '../base/frame.ts'
import { checkFunction, checkOptions } from '../base/options.ts'
import { type Hold, insideFrame } from '../base/wait-graph.ts'
import { labelOf, WaitQueue, type NameOptions, nameRules, Waiter, type WaitOptions, waitRules } from './wait-queue.ts'
import { Lease, type LeaseOwner, Leases } from './permits.ts'

/** In the leases of a read-write lock, `count` is 1 for a writer and 0 for a reader. */
class AccessWaiter extends Waiter<Lease> {
  readonly writes: boolean
  readonly inside: boolean

  constructor(on: Access, writes: boolean, inside: boolean) {
    super(on)
    this.writes = writes
    this.inside = inside
  }
}

class Access extends WaitQueue<Lease, AccessWaiter> implements LeaseOwner {
  readonly exclusive = true
  readers = 0
  writing = false
  readonly #name: string | undefined
  readonly #leases = new Leases()

  constructor(name: string | undefined) {
    super()
    this.#name = name
  }

  label(): string {
    return labelOf('read-write lock', this.#name)
  }

  holds(): Iterable<Hold> {
    return this.#leases
  }

  /** A writer needs everybody out; a reader, the writer. */
  passable(live: (hold: Hold) => boolean): boolean {
    for (const lease of this.#leases) if ((this.head?.writes || lease.count === 1) && !live(lease)) return false
    return true
  }

  take(writes: boolean, inside: boolean): Lease | undefined {
    return this.head || !this.#open(writes) ? undefined : this.#grant(writes, currentFrame(), inside)
  }

  acquire(writes: boolean, inside: boolean, options: WaitOptions): Promise<Lease> {
    const { signal } = options
    if (signal?.aborted) return Promise.reject(cancelled(signal.reason, `Waiting for ${this.label()}`))
    const lease = this.take(writes, inside)
    return lease ? Promise.resolve(lease) : this.join(new AccessWaiter(this, writes, inside), options)
  }

  run<T>(writes: boolean, fn: () => T | PromiseLike<T>, options: WaitOptions): Promise<T> {
    return insideFrame(async () => {
      const lease = await this.acquire(writes, true, options)
      try {
        return await fn()
      } finally {
        lease.release()
      }
    })
  }

  returned(lease: Lease): void {
    this.#leases.delete(lease)
    if (lease.count === 1) this.writing = false
    else this.readers--
    this.advance()
  }

  protected advance(): void {
    for (let waiter = this.head; waiter && this.#open(waiter.writes); waiter = this.head) {
      this.serve(waiter, this.#grant(waiter.writes, waiter.frame, waiter.inside))
    }
  }

  #open(writes: boolean): boolean {
    return !this.writing && !(writes && this.readers > 0)
  }

  #grant(writes: boolean, frame: Frame, inside: boolean): Lease {
    if (writes) this.writing = true
    else this.readers++
    return this.#leases.add(new Lease(this, writes ? 1 : 0, frame, inside))
  }
}

/**
 * Many readers or one writer, first come first served: readers who come after a waiting writer wait behind it, so that
 * neither side starves.
 *
 * @example
 * const config = new ReadWriteLock({ name: 'config' })
 * await config.runRead(() => lookUp(key))
 * await config.runWrite(() => reload())
 */
export class ReadWriteLock {
  readonly name: string | undefined
  readonly #access: Access

  constructor(options: NameOptions = {}) {
    checkOptions<NameOptions>(options, nameRules, 'ReadWriteLock')
    this.name = options.name
    this.#access = new Access(options.name)
  }

  /** How many read at the moment. */
  get readers(): number {
    return this.#access.readers
  }

  get writing(): boolean {
    return this.#access.writing
  }

  /** How many wait. */
  get waiting(): number {
    return this.#access.length
  }

  /** Waits for its turn to read. @throws {TimedOut} @throws {Cancelled} @throws {DeadlockDetected} */
  read(options: WaitOptions = {}): Promise<Lease> {
    checkOptions<WaitOptions>(options, waitRules, 'read')
    return this.#access.acquire(false, false, options)
  }

  /** Waits for its turn to write. @throws {TimedOut} @throws {Cancelled} @throws {DeadlockDetected} */
  write(options: WaitOptions = {}): Promise<Lease> {
    checkOptions<WaitOptions>(options, waitRules, 'write')
    return this.#access.acquire(true, false, options)
  }

  /** Runs `fn` while nobody writes. */
  runRead<T>(fn: () => T | PromiseLike<T>, options: WaitOptions = {}): Promise<T> {
    checkFunction(fn, 'fn', 'runRead')
    checkOptions<WaitOptions>(options, waitRules, 'runRead')
    return this.#access.run(false, fn, options)
  }

  /** Runs `fn` while nobody else reads or writes. */
  runWrite<T>(fn: () => T | PromiseLike<T>, options: WaitOptions = {}): Promise<T> {
    checkFunction(fn, 'fn', 'runWrite')
    checkOptions<WaitOptions>(options, waitRules, 'runWrite')
    return this.#access.run(true, fn, options)
  }
}
