/**
 * One model of one account: its limits, its breaker, its load. Calls enter, and leave with what the provider said; from that
 * the limits are learned and corrected.
 */
import { performance } from '../../base/globals.js'
import { formatMs } from '../../base/duration.ts'
import { CircuitOpen, QuotaExhausted, TimedOut } from '../../base/errors.ts'
import { currentFrame } from '../../base/frame.ts'
import { note } from '../../base/observer.ts'
import { type BreakerOptions, CircuitBreaker, type Lease, limiter, type Limiter } from '../../limits/index.ts'
import type { SharedLimits } from '../account/share-limits.ts'
import { unlimited } from './limits/allowance.ts'
import { atFirst, mostAtOnce } from './limits/at-first.ts'
import { type Charge, Charges, type Demand, type ModelLimits } from './charges.ts'
import { Closure } from './closure.ts'
import { Gate } from './limits/gate.ts'
import { type HeaderBag, readRateLimits } from './limits/headers.ts'
import { judge } from './failure.ts'
import type { Usage } from '../model/sdk-model.ts'
import { Pace } from './limits/pace.ts'
import { Pauses } from './limits/pauses.ts'
import { costOf, type Price } from '../prices/prices.ts'
import { Latency, type Timed } from './latency.ts'
import type { Can } from './needs.ts'
import type { PreferredModel } from './prefer.ts'
import { Proof } from './proof.ts'
import { Suspicion } from './suspicion.ts'
import { Counts } from './counts.ts'

export interface ReplicaSettings {
  readonly modelId: string
  readonly limits: ModelLimits
  readonly concurrency: number | 'auto'
  readonly breaker: BreakerOptions | undefined
  readonly price: Price | undefined
  /** Tokens that fit into the model's context, where that is known. */
  readonly contextWindow: number | undefined
  readonly can: Can
  /** The first pause of a model that takes no request. @default 5,000 */
  readonly coolDownMs: number | undefined
  /** Whether there are other models that calls could go to. */
  readonly hasOthers: boolean
  readonly queueTimeoutMs: number
  /** Where other programs use the account as well. */
  readonly share?: SharedLimits | undefined
  readonly random: () => number
}

/** The right to send one request. */
export interface Permit extends Charge {
  readonly lease: Lease
  readonly pass: number
  /** The model was closed, and this request finds out whether it still must be. */
  readonly probe: boolean
  /** The model has shown nothing yet, and the others wait for this one. */
  readonly first: boolean
  /** Refused, and no header has said that a bucket was empty. */
  unexplained: boolean
}

/** How a request ended. Refused requests were not charged; the answers of abandoned ones are dropped. */
export interface Outcome {
  readonly kind: 'answered' | 'refused' | 'failed' | 'abandoned'
  /** Undefined where it is not known. */
  readonly usage?: Usage | undefined
  readonly error?: unknown
}

/** Accounts are not filled up within seconds. Chosen. */
const quotaPauseMs = 60_000
/** An estimate of tokens may be this much too high before a model is passed over for it. Chosen. */
const estimatesOver = 0.8

export class Replica<M> {
  readonly model: M
  readonly name: string
  readonly modelId: string
  readonly price: Price | undefined
  readonly counts = new Counts()
  readonly can: Can
  readonly latency = new Latency()
  /** Whether it is left alone because it takes no request. */
  readonly closure: Closure
  /** In milliseconds of `performance.now()`. */
  pausedUntil = Number.NEGATIVE_INFINITY
  readonly #random: () => number
  readonly #limiter: Limiter
  readonly #gate: Gate | undefined
  readonly #charges: Charges
  readonly #breaker: CircuitBreaker | undefined
  readonly #proof: Proof
  readonly #pauses: Pauses
  readonly #suspicion = new Suspicion()
  readonly #contextWindow: number
  /** The shortest input that was too long for it. */
  #tooLong = Number.POSITIVE_INFINITY
  readonly #pace = new Pace()
  #underWay = 0

