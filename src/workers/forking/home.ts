/**
 * What a worker does with calls of worker functions by worker functions: it runs them at home, which is on the worker that made the call, and offers the largest of them to workers that
 * have nothing to do. Direct calls never come here.
 *
 * **What is offered.** Calls that may run elsewhere and have not begun wait in a line, oldest first: in a recursion that divides its work the oldest is
 * the largest. At each fork and each item home looks whether somebody is idle, which is one cell of shared memory, and then offers the oldest, if it
 * seems to cost more than an offer (0.1 ms each way). A function that was slow so far, and one that is new, is offered at once; of a function whose
 * calls are mostly small, as in a recursion down to its leaves, what counts is how long its siblings at home have been at work since, and offers
 * are at least `beatMs` apart, so that they cost at most a few percent (heartbeat scheduling: Acar et al. 2018). While others work on what home
 * offered, one offer more lies with the pool for each of them: whoever is done need not wait until home has looked.
 *
 * **Trivial forks** are plain calls when as many as `mostTrivial` wait already: to keep one costs as much as it does itself.
 *
 * **Waiting.** Home runs depth first. When nothing at home goes on (its event loop has come round, and all that has begun waits), home begins
 * what it has kept, newest first; then it takes back what it offered and nobody has taken; then it asks the pool for what nobody has begun,
 * and says that it waits, so that it may get forks of its own tree. Whatever has begun runs on a thread that goes on, and whatever has not comes
 * back to whoever waits: by induction nothing waits for ever.
 *
 * **The same everywhere.** What crosses is what crosses between any two threads: at home arguments and results are shared only where a copy would be
 * equal, so that no program can depend on who was idle.
 */
import { performance, queueMicrotask, setImmediate, setTimeout } from '../../base/globals.js'
import { cancelled } from '../../base/abort.ts'
import { currentFrame, type Entrance, entranceOf, type Frame } from '../../base/frame.ts'
import { withContext } from '../../base/with-context.js'
import { threadRow } from '../../base/rows.ts'
import type { BulkWork, CallOptions, Executor, FunctionRef } from '../../run/executor.ts'
import { type Callable, runHere } from '../here.ts'
import type { ForkedMessage } from '../protocol.ts'
import type { ForkPort } from '../thread/fork-port.js'
import { packError } from '../../encoding/errors.js'
import { Cost } from './cost.ts'
import { Many } from './many.ts'
import { asCrossed } from './crossed.ts'
import { Single } from './single.ts'
import { type Given, type HomeFunction, Line, type Scheduler, type Unit, worthMs } from './unit.ts'

/** Between two offers of what may be small. An offer costs home about 20 µs. */
const beatMs = 1
/** A fork that seems to cost less is trivial: to keep it for others and to come back to it costs about 1 µs. */
const trivialMs = 0.02
/** Trivial forks that wait for others at a time. A recursion of depth d keeps some d³/6 of its forks, instead of 2^d. */
const mostTrivial = 3
/** Forks that wait at a time, however large they are: there is enough for all others then. Bounds what they hold; chosen. */
const mostKept = 1_024
/** The oldest few are looked at: behind them lie smaller ones. */
const mostLookedAt = 4
/** Offers that lie with the pool for those who are at work. Chosen: a few of the cells that settle them (`../thread/claims.js`). */
const mostAhead = 16
/** Home waits as long before it asks for what nobody has begun: whoever has it may be about to begin. */
const recallAfterMs = 2
/** The event loop turns as often. Chosen as everywhere on a thread of the user's. */
const heldMs = 10
/** The most items between two looks at the clock. */
const longestStride = 128

interface Offer {
  readonly unit: Unit
  readonly given: Given
  /** By position: it has come back, as a result or by itself. */
  readonly back: Uint8Array
  open: number
  recalled: boolean
}

