/**
 * One served model: calls wait in a fair queue, idle replicas pull batches of them.
 *
 * Nothing waits for a timer: whenever a replica is free and something waits, a batch leaves, however small. While all replicas are at work the
 * queue fills, and batches become as large as is good for them.
 *
 * Invariants:
 * - Each call is settled once: `settled` of the call says so, and all that comes later is ignored.
 * - What leaves the queue is under way at a replica, or settled.
 * - A replica has at most `slots` batches.
 *
 * Long because taking in, sending, settling and restarting share that state; what can be told apart lies in the files beside it.
 */
import { cancelled } from '../../base/abort.ts'
import type { Cancellation } from '../../base/abort.ts'
import { formatMs } from '../../base/duration.ts'
import { BudgetExceeded, CircuitOpen, Closed, Overflow, TimedOut, toError, WorkerCrashed } from '../../base/errors.ts'
import { HedgeTiming } from '../../patterns/hedge.ts'
import { TokenEstimate } from '../queue/estimate.ts'
import { FairQueue } from '../queue/fair-queue.ts'
import type { BatchOutcome, ReplicaHandle, StreamOutcome } from '../replica/handle.ts'
import type { Answer } from '../served.ts'
import type { Refusal, ServedStats } from '../stats.ts'
import { Call } from './call.ts'
import { Crew } from './crew.ts'
import type { BatchUnderWay } from './flight.ts'
import { Meter } from './meter.ts'
import type { Seat } from './seat.ts'
import type { ModelSettings } from './settings.ts'

/** How often a queue looks whether a breaker lets a probe through, while nothing else would wake it. */
const lookAgainMs = 100
/** After a model could not be opened, calls are refused for so long before it is tried again. */
const firstRetryOpenMs = 1_000
const longestRetryOpenMs = 30_000
/** Of throughput: about as many of the latest batches decide. */
const memory = 20
/** Inputs on which the batch size is measured where `warmUp` gives none; chosen: enough for several lengths. */
const samplesWanted = 32
/** Said to a caller that is refused before anything is known of the speed. */
const unknownRetryMs = 1_000

/** What one call may say. */
export interface AskSettings {
  readonly deadlineMs: number | undefined
  readonly priority: number
  readonly tenant: string
  readonly cancellations: readonly (Cancellation | undefined)[]
  readonly onPart: ((part: unknown) => void) | undefined
}

export class Model {
  readonly settings: ModelSettings
  readonly crew: Crew
  readonly #queue: FairQueue<Call>
  readonly #estimate: TokenEstimate
  readonly #meter: Meter
  readonly #hedge: HedgeTiming | undefined
  readonly #underWay = new Set<BatchUnderWay>()
  #state: ServedStats['state'] = 'unloaded'
  #loading: Promise<void> | undefined
  #failure: { readonly error: unknown; readonly until: number; readonly pauseMs: number } | undefined
  #lookAgain: unknown
  /** Of one replica: tokens and milliseconds of the latest batches. */
  #rateTokens = 0
  #rateMs = 0
  #closed: Promise<void> | undefined
  /** The first inputs, while the batch size is to be measured on them. */
  #samples: unknown[] | undefined
  #idle: (() => void)[] = []
  usedAtMs = 0

  constructor(settings: ModelSettings) {
    this.settings = settings
    const { clock, bounds, weightOf } = settings
    this.#queue = new FairQueue(bounds, weightOf)
    this.#estimate = new TokenEstimate(settings.counted)
    this.#meter = new Meter(clock.now())
    this.#hedge = settings.hedge && new HedgeTiming(settings.hedge)
    const { runs, warmUp, batchItems, slots } = settings
    if (runs && warmUp.length === 0 && batchItems === 'auto' && slots === 1) this.#samples = []
    this.crew = new Crew(settings, {
      ready: () => this.#pump(),
      failed: (error) => this.#openFailed(error),
    })
  }

  get state(): ServedStats['state'] {
    return this.#state
  }

  /** Nothing waits and nothing is under way: it may be unloaded. */
  get quiet(): boolean {
    return this.#queue.size === 0 && this.#underWay.size === 0
  }

  // --- The door -----------------------------------------------------------------------------------------------------------

  ask(item: unknown, settings: AskSettings): Promise<Answer<unknown>> {
    return this.begin(item, settings).answer
  }

