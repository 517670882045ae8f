/** The core of mutexes and semaphores: a number of permits, leases on them, and a fair line. */
import { cancelled } from '../base/abort.ts'
import { currentFrame, type Frame } from '../base/frame.ts'
import type { Hold } from '../base/wait-graph.ts'
import { WaitQueue, Waiter, type WaitOptions } from './wait-queue.ts'

/** The right to go on. Give it back in a `finally` block or with `using`; a second time does nothing. */
export class Lease implements Hold {
  /** @internal */
  readonly frame: Frame
  /** @internal */
  readonly inside: boolean
  /** @internal */
  readonly count: number
  /** @internal Neighbours among the leases of the same owner. */
  previous: Lease | undefined = undefined
  /** @internal */
  next: Lease | undefined = undefined
  #owner: LeaseOwner | undefined

  /** @internal Made by a lock. */
  constructor(owner: LeaseOwner, count: number, frame: Frame, inside: boolean) {
    this.#owner = owner
    this.count = count
    this.frame = frame
    this.inside = inside
  }

  /** Gives it back; whoever is next in line goes on. */
  release(): void {
    const owner = this.#owner
    this.#owner = undefined
    owner?.returned(this)
  }

  [Symbol.dispose](): void {
    this.release()
  }
}

/** @internal */
export interface LeaseOwner {
  returned(lease: Lease): void
}

/** Leases that are out, in a list that costs a few field writes. */
export class Leases {
  #first: Lease | undefined

  add(lease: Lease): Lease {
    lease.next = this.#first
    if (this.#first) this.#first.previous = lease
    this.#first = lease
    return lease
  }

  delete(lease: Lease): void {
    if (lease.previous) lease.previous.next = lease.next
    else this.#first = lease.next
    if (lease.next) lease.next.previous = lease.previous
  }

  *[Symbol.iterator](): Generator<Lease> {
    for (let lease = this.#first; lease; lease = lease.next) yield lease
  }
}

export class PermitWaiter extends Waiter<Lease> {
  readonly count: number
  readonly inside: boolean

  constructor(on: Permits, count: number, inside: boolean) {
    super(on)
    this.count = count
    this.inside = inside
  }
}

/** Strictly first come, first served: a waiter that wants many permits is not overtaken by one that wants few. */
export class Permits extends WaitQueue<Lease, PermitWaiter> implements LeaseOwner {
  readonly exclusive = true
  readonly capacity: number
  free: number
  readonly #label: () => string
  readonly #leases = new Leases()

  constructor(capacity: number, label: () => string) {
    super()
    this.capacity = capacity
    this.free = capacity
    this.#label = label
  }

  label(): string {
    return this.#label()
  }

  holds(): Iterable<Hold> {
    return this.#leases
  }

  passable(live: (hold: Hold) => boolean): boolean {
    let available = this.free
    for (const lease of this.#leases) if (live(lease)) available += lease.count
    return available >= (this.head?.count ?? 0)
  }

  take(count: number, inside: boolean): Lease | undefined {
    return this.head || this.free < count ? undefined : this.#grant(count, currentFrame(), inside)
  }

  acquire(count: number, inside: boolean, options: WaitOptions): Promise<Lease> {
    const { signal } = options
    if (signal?.aborted) return Promise.reject(cancelled(signal.reason, `Waiting for ${this.label()}`))
    const lease = this.take(count, inside)
    return lease ? Promise.resolve(lease) : this.join(new PermitWaiter(this, count, inside), options)
  }

  returned(lease: Lease): void {
    this.#leases.delete(lease)
    this.free += lease.count
    if (this.head) this.advance()
  }

  protected advance(): void {
    for (let waiter = this.head; waiter && waiter.count <= this.free; waiter = this.head) {
      this.serve(waiter, this.#grant(waiter.count, waiter.frame, waiter.inside))
    }
  }

  #grant(count: number, frame: Frame, inside: boolean): Lease {
    this.free -= count
    return this.#leases.add(new Lease(this, count, frame, inside))
  }
}