export class Home implements Executor, Scheduler {
  readonly name = 'threads'
  readonly #port: ForkPort
  readonly #functions = new WeakMap<FunctionRef, HomeFunction>()
  readonly #line = new Line()
  readonly #offers = new Map<number, Offer>()
  /** Forks that wait in the line. */
  #kept = 0
  /** Those that somebody awaits, or awaited: the last one starts first. */
  readonly #awaited: Single[] = []
  #starting = false
  /** Of the code at hand in the tree of forks, as long as it has not waited. Afterwards its frame says where it began at least. */
  #depth: number | undefined
  /** Calls under way at home; see `call`. */
  #calls = 0
  #lookedAt = 0
  #nextOffer = 0
  #breathing: Promise<void> | undefined
  #breathedAt = performance.now()
  #stride = 1
  #steps = 0
  #turning = false
  #told = false
  #recalling = false

  constructor(port: ForkPort) {
    this.#port = port
    port.add(this)
  }

  get slots(): number {
    return this.#port.slots
  }

  /** Says how a function is found here. */
  define(ref: FunctionRef, ready: () => Callable | Promise<Callable>): void {
    this.#functions.set(ref, { module: ref.module, name: ref.name, cost: new Cost(), ready })
  }

  #functionOf(ref: FunctionRef): HomeFunction {
    return this.#functions.get(ref) as HomeFunction
  }

  // --- Work ---------------------------------------------------------------------------------------------------------------

  bulk(ref: FunctionRef, work: BulkWork): void {
    const frame = currentFrame()
    void new Many(this, this.#functionOf(ref), work, frame, batchOf(frame))
  }

  /** Waits for its result at once, so that it is offered only where home has others under way. */
  async call(ref: FunctionRef, args: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    const { cancellation, timing, onWaiting } = options
    if (cancellation?.aborted) throw cancelled(cancellation.reason)
    const fn = this.#functionOf(ref)
    const startedAt = performance.now()
    const given = args.map((arg, i) => asCrossed(arg, `argument ${i + 1}`))
    onWaiting?.(false)
    const depth = this.depthBelow(currentFrame())
    const here = (): Promise<unknown> => this.#here(fn, given, options, depth)
    const alone = this.#calls++ === 0
    try {
      const ms = fn.cost.ms(depth)
      const idle = alone || (ms !== undefined && ms < worthMs) ? 0 : this.#port.idle()
      return await (idle > 0 ? this.#away(fn, given, { ...options, depth }, here, idle) : here())
    } finally {
      this.#calls--
      if (timing) Object.assign(timing, { row: threadRow, startedAt, settledAt: performance.now() })
    }
  }

  #away(
    fn: HomeFunction,
    args: readonly unknown[],
    options: CallOptions & { readonly depth: number },
    here: () => Promise<unknown>,
    idle: number,
  ): Promise<unknown> {
    return new Promise((resolve) => {
      const frame = currentFrame()
      const enter = entranceOf(frame)
      const since = performance.now()
      const unit = new Single(this, fn, args, { ...options, batch: batchOf(frame), since }, () => enter(here), resolve)
      this.#keepSingle(unit)
      if (!this.#offer(unit, idle)) unit.start()
      else this.idleSoon()
    })
  }

  async #here(fn: HomeFunction, args: readonly unknown[], options: CallOptions, depth: number): Promise<unknown> {
    const callable = await fn.ready()
    const startedAt = performance.now()
    const value = await this.atDepth(depth, () => runHere(fn.name, callable, args, options))
    fn.cost.note(performance.now() - startedAt, depth)
    return asCrossed(value, 'result')
  }

  fork(ref: FunctionRef, args: readonly unknown[]): Promise<unknown> {
    const fn = this.#functionOf(ref)
    const frame = currentFrame()
    const depth = this.depthBelow(frame)
    const ms = fn.cost.ms(depth)
    const small = ms !== undefined && ms < worthMs
    let given: readonly unknown[]
    try {
      given = args.map((arg, i) => asCrossed(arg, `argument ${i + 1}`))
    } catch (error) {
      return handled(Promise.reject(error as Error))
    }
    if (this.#kept >= (ms !== undefined && ms < trivialMs ? mostTrivial : mostKept)) {
      this.look()
      return handled(this.#plainly(fn, given, depth))
    }
    const { cancellation, context } = frame
    let unit: Single | undefined
    const forked = new Forked((resolve) => {
      const enter: Entrance = entranceOf(frame)
      const { index, attempt, deadline } = context
      const options = {
        cancellation,
        index,
        attempt,
        deadline,
        batch: batchOf(frame),
        depth,
        since: performance.now(),
        /** That of the task that forks it, wherever it runs. Asked for when it leaves. */
        get idempotencyKey() {
          return context.idempotencyKey
        },
      }
      unit = new Single(this, fn, given, options, () => enter(() => this.#plainly(fn, given, depth)), resolve)
    })
    const made = unit as unknown as Single
    forked.unit = made
    forked.home = this
    handled(forked)
    this.#keepSingle(made)
    if (small) this.look()
    else this.offerNow()
    this.idleSoon()
    return forked
  }

  /** As a direct call, except that what it gives is what a crossing would give. */
  async #plainly(fn: HomeFunction, args: readonly unknown[], depth: number): Promise<unknown> {
    const found = fn.ready()
    const callable = typeof found === 'function' ? found : await found
    const { cost } = fn
    const startedAt = cost.due(depth) ? performance.now() : 0
    const value = await this.atDepth(depth, () => callable(...withContext(callable.length, args, currentFrame().context)))
    if (startedAt > 0) cost.note(performance.now() - startedAt, depth)
    return asCrossed(value, 'result')
  }

  // --- Depth --------------------------------------------------------------------------------------------------------------

  depthBelow(frame: Frame): number {
    return 1 + (this.#depth ?? depthOf(frame))
  }

  atDepth<T>(depth: number, body: () => T): T {
    const before = this.#depth
    this.#depth = depth
    try {
      return body()
    } finally {
      this.#depth = before
    }
  }

  /** There is nothing to end: the worker belongs to its pool. */
  async close(): Promise<void> {}

  // --- The line -----------------------------------------------------------------------------------------------------------

  #keepSingle(unit: Single): void {
    this.#kept++
    this.#line.add(unit)
  }

  keep(unit: Unit): void {
    if (unit instanceof Single) this.#keepSingle(unit)
    else this.#line.add(unit)
    this.idleSoon()
  }

  release(unit: Unit): void {
    if (unit instanceof Single) this.#kept--
    this.#line.remove(unit)
  }

  /** Somebody waits for a fork. */
  join(unit: Single): void {
    if (!unit.kept) return this.idleSoon()
    this.#awaited.push(unit)
    if (!this.#starting) queueMicrotask(this.#startAwaited)
    this.#starting = true
  }

  /** What it forks and awaits stands above the others before the next one starts: depth first. */
  readonly #startAwaited = (): void => {
    this.look()
    let unit = this.#awaited.pop()
    while (unit && !unit.kept) unit = this.#awaited.pop()
    this.#starting = unit !== undefined
    if (!unit) return this.idleSoon()
    const pause = this.breathe()
    if (pause) {
      this.#awaited.push(unit)
      return void pause.then(this.#startAwaited)
    }
    unit.start()
    queueMicrotask(this.#startAwaited)
  }

  // --- Offers -------------------------------------------------------------------------------------------------------------

  /** Offers the oldest that is worth it, if somebody is idle. Called often. */
  look(): void {
    const idle = this.#wanted()
    if (idle <= 0) return
    const now = performance.now()
    // Whatever held the thread since the last look shows how much a step does here.
    const step = now - this.#lookedAt
    this.#lookedAt = now
    if (now < this.#nextOffer) return
    if (this.#offerOldest(idle, now, step)) this.#nextOffer = now + beatMs
  }

  /** Offers the oldest, if somebody is idle: something has come that takes long, or may. */
  offerNow(): void {
    const idle = this.#wanted()
    if (idle > 0) this.#offerOldest(idle, 0, Number.POSITIVE_INFINITY)
  }

  /** For how many others there is to be something: the idle ones, or the next one of those that work on what home offered. */
  #wanted(): number {
    const idle = this.#port.idle()
    if (idle > 0 || this.#offers.size === 0 || !this.#port.seesTaken) return idle
    let ahead = 0
    for (const fork of this.#offers.keys()) if (this.#port.left(fork) > 0) ahead++
    return ahead < Math.min(this.slots - 1, this.#offers.size - ahead, mostAhead) ? 1 : 0
  }

  /** @param now for what the units say themselves; 0 where `leastMs` says enough of all */
  #offerOldest(idle: number, now: number, leastMs: number): boolean {
    let unit = this.#line.oldest
    for (let i = 0; unit && i < mostLookedAt; i++) {
      const { newer } = unit as Unit
      if ((leastMs >= worthMs || unit.leastMs(now) >= worthMs) && this.#offer(unit, idle)) return true
      unit = newer
    }
    return false
  }

  #offer(unit: Unit, idle: number): boolean {
    const given = unit.give(idle)
    if (!given) return false
    const { module, name, batch, depth } = unit
    const deadline = given.deadline + performance.timeOrigin
    let fork: number
    try {
      fork = this.#port.offer(this, { module, name, batch, depth, ...given, deadline })
    } catch {
      // Something in it cannot cross. It runs here, which says the same.
      unit.stays(given)
      return false
    }
    this.#offers.set(fork, { unit, given, back: new Uint8Array(given.items.length), open: given.items.length, recalled: false })
    if (unit instanceof Single) unit.watch((reason) => this.cancel(unit, reason))
    this.#told = false
    return true
  }

  /** Nobody wants what others have of it. */
  cancel(unit: Unit, reason: unknown): void {
    for (const [fork, offer] of this.#offers) {
      if (offer.unit !== unit) continue
      const { from, count } = this.#port.takeBackAll(fork)
      this.#port.cancel(fork, packError(reason))
      const { first } = offer.given
      const indexes = Array.from({ length: count }, (_, i) => first + from + i)
      this.#closed(fork, offer, indexes)
      for (const index of indexes) unit.skipped(index)
    }
  }

  #closed(fork: number, offer: Offer, indexes: Iterable<number>): void {
    for (const index of indexes) {
      offer.back[index - offer.given.first] = 1
      offer.open--
    }
    if (offer.open === 0) this.#offers.delete(fork)
  }

  /** What became of an offer. */
  forked({ fork, first, values, errors, skipped, returned, over }: ForkedMessage): void {
    const offer = this.#offers.get(fork)
    if (!offer) return
    const { unit, given } = offer
    this.#told = false
    this.#closed(
      fork,
      offer,
      Array.from(values, (_, i) => first + i),
    )
    this.#closed(fork, offer, [...(errors ?? []).map(({ index }) => index), ...(skipped ?? []), ...(returned ?? [])])
    // Of an offer that nobody could read.
    const left = over ? [...offer.back.keys()].filter((at) => offer.back[at] === 0).map((at) => given.first + at) : []
    this.#closed(fork, offer, left)
    if (values.length > 0) unit.succeeded(first, values)
    for (const { index, error } of errors ?? []) unit.failed(index, error)
    for (const index of skipped ?? []) unit.skipped(index)
    const own = [...(returned ?? []), ...left]
    if (own.length > 0) unit.returned(own, given)
    this.idleSoon()
  }

  // --- Turns of the event loop --------------------------------------------------------------------------------------------

  /** The pause for which whatever runs here is to wait now and then, so that the event loop turns; undefined mostly. */
  breathe(): Promise<void> | undefined {
    if (this.#breathing) return this.#breathing
    if (++this.#steps < this.#stride) return undefined
    this.#steps = 0
    const now = performance.now()
    const heldFor = now - this.#breathedAt
    this.#stride = heldFor > heldMs / 4 ? 1 : Math.min(longestStride, this.#stride * 2)
    if (heldFor < heldMs) return undefined
    return (this.#breathing = new Promise((resolve) => {
      setImmediate(() => {
        this.#breathing = undefined
        this.#breathedAt = performance.now()
        resolve()
      })
    }))
  }

  /** A batch begins or ends. */
  turned(): void {
    this.#lookedAt = performance.now()
    this.#breathedAt = this.#lookedAt
    this.#told = false
    if (this.#offers.size > 0 || this.#line.newest) this.idleSoon()
  }

  /** Something may have begun to wait: when all does, there is something to do. */
  idleSoon(): void {
    if (this.#turning) return
    this.#turning = true
    setImmediate(this.#turn)
  }

  readonly #turn = (): void => {
    this.#turning = false
    this.#breathedAt = performance.now()
    // What breathes goes on by itself.
    if (this.#breathing || this.#startNewest() || this.#takeBack()) return this.idleSoon()
    if (this.#offers.size === 0) return
    if (!this.#told) this.#port.waits()
    this.#told = true
    this.#recallSoon()
  }

  #startNewest(): boolean {
    let unit = this.#line.newest
    while (unit) {
      const { older } = unit as Unit
      if (unit.start()) return true
      unit = older
    }
    return false
  }

  /** Half of what nobody has, of the offer that was made last: the others may still take the rest. */
  #takeBack(): boolean {
    for (const [fork, offer] of [...this.#offers].reverse()) {
      const indexes: number[] = []
      for (let most = Math.ceil(this.#port.left(fork) / 2); most > 0; most--) {
        const at = this.#port.takeBack(fork)
        if (at < 0) break
        indexes.unshift(offer.given.first + at)
      }
      if (indexes.length === 0) continue
      if (this.#port.left(fork) === 0) this.#recall(fork, offer)
      this.#closed(fork, offer, indexes)
      offer.unit.returned(indexes, offer.given)
      return true
    }
    return false
  }

  #recallSoon(): void {
    if (this.#recalling || [...this.#offers.values()].every(({ recalled }) => recalled)) return
    this.#recalling = true
    setTimeout(() => {
      this.#recalling = false
      for (const [fork, offer] of this.#offers) if (!offer.recalled) this.#recall(fork, offer)
    }, recallAfterMs)
  }

  #recall(fork: number, offer: Offer): void {
    offer.recalled = true
    this.#port.recall(fork)
  }
}

/** A task that fails before it awaits its fork must not end the worker through what the fork throws. */
function handled(promise: Promise<unknown>): Promise<unknown> {
  Promise.prototype.then.call(promise, undefined, nothing)
  return promise
}

const nothing = (): void => {}

/** A promise that says when somebody waits for it: what was kept for others runs then at the latest. */
class Forked extends Promise<unknown> {
  unit: Single | undefined
  home: Home | undefined

  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  // oxlint-disable-next-line unicorn/no-thenable -- it is a promise
  override then<A, B>(
    done?: ((value: unknown) => A | PromiseLike<A>) | null,
    failed?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    const { unit } = this
    this.unit = undefined
    if (unit) this.home?.join(unit)
    return super.then(done, failed)
  }
}

/** The batch whose task the code at hand belongs to. */
function batchOf(frame: Frame): number {
  for (let at: Frame | undefined = frame; at; at = at.parent) {
    const { batch } = at.context as { readonly batch?: number }
    if (batch !== undefined) return batch
  }
  return 0
}

function depthOf(frame: Frame): number {
  for (let at: Frame | undefined = frame; at; at = at.parent) {
    const { depth } = at.context as { readonly depth?: number }
    if (depth !== undefined) return depth
  }
  return 0
}
