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
import { performance, queueMicrotask, setImmediate } from '../../base/globals.js'
import { cancelled } from '../../base/abort.ts'
import { currentFrame, type Entrance, entranceOf, type Frame } from '../../base/frame.ts'
import { withContext } from '../../base/with-context.js'
import { threadRow } from '../../base/rows.ts'
import type { BulkWork, CallOptions, Executor, FunctionRef } from '../../run/executor.ts'
import { type Callable, runHere } from '../call-here.ts'
import type { ForkedMessage } from '../protocol.ts'
import type { ForkPort } from '../thread/fork-port.js'
import { Breathing } from './breathing.ts'
import { Cost } from './cost.ts'
import { Many } from './many.ts'
import { asCrossed } from './crossed.ts'
import { Forked, handled } from './forked.ts'
import { Offers } from './offers.ts'
import { batchOf, depthOf } from './place.ts'
import { Single } from './single.ts'
import { type HomeFunction, Line, type Scheduler, type Unit, worthMs } from './unit.ts'

/** A fork that seems to cost less is trivial: to keep it for others and to come back to it costs about 1 µs. */
const trivialMs = 0.02
/** Trivial forks that wait for others at a time. A recursion of depth d keeps some d³/6 of its forks, instead of 2^d. */
const mostTrivial = 3
/** Forks that wait at a time, however large they are: there is enough for all others then. Bounds what they hold; chosen. */
const mostKept = 1_024
export class Home implements Executor, Scheduler {
  readonly name = 'threads'
  readonly #port: ForkPort
  readonly #functions = new WeakMap<FunctionRef, HomeFunction>()
  readonly #line = new Line()
  readonly #offers: Offers
  /** Forks that wait in the line. */
  #kept = 0
  /** Those that somebody awaits, or awaited: the last one starts first. */
  readonly #awaited: Single[] = []
  #starting = false
  /** Of the code at hand in the tree of forks, as long as it has not waited. Afterwards its frame says where it began at least. */
  #depth: number | undefined
  /** Calls under way at home; see `call`. */
  #calls = 0
  readonly #breathing = new Breathing()
  #turning = false
  /** The pool knows that home waits. */
  #told = false

  constructor(port: ForkPort) {
    this.#port = port
    this.#offers = new Offers(port, this, this.#line, () => (this.#told = false))
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
      if (!this.#offers.offer(unit, idle)) unit.start()
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
    forked.join = (own) => this.join(own)
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

  look(): void {
    this.#offers.look()
  }

  offerNow(): void {
    this.#offers.offerNow()
  }

  cancel(unit: Unit, reason: unknown): void {
    this.#offers.cancel(unit, reason)
  }

  /** What became of an offer. */
  forked(message: ForkedMessage): void {
    this.#offers.forked(message)
  }

  breathe(): Promise<void> | undefined {
    return this.#breathing.due()
  }

  // --- Turns of the event loop --------------------------------------------------------------------------------------------

  /** A batch begins or ends. */
  turned(): void {
    const now = performance.now()
    this.#offers.turned(now)
    this.#breathing.turned(now)
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
    this.#breathing.turned(performance.now())
    // What breathes goes on by itself.
    if (this.#breathing.paused || this.#startNewest() || this.#offers.takeBack()) return this.idleSoon()
    if (this.#offers.size === 0) return
    if (!this.#told) this.#port.waits()
    this.#told = true
    this.#offers.recallSoon()
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
}