  constructor(model: M, name: string, settings: ReplicaSettings) {
    this.model = model
    this.name = name
    this.modelId = settings.modelId
    this.price = settings.price
    this.#random = settings.random
    this.#pauses = new Pauses(settings.random)
    this.can = settings.can
    this.#proof = new Proof(settings.hasOthers)
    this.closure = new Closure(name, settings.random, settings.coolDownMs)
    this.#contextWindow = settings.contextWindow ?? Number.POSITIVE_INFINITY
    const { limits, concurrency } = settings
    this.#limiter = limiter({
      name,
      concurrency,
      ...(concurrency === 'auto' && {
        adaptive: { initial: atFirst(limits.requestsPerMinute ?? 0), max: mostAtOnce, isOverload },
      }),
      rate: unlimited,
      tokens: unlimited,
      outputTokens: unlimited,
      per: '1m',
      metering: 'bucket',
      queueTimeout: settings.queueTimeoutMs,
    })
    const gate = settings.share && new Gate(this.#limiter, settings.share, name)
    this.#gate = gate
    this.#charges = new Charges(this.#limiter, limits, gate)
    if (settings.breaker)
      this.#breaker = new CircuitBreaker({ name: `the breaker of ${name}`, failIf: passes, ...settings.breaker })
  }

  /** Calls under way and waiting, for each that may be under way. */
  get load(): number {
    const { waiting, concurrency } = this.#limiter.stats
    return (this.#underWay + waiting) / concurrency
  }

  /** May be asked now: not closed, and its breaker lets calls pass. */
  get usable(): boolean {
    return this.closure.ready && (this.#breaker?.ready ?? true)
  }

  /** Whether this many input tokens fit into its context, as far as that is known. An estimate that is a little over may be wrong. */
  holds(input: number): boolean {
    return input * estimatesOver <= this.#contextWindow && input < this.#tooLong
  }

  /** Tokens that fit into its context; `Infinity` where that is not known. */
  get contextWindow(): number {
    return Math.min(this.#contextWindow, this.#tooLong)
  }

  get paused(): boolean {
    return this.pausedUntil > performance.now()
  }

  /** Output tokens that an answer will probably have. */
  expectedOutput(demand: Demand): number {
    return this.#charges.expectedOutput(demand)
  }

  /**
   * Waits for the right to send a request.
   * @throws what `Limiter.acquire` throws, and the reason of {@link closure}; `CircuitOpen`
   */
  async acquire(demand: Demand, options: { readonly signal: AbortSignal; readonly priority: number }): Promise<Permit> {
    const first = this.#proof.given ? false : await this.#proof.turn(options.signal)
    const costs = this.#charges.costs(demand)
    this.#gate?.want(costs)
    try {
      return this.#permit(demand, await this.#limiter.acquire({ ...options, ...costs }), first)
    } catch (error) {
      if (first) this.#proof.failed()
      throw error
    } finally {
      this.#gate?.wanted(costs)
    }
  }

  /** The right to send a request, if it can be had at once. */
  tryAcquire(demand: Demand): Permit | undefined {
    if (!this.usable || this.paused || !this.#proof.open) return undefined
    const lease = this.#limiter.tryAcquire(this.#charges.costs(demand))
    if (!lease) return undefined
    const first = this.#proof.enter()
    try {
      return this.#permit(demand, lease, first)
    } catch (error) {
      if (first) this.#proof.failed()
      // A half-open breaker lets only a few probe, a closed model one.
      if (error instanceof CircuitOpen || this.closure.causes(error)) return undefined
      throw error
    }
  }

  /** The request was never sent. */
  refund(permit: Permit): void {
    if (permit.first) this.#proof.failed()
    this.#underWay--
    permit.lease.refund()
    this.#charges.refund(permit)
    this.#breaker?.settle(permit.pass, 'unknown')
    if (permit.probe) this.closure.giveUpProbe()
    this.#gate?.changed()
  }

  /** Headers have come, of an answer or of a refusal. */
  read(permit: Permit, headers: HeaderBag | undefined, refused: boolean): void {
    permit.unexplained = refused
    this.#gate?.answered()
    const limits = readRateLimits(headers, Date.now())
    if (!limits) return
    const { empty, found } = this.#charges.read(permit, limits, refused)
    if (found !== undefined && !refused) this.#limiter.expectConcurrency(atFirst(found))
    if (empty) permit.unexplained = false
  }

  /** The request is over. */
  settle(permit: Permit, outcome: Outcome): void {
    this.#underWay--
    const { kind, usage, error } = outcome
    if (kind === 'answered') this.#proof.prove()
    else if (permit.first) this.#proof.failed()
    const refused = kind === 'refused'
    const { tokens, output } = this.#charges.settle(permit, refused, usage)
    // A refusal is about how fast calls come, not about how many are under way.
    permit.lease.release(tokens, refused ? undefined : error, output)
    this.#gate?.changed()
    if (permit.probe) this.closure.giveUpProbe()
    if (kind === 'answered') {
      this.closure.reopen()
      this.#suspicion.answered()
      this.#pauses.answered()
      this.#pace.answer(performance.now())
      if (this.#pace.perMs !== undefined) this.#charges.setPace(this.#pace.perMs)
      if (usage) this.#charges.answered(usage.output)
    }
    const verdict = kind === 'answered' ? 'success' : kind === 'failed' ? this.#breaker?.verdict(error) : 'unknown'
    if (verdict) this.#breaker?.settle(permit.pass, verdict)
  }

  /** Nobody sends before the provider's bucket has filled up again. */
  pause(permit: Permit, waitMs: number | undefined): void {
    const now = performance.now()
    // Those that were refused together make one pause.
    const isFirst = now >= this.pausedUntil
    if (isFirst) this.#pauses.begin()
    const wait = this.#pauses.waitMs(waitMs)
    // All calls get the same moment; a little more keeps them, and other programs, from arriving together.
    const until = now + wait + this.#random() * Math.min(1_000, wait * 0.1)
    if (permit.unexplained && isFirst) {
      this.#pace.refuse(waitMs, now)
      this.#charges.setPace(this.#pace.perMs as number)
    }
    this.pausedUntil = Math.max(this.pausedUntil, until)
    this.#limiter.pause(this.pausedUntil)
    this.#gate?.pause(until - now)
    note('limit', currentFrame().run, `${this.name} refused a call for its rate limit: its calls wait ${formatMs(wait)}`, {
      waitMs: wait,
    })
  }

  /** Refuses everybody, those that wait too, until a probe is answered. */
  close(reason: Error): void {
    this.closure.close(reason, reason instanceof QuotaExhausted ? quotaPauseMs : undefined)
    this.#proof.refuse(reason)
    this.#limiter.refuseWaiting(reason)
  }

  /** It has understood a request, and said no: it is there, and takes the key. */
  understood(): void {
    this.#proof.prove()
  }

  /** The figures that a preference goes by. */
  view({ input, maxOutput, timed }: Demand & { readonly timed: Timed }): PreferredModel {
    const now = performance.now()
    const { waiting, concurrency } = this.#limiter.stats
    const latencyMs = this.latency.medianMs(timed, now)
    const pausedMs = Math.max(0, this.pausedUntil - now)
    const demand = { input, maxOutput }
    return {
      name: this.name,
      modelId: this.modelId,
      load: this.load,
      running: this.#underWay,
      latencyMs,
      expectedMs: latencyMs === undefined ? undefined : pausedMs + latencyMs * (1 + waiting / concurrency),
      usd: this.price && costOf(this.price, { input, cached: 0, output: this.expectedOutput(demand) }),
      contextWindow: this.contextWindow,
    }
  }

  /** Whether a context that was too small for the other one is too small here, as data says. */
  isSmallerThan(other: Replica<M>): boolean {
    return (
      Number.isFinite(this.#contextWindow) && this.#contextWindow <= other.#contextWindow && Number.isFinite(other.#contextWindow)
    )
  }

  /** An input of this length was too long. */
  tooLong(input: number): void {
    this.#tooLong = Math.min(this.#tooLong, input)
  }

  /** It has refused a request that may be at fault itself. Says whether the model is at fault. */
  refusedAgain(): boolean {
    return this.#suspicion.refusedAgain(this.counts.succeeded > 0)
  }

  /** Another model has answered a request that this one refused. Says whether that goes on so. */
  outdone(): boolean {
    return this.#suspicion.outdone()
  }

  #permit(demand: Demand, lease: Lease, first: boolean): Permit {
    let pass: number
    let probe: boolean
    try {
      probe = this.closure.enter()
      try {
        pass = this.#breaker?.enter() ?? 0
      } catch (error) {
        if (probe) this.closure.giveUpProbe()
        throw error
      }
    } catch (error) {
      lease.refund()
      throw error
    }
    this.#underWay++
    this.#pace.start()
    return { lease, pass, probe, first, unexplained: false, ...this.#charges.take(demand, performance.now()) }
  }
}

function isOverload(error: unknown): boolean {
  if (error instanceof TimedOut) return error.clock === 'timeout'
  const verdict = judge(error)
  return verdict.kind === 'transient' && verdict.failure === 'overloaded'
}

/** Whether a failure may pass by itself: the breaker counts it. */
function passes(error: unknown): boolean {
  return judge(error).kind === 'transient'
}