  /** Never throws: a call that is refused is settled already. */
  begin(item: unknown, { deadlineMs, priority, tenant, cancellations, onPart }: AskSettings): Call {
    const now = this.settings.clock.now()
    this.usedAtMs = now
    const tokens = this.#estimate.of(item)
    const call = new Call({ item, tokens, tenant, priority, arrivedAtMs: now, onPart })
    const refusal = this.#refusalAtDoor(now, tokens, cancellations)
    if (refusal) {
      this.#fail(call, refusal.cause, refusal.error)
      return call
    }
    const admission = this.#queue.add(call)
    if (!admission.admitted) {
      const { cause } = admission
      this.#fail(call, cause, cause === 'too-large' ? this.#tooLarge(tokens) : this.#full())
      return call
    }
    for (const out of admission.pushedOut) this.#fail(out, 'queue-full', this.#full())
    this.#watch(call, cancellations, deadlineMs)
    this.load().catch(() => {})
    this.#pump()
    return call
  }

  #refusalAtDoor(
    now: number,
    tokens: number,
    cancellations: readonly (Cancellation | undefined)[],
  ): { readonly cause: Refusal; readonly error: unknown } | undefined {
    const gone = cancellations.find((each) => each?.aborted)
    if (gone) return { cause: 'cancelled', error: cancelled(gone.reason, this.#label) }
    if (this.#state === 'closing' || this.#state === 'closed') return { cause: 'closed', error: this.#closedError() }
    if (this.#failure && now < this.#failure.until) return { cause: 'crashed', error: this.#failure.error }
    if (this.#state === 'ready' && !this.crew.fit) {
      return {
        cause: 'circuit-open',
        error: new CircuitOpen(`Refused without trying: the circuit breakers of all replicas of ${this.#label} are open`, {
          hint: 'All replicas failed too often. Each is tried again after the `reset` of its breaker.',
        }),
      }
    }
    const waitMs = this.#waitMs(tokens)
    const late = waitMs > this.settings.maxWaitMs && this.#queue.size > 0
    return late ? { cause: 'queue-full', error: this.#tooLong(waitMs) } : undefined
  }

  /** Leaves at the deadline, and when the caller goes. */
  #watch(call: Call, cancellations: readonly (Cancellation | undefined)[], deadlineMs: number | undefined): void {
    const { clock } = this.settings
    for (const cancellation of cancellations) {
      if (cancellation)
        call.onSettled.push(cancellation.subscribe((reason) => this.#leave(call, 'cancelled', cancelled(reason, this.#label))))
    }
    if (deadlineMs === undefined || deadlineMs === Number.POSITIVE_INFINITY) return
    const late = clock.schedule(deadlineMs, () => {
      const where = call.startedAtMs === undefined ? 'in the queue' : 'at a replica'
      const message = `${this.#label} did not answer within ${formatMs(deadlineMs)}: the deadline passed ${where}`
      this.#leave(call, 'deadline', new TimedOut(message, { clock: 'deadline', limitMs: deadlineMs }))
    })
    call.onSettled.push(() => clock.cancel(late))
  }

  #leave(call: Call, cause: Refusal, error: unknown): void {
    this.#queue.remove(call)
    this.#fail(call, cause, error)
    for (const batch of this.#underWay) {
      // The others of its batch are computed; a batch of which nobody waits is given up.
      if (batch.calls.includes(call) && batch.calls.every(({ settled }) => settled)) batch.flight?.cancel(error)
    }
    this.#settleQuiet()
  }

  #fail(call: Call, cause: Refusal, error: unknown): void {
    if (call.fail(error)) this.#meter.refuse(call.tenant, cause)
  }

  // --- Batches --------------------------------------------------------------------------------------------------------------

  #pump(): void {
    while (this.#queue.size > 0) {
      const seat = this.crew.free()
      if (!seat) return this.#pumpLater()
      const calls = this.#queue.take({ items: this.crew.batch, tokens: this.settings.batchTokens })
      this.#launch(seat, calls)
    }
  }

  /** A breaker that lets a probe through again wakes nobody by itself. */
  #pumpLater(): void {
    if (this.#underWay.size > 0 || this.#state !== 'ready' || this.#lookAgain !== undefined) return
    this.#lookAgain = this.settings.clock.schedule(lookAgainMs, () => {
      this.#lookAgain = undefined
      this.#pump()
    })
  }

  #launch(seat: Seat, calls: readonly Call[], twin?: BatchUnderWay): BatchUnderWay {
    const { clock, timeoutMs } = this.settings
    const handle = seat.handle as ReplicaHandle
    const now = clock.now()
    const batch: BatchUnderWay = {
      calls,
      seat,
      startedAtMs: now,
      pass: seat.breaker.enter(),
      timers: [],
      flight: undefined,
      timedOut: false,
      twin,
    }
    this.#underWay.add(batch)
    seat.begin(calls.length)
    for (const call of calls) {
      call.tries++
      if (call.startedAtMs === undefined) this.#meter.queued.add(now - call.arrivedAtMs)
      call.startedAtMs ??= now
    }
    const streaming = calls[0]?.onPart
    if (timeoutMs !== undefined) batch.timers.push(clock.schedule(timeoutMs, () => this.#timeOut(batch)))
    if (streaming) this.#stream(batch, calls[0] as Call, streaming)
    else {
      const flight = handle.run(
        calls.map(({ item }) => item),
        { items: this.crew.batch, tokens: this.settings.batchTokens },
      )
      batch.flight = flight
      flight.done.then(
        (outcome) => this.#computed(batch, outcome),
        (error: unknown) => this.#lost(batch, error),
      )
      if (!twin) this.#hedgeLater(batch)
    }
    return batch
  }

  #stream(batch: BatchUnderWay, call: Call, onPart: (part: unknown) => void): void {
    const flight = batch.seat.handle?.stream(call.item, (part) => {
      if (call.settled) return
      call.begun = true
      onPart(part)
    })
    if (!flight) return
    batch.flight = flight
    call.more = (parts) => flight.more(parts)
    flight.done.then(
      (outcome) => this.#written(batch, call, outcome),
      (error: unknown) => this.#lost(batch, error),
    )
  }

  #computed(batch: BatchUnderWay, { values, errors, tokens, batch: together }: BatchOutcome): void {
    const ms = this.#landed(batch)
    const { seat, calls } = batch
    seat.breaker.settle(batch.pass, 'success')
    seat.served()
    let sum = 0
    for (const [at, call] of calls.entries()) {
      const counted = tokens[at] ?? 0
      sum += counted
      if (counted > 0) this.#estimate.learn(call.item, counted)
    }
    this.#count(batch, sum, ms)
    this.#sample(batch, errors.length === 0)
    for (const { at, error } of errors) if ((calls[at] as Call).fail(error)) this.#meter.failed++
    for (const [at, call] of calls.entries()) {
      if (call.settled) continue
      this.#answer(batch, call, { value: values[at], tokens: tokens[at] ?? 0, servedMs: ms, batch: together[at] ?? 1 })
    }
    this.#next(batch)
  }

  /** Keeps the first inputs that were computed, and measures the batch size when there are enough. */
  #sample({ calls }: BatchUnderWay, good: boolean): void {
    const samples = this.#samples
    if (!samples || !good || this.#state !== 'ready') return
    if (samples.length < samplesWanted) samples.push(...calls.map(({ item }) => item))
    if (samples.length < samplesWanted) return
    this.#samples = undefined
    void this.crew.measureBatch(samples).then((measured) => {
      // Every replica was at work: later.
      if (!measured) this.#samples = samples
      this.#pump()
    })
  }

  #written(batch: BatchUnderWay, call: Call, { value, tokens }: StreamOutcome): void {
    const ms = this.#landed(batch)
    batch.seat.breaker.settle(batch.pass, 'success')
    batch.seat.served()
    if (tokens > 0) this.#estimate.learn(call.item, tokens)
    this.#count(batch, tokens, ms)
    if (!call.settled) this.#answer(batch, call, { value, tokens, servedMs: ms, batch: 1 })
    this.#next(batch)
  }

  #answer(
    { seat }: BatchUnderWay,
    call: Call,
    { value, tokens, servedMs, batch }: Pick<Answer<unknown>, 'value' | 'tokens' | 'servedMs' | 'batch'>,
  ): void {
    const now = this.settings.clock.now()
    const queuedMs = (call.startedAtMs ?? now) - call.arrivedAtMs
    if (call.succeed({ value, tokens, queuedMs, servedMs, replica: seat.id, batch }))
      this.#meter.answer(call.tenant, tokens, now - call.arrivedAtMs, now)
  }

  #count(batch: BatchUnderWay, tokens: number, ms: number): void {
    this.#meter.batch(batch.calls.length, tokens)
    this.#meter.served.add(ms)
    this.#hedge?.took(ms)
    const keep = 1 - 1 / memory
    // By the guesses of the queue, because it is they that wait.
    const guessed = batch.calls.reduce((sum, call) => sum + call.tokens, 0)
    this.#rateTokens = this.#rateTokens * keep + guessed
    this.#rateMs = this.#rateMs * keep + ms / this.settings.slots
  }

  /** All of the batch failed: the replica died, took too long, or the function threw for a reason that no item is to blame for. */
  #lost(batch: BatchUnderWay, error: unknown): void {
    this.#landed(batch)
    const { seat, calls } = batch
    const crashed = error instanceof WorkerCrashed
    const reason = batch.timedOut ? this.#tookTooLong() : error
    const given = calls.every(({ settled }) => settled) && !crashed
    if (given) seat.breaker.settle(batch.pass, 'unknown')
    else seat.breaker.failed(batch.pass, reason)
    for (const call of calls) {
      // Its other try is still under way.
      if (call.settled || call.tries > 0) continue
      if (crashed && !batch.timedOut) this.#again(call, reason)
      else if (call.fail(reason)) this.#meter.failed++
    }
    this.#next(batch)
  }

  /** After a crash: alone, because what it was computed with may be to blame. */
  #again(call: Call, error: unknown): void {
    if (call.crashes++ >= this.settings.retry || call.begun) return this.#fail(call, 'crashed', error)
    this.#meter.retried++
    call.alone = true
    this.#queue.putBack(call)
  }

  #landed(batch: BatchUnderWay): number {
    const { clock } = this.settings
    this.#underWay.delete(batch)
    for (const timer of batch.timers) clock.cancel(timer)
    batch.seat.finish()
    for (const call of batch.calls) call.tries--
    return clock.now() - batch.startedAtMs
  }

  #next(batch: BatchUnderWay): void {
    const { twin } = batch
    if (twin && this.#underWay.has(twin) && twin.calls.every(({ settled }) => settled))
      twin.flight?.cancel(new Error('not needed any more: the other try has answered'))
    this.#pump()
    this.#settleQuiet()
  }

  #timeOut(batch: BatchUnderWay): void {
    batch.timedOut = true
    batch.seat.replace()
  }

  #hedgeLater(batch: BatchUnderWay): void {
    const hedge = this.#hedge
    const afterMs = hedge?.begin()
    if (!hedge || afterMs === undefined) return
    batch.timers.push(
      this.settings.clock.schedule(afterMs, () => {
        const seat = this.#queue.size > 0 ? undefined : this.crew.free(batch.seat)
        const open = batch.calls.filter(({ settled }) => !settled)
        if (!seat || open.length === 0 || !hedge.spend()) return
        this.#meter.hedged++
        batch.twin = this.#launch(seat, open, batch)
      }),
    )
  }

  // --- Loading and closing ------------------------------------------------------------------------------------------------

  /** Opens replicas where there are none. Rejects with what `open` threw. */
  load(): Promise<void> {
    if (this.#state === 'closing' || this.#state === 'closed') return Promise.reject(this.#closedError())
    if (this.#failure && this.settings.clock.now() < this.#failure.until) return Promise.reject(toError(this.#failure.error))
    return (this.#loading ??= this.#load())
  }

  async #load(): Promise<void> {
    this.#state = 'loading'
    try {
      await this.settings.room(this)
      await this.crew.open()
      await this.settings.loaded(this)
      this.#failure = undefined
      // While it closes, what waits is still served.
      if (this.#state === 'loading') this.#state = 'ready'
      this.#pump()
    } catch (error) {
      await this.settings.loaded(this)
      await this.crew.end(0)
      this.#loading = undefined
      if (this.#state === 'loading') this.#state = 'unloaded'
      const pauseMs = Math.min(longestRetryOpenMs, (this.#failure?.pauseMs ?? firstRetryOpenMs / 2) * 2)
      this.#failure = { error, until: this.settings.clock.now() + pauseMs, pauseMs }
      this.#refuseAll('crashed', error)
      throw error
    }
  }

  /** A replica that was there before cannot be opened any more. While others are, they go on. */
  #openFailed(error: unknown): void {
    if (this.#state === 'ready' && this.crew.dead) this.#refuseAll('crashed', error)
  }

  /** Ends its replicas; the next call opens it again. Only when it is quiet. */
  async unload(): Promise<void> {
    if (this.#state !== 'ready') return
    this.#state = 'unloaded'
    this.#loading = undefined
    await this.crew.end(this.settings.endGraceMs)
  }

  close(graceMs: number): Promise<void> {
    return (this.#closed ??= this.#close(graceMs))
  }

  async #close(graceMs: number): Promise<void> {
    const { clock } = this.settings
    this.#state = 'closing'
    let timer: unknown
    if (!this.quiet && graceMs > 0) {
      const quiet = new Promise<void>((resolve) => this.#idle.push(resolve))
      const late = new Promise<void>((resolve) => (timer = clock.schedule(graceMs, resolve)))
      await Promise.race([quiet, late])
      clock.cancel(timer)
    }
    if (this.#lookAgain !== undefined) clock.cancel(this.#lookAgain)
    this.#refuseAll('closed', this.#closedError())
    for (const batch of this.#underWay) for (const call of batch.calls) this.#fail(call, 'closed', this.#closedError())
    await this.crew.close(this.settings.endGraceMs)
    this.#state = 'closed'
  }

  #settleQuiet(): void {
    if (!this.quiet) return
    for (const resolve of this.#idle.splice(0)) resolve()
    this.settings.quiet(this)
  }

  #refuseAll(cause: Refusal, error: unknown): void {
    for (const call of this.#queue) {
      this.#queue.remove(call)
      this.#fail(call, cause, error)
    }
  }

  // --- What is said -------------------------------------------------------------------------------------------------------

  get #label(): string {
    return `the model "${this.settings.name}"`
  }

  /** How long an item that comes now would probably wait. 0 while nothing is known. */
  #waitMs(tokens: number): number {
    if (this.#rateTokens === 0) return 0
    return ((this.#queue.tokens + tokens) * (this.#rateMs / this.#rateTokens)) / Math.max(1, this.crew.live)
  }

  get #retryAfterMs(): number {
    return this.#rateTokens === 0 ? unknownRetryMs : Math.max(50, Math.ceil(this.#waitMs(0) / 2))
  }

  #full(): Overflow {
    const { size, tokens, bounds } = this.#queue
    const what = size >= bounds.items ? `${size} items wait already` : `items of ${tokens} tokens wait already`
    return new Overflow(`Refused by ${this.#label}: ${what}`, { retryAfterMs: this.#retryAfterMs, hint: overflowHint })
  }

  #tooLong(waitMs: number): Overflow {
    const message = `Refused by ${this.#label}: it would wait for ${formatMs(waitMs)}, and may for ${formatMs(this.settings.maxWaitMs)}`
    return new Overflow(message, { retryAfterMs: this.#retryAfterMs, hint: overflowHint })
  }

  #tooLarge(tokens: number): BudgetExceeded {
    const message = `Refused by ${this.#label}: an item of about ${tokens} tokens; its queue holds ${this.#queue.bounds.tokens}`
    return new BudgetExceeded(message, { hint: 'Send a smaller item, or raise `queue.tokens`.' })
  }

  #tookTooLong(): TimedOut {
    const limitMs = this.settings.timeoutMs ?? 0
    const message = `A replica of ${this.#label} took longer than ${formatMs(limitMs)}; it was ended and is started again`
    return new TimedOut(message, { clock: 'timeout', limitMs })
  }

  #closedError(): Closed {
    return new Closed(`${this.#label[0]?.toUpperCase()}${this.#label.slice(1)} is closed, or is being closed`)
  }

  get stats(): ServedStats {
    const { clock, name, kind } = this.settings
    const now = clock.now()
    const meter = this.#meter
    const [oldest] = this.#queue
    let underWay = 0
    for (const { calls } of this.#underWay) underWay += calls.length
    return {
      name,
      kind,
      state: this.#state,
      queue: {
        items: this.#queue.size,
        tokens: this.#queue.tokens,
        maxItems: this.#queue.bounds.items,
        maxTokens: this.#queue.bounds.tokens,
        oldestMs: oldest ? now - oldest.arrivedAtMs : 0,
      },
      underWay,
      replicas: this.crew.stats,
      batches: { count: meter.batches, items: meter.items, tokens: meter.tokens, sizes: meter.sizes },
      answered: meter.answered,
      failed: meter.failed,
      refused: { ...meter.refused },
      retried: meter.retried,
      hedged: meter.hedged,
      perSecond: meter.perSecond(now),
      latencyMs: meter.latency.latencies,
      latency: meter.histogram,
      queuedMs: meter.queued.latencies,
      servedMs: meter.served.latencies,
      tenants: meter.tenants((tenant) => this.#queue.itemsOf(tenant)),
      measured: this.crew.measured,
      memoryBytes: this.crew.memoryBytes,
    }
  }
}

const overflowHint = 'Call again after `retryAfterMs`, send less at once, or raise the bounds of `queue`.'
