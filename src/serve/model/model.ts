/**
 * One served model: calls wait in a fair queue, idle replicas pull batches of them.
 *
 * Nothing waits for a timer: whenever a replica is free and something waits, a batch leaves, however small. While all replicas are at work the
 * queue fills, and batches become as large as is good for them.
 *
 * Invariants:
 * - Each call is settled once: `settled` of the call says so, and all that comes later is ignored.
 * - What leaves the queue is under way at a replica (`batches.ts`), or settled.
 */
import { cancelled } from '../../base/abort.ts'
import type { Cancellation } from '../../base/abort.ts'
import { FairQueue } from '../queue/fair-queue.ts'
import type { Answer } from '../served.ts'
import type { Refusal, ServedStats } from '../stats.ts'
import { Batches } from './batches.ts'
import { Call } from './call.ts'
import { ReplicaSet } from './replica-set.ts'
import { Ledger } from './ledger.ts'
import { Lifecycle } from './lifecycle.ts'
import { allBroken, closed, full, labelOf, late, tooLarge, waitsTooLong } from './refusals.ts'
import type { ModelSettings } from './settings.ts'

/** How often a queue looks whether a breaker lets a probe through, while nothing else would wake it. */
const lookAgainMs = 100
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
  readonly replicaSet: ReplicaSet
  readonly #queue: FairQueue<Call>
  readonly #ledger: Ledger
  readonly #batches: Batches
  readonly #life: Lifecycle
  #lookAgain: unknown
  #closed: Promise<void> | undefined
  /** The first inputs, while the batch size is to be measured on them. */
  #samples: unknown[] | undefined
  #idle: (() => void)[] = []
  usedAtMs = 0

  constructor(settings: ModelSettings) {
    this.settings = settings
    const { clock, bounds, weightOf, counted } = settings
    this.#queue = new FairQueue(bounds, weightOf)
    this.#ledger = new Ledger(counted, clock.now())
    const { runs, warmUp, batchItems, slots } = settings
    if (runs && warmUp.length === 0 && batchItems === 'auto' && slots === 1) this.#samples = []
    this.replicaSet = new ReplicaSet(settings, {
      ready: () => this.#pump(),
      // While other replicas are open, they go on.
      failed: (error) => {
        if (this.state === 'ready' && this.replicaSet.dead) this.#refuseAll('crashed', error)
      },
    })
    this.#life = new Lifecycle(settings, this.replicaSet, {
      open: () => this.#pump(),
      failed: (error) => this.#refuseAll('crashed', error),
    })
    this.#batches = new Batches(settings, this.replicaSet, this.#ledger, {
      waiting: () => this.#queue.size > 0,
      again: (call) => this.#queue.putBack(call),
      computed: (calls) => this.#sample(calls),
      landed: () => {
        this.#pump()
        this.#settleQuiet()
      },
    })
  }

  get state(): ServedStats['state'] {
    return this.#life.state
  }

  /** Nothing waits and nothing is under way: it may be unloaded. */
  get quiet(): boolean {
    return this.#queue.size === 0 && this.#batches.empty
  }

  // --- The door -----------------------------------------------------------------------------------------------------------

  ask(item: unknown, settings: AskSettings): Promise<Answer<unknown>> {
    return this.begin(item, settings).answer
  }

  /** Never throws: a call that is refused is settled already. */
  begin(item: unknown, { deadlineMs, priority, tenant, cancellations, onPart }: AskSettings): Call {
    const now = this.settings.clock.now()
    this.usedAtMs = now
    const tokens = this.#ledger.estimate.of(item)
    const call = new Call({ item, tokens, tenant, priority, arrivedAtMs: now, onPart })
    const refusal = this.#refusalAtDoor(tokens, cancellations)
    if (refusal) {
      this.#ledger.refuse(call, refusal.cause, refusal.error)
      return call
    }
    const admission = this.#queue.add(call)
    if (!admission.admitted) {
      const { cause } = admission
      const { name, bounds } = this.settings
      this.#ledger.refuse(call, cause, cause === 'too-large' ? tooLarge(name, tokens, bounds) : this.#full())
      return call
    }
    for (const out of admission.pushedOut) this.#ledger.refuse(out, 'queue-full', this.#full())
    this.#watch(call, cancellations, deadlineMs)
    this.load().catch(() => {})
    this.#pump()
    return call
  }

  #refusalAtDoor(
    tokens: number,
    cancellations: readonly (Cancellation | undefined)[],
  ): { readonly cause: Refusal; readonly error: unknown } | undefined {
    const { name, maxWaitMs } = this.settings
    const gone = cancellations.find((each) => each?.aborted)
    if (gone) return { cause: 'cancelled', error: cancelled(gone.reason, labelOf(name)) }
    if (this.#life.ending) return { cause: 'closed', error: closed(name) }
    const { failure } = this.#life
    if (failure) return { cause: 'crashed', error: failure.error }
    if (this.state === 'ready' && !this.replicaSet.fit) return { cause: 'circuit-open', error: allBroken(name) }
    const waitMs = this.#waitMs(tokens)
    const tooLong = waitMs > maxWaitMs && this.#queue.size > 0
    return tooLong ? { cause: 'queue-full', error: waitsTooLong(name, waitMs, maxWaitMs, this.#retryAfterMs) } : undefined
  }

  /** Leaves at the deadline, and when the caller goes. */
  #watch(call: Call, cancellations: readonly (Cancellation | undefined)[], deadlineMs: number | undefined): void {
    const { clock, name } = this.settings
    for (const cancellation of cancellations) {
      if (cancellation)
        call.onSettled.push(cancellation.subscribe((reason) => this.#leave(call, 'cancelled', cancelled(reason, labelOf(name)))))
    }
    if (deadlineMs === undefined || deadlineMs === Number.POSITIVE_INFINITY) return
    const timer = clock.schedule(deadlineMs, () => {
      this.#leave(call, 'deadline', late(name, deadlineMs, call.startedAtMs !== undefined))
    })
    call.onSettled.push(() => clock.cancel(timer))
  }

  #leave(call: Call, cause: Refusal, error: unknown): void {
    this.#queue.remove(call)
    this.#ledger.refuse(call, cause, error)
    this.#batches.left(call, error)
    this.#settleQuiet()
  }

  // --- Batches --------------------------------------------------------------------------------------------------------------

  #pump(): void {
    while (this.#queue.size > 0) {
      const seat = this.replicaSet.free()
      if (!seat) return this.#pumpLater()
      this.#batches.launch(seat, this.#queue.take(this.replicaSet.limits))
    }
  }

  /** A breaker that lets a probe through again wakes nobody by itself. */
  #pumpLater(): void {
    if (!this.#batches.empty || this.state !== 'ready' || this.#lookAgain !== undefined) return
    this.#lookAgain = this.settings.clock.schedule(lookAgainMs, () => {
      this.#lookAgain = undefined
      this.#pump()
    })
  }

  /** Keeps the first inputs that were computed, and measures the batch size when there are enough. */
  #sample(calls: readonly Call[]): void {
    const samples = this.#samples
    if (!samples || this.state !== 'ready') return
    if (samples.length < samplesWanted) samples.push(...calls.map(({ item }) => item))
    if (samples.length < samplesWanted) return
    this.#samples = undefined
    void this.replicaSet.measureBatch(samples).then((measured) => {
      // Every replica was at work: later.
      if (!measured) this.#samples = samples
      this.#pump()
    })
  }

  // --- Loading and closing ------------------------------------------------------------------------------------------------

  /** Opens replicas where there are none. Rejects with what `open` threw. */
  load(): Promise<void> {
    return this.#life.load(this)
  }

  /** Ends its replicas; the next call opens it again. Only when it is quiet. */
  unload(): Promise<void> {
    return this.#life.unload()
  }

  close(graceMs: number): Promise<void> {
    return (this.#closed ??= this.#close(graceMs))
  }

  async #close(graceMs: number): Promise<void> {
    const { clock, name, endGraceMs } = this.settings
    this.#life.state = 'closing'
    let timer: unknown
    if (!this.quiet && graceMs > 0) {
      const quiet = new Promise<void>((resolve) => this.#idle.push(resolve))
      const over = new Promise<void>((resolve) => (timer = clock.schedule(graceMs, resolve)))
      await Promise.race([quiet, over])
      clock.cancel(timer)
    }
    if (this.#lookAgain !== undefined) clock.cancel(this.#lookAgain)
    this.#refuseAll('closed', closed(name))
    for (const call of this.#batches.calls()) this.#ledger.refuse(call, 'closed', closed(name))
    await this.replicaSet.close(endGraceMs)
    this.#life.state = 'closed'
  }

  #settleQuiet(): void {
    if (!this.quiet) return
    for (const resolve of this.#idle.splice(0)) resolve()
    this.settings.quiet(this)
  }

  #refuseAll(cause: Refusal, error: unknown): void {
    for (const call of this.#queue) {
      this.#queue.remove(call)
      this.#ledger.refuse(call, cause, error)
    }
  }

  // --- What is said -------------------------------------------------------------------------------------------------------

  /** How long an item that comes now would probably wait. 0 while nothing is known. */
  #waitMs(tokens: number): number {
    return this.#ledger.msFor(this.#queue.tokens + tokens) / Math.max(1, this.replicaSet.live)
  }

  get #retryAfterMs(): number {
    const waitMs = this.#waitMs(0)
    return this.#ledger.msFor(1) === 0 ? unknownRetryMs : Math.max(50, Math.ceil(waitMs / 2))
  }

  #full(): ReturnType<typeof full> {
    const { size: items, tokens, bounds } = this.#queue
    return full(this.settings.name, { items, tokens }, bounds, this.#retryAfterMs)
  }

  get stats(): ServedStats {
    const { clock, name, kind } = this.settings
    const now = clock.now()
    const { meter } = this.#ledger
    const [oldest] = this.#queue
    return {
      name,
      kind,
      state: this.state,
      queue: {
        items: this.#queue.size,
        tokens: this.#queue.tokens,
        maxItems: this.#queue.bounds.items,
        maxTokens: this.#queue.bounds.tokens,
        oldestMs: oldest ? now - oldest.arrivedAtMs : 0,
      },
      underWay: this.#batches.items,
      replicas: this.replicaSet.stats,
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
      measured: this.replicaSet.measured,
      memoryBytes: this.replicaSet.memoryBytes,
    }
  }
}
