/**
 * One model of one account: its limits, its breaker, its load. Calls enter, and leave with what the provider said; from that
 * the limits are learned and corrected.
 *
 * What a call takes from the token limit depends on how the provider charges:
 * - on arrival (OpenAI's headers): `max(maxOutputTokens, input)`, and nothing is given back;
 * - by use (Anthropic's headers): input and output from separate buckets, reserved, and corrected when the answer is there;
 * - unknown: input and output together, reserved, and corrected.
 */
import { formatMs } from '../base/duration.ts'
import { currentFrame } from '../base/frame.ts'
import { note } from '../base/observer.ts'
import { type BreakerOptions, CircuitBreaker, isOverload, type Lease, limiter, type Limiter, statusOf } from '../limits/index.ts'
import { type HeaderBag, type Meter, readRateLimits } from './headers.ts'
import { LimitLearner, type Mark } from './learner.ts'
import type { Usage } from './model.ts'
import type { Price } from './prices.ts'
import type { Counts } from './report.ts'

/** Limits that are known beforehand; what is not given is learned from the headers. */
export interface ModelLimits {
  readonly requestsPerMinute?: number
  /** Input and output together. */
  readonly tokensPerMinute?: number
  readonly inputTokensPerMinute?: number
  readonly outputTokensPerMinute?: number
}

/** What a call will take. */
export interface Demand {
  readonly input: number
  readonly maxOutput: number | undefined
}

export interface ReplicaSettings {
  readonly limits: ModelLimits
  readonly concurrency: number | 'auto'
  readonly breaker: BreakerOptions | undefined
  readonly price: Price | undefined
  readonly queueTimeoutMs: number
  readonly random: () => number
}

/** The right to send one request. */
export interface Permit {
  readonly main: Lease
  readonly output: Lease | undefined
  readonly requests: Mark
  readonly tokens: Mark
  readonly outputTokens: Mark
  readonly pass: number
}

/** How a request ended. What was refused was not charged; nobody wanted the answer of what was abandoned. */
export interface Outcome {
  readonly kind: 'answered' | 'refused' | 'failed' | 'abandoned'
  /** Undefined where it is not known. */
  readonly usage?: Usage | undefined
  readonly error?: unknown
}

/** Stands for "no bound is known": more than any provider allows. */
const unlimited = 1e12
/** Chosen: few enough to begin with for a small server; a large provider takes a thousand. */
const adaptive = { initial: 32, max: 1_024 }
/** Share of the newest answer in the expected length of answers. */
const newest = 0.1
/** The pause after a refusal that says nothing about its length: doubled each time up to the cap. OpenAI's cookbook begins at one second. */
const backoffMs = 1_000
const backoffCapMs = 60_000

export class Replica<M> {
  readonly model: M
  readonly name: string
  readonly price: Price | undefined
  readonly counts: Counts = { attempts: 0, succeeded: 0, refused: 0, failed: 0, input: 0, cached: 0, output: 0 }
  /** Why it is not used any more. */
  closed: Error | undefined
  /** In milliseconds of `performance.now()`. */
  pausedUntil = Number.NEGATIVE_INFINITY
  readonly #settings: ReplicaSettings
  readonly #main: Limiter
  /** Output tokens, where they have a limit of their own. */
  readonly #output: Limiter
  #outputLimit = unlimited
  readonly #breaker: CircuitBreaker | undefined
  readonly #learn = { requests: new LimitLearner(), tokens: new LimitLearner(), outputTokens: new LimitLearner() }
  #charging: 'arrival' | 'parts' | 'use'
  #expectedOutput = 256
  #refusalsInARow = 0
  #underWay = 0

  constructor(model: M, name: string, settings: ReplicaSettings) {
    this.model = model
    this.name = name
    this.price = settings.price
    this.#settings = settings
    const { requestsPerMinute, tokensPerMinute, inputTokensPerMinute, outputTokensPerMinute } = settings.limits
    const common = { per: '1m', metering: 'bucket', queueTimeout: settings.queueTimeoutMs } as const
    const { concurrency } = settings
    this.#main = limiter({
      ...common,
      name,
      concurrency,
      ...(concurrency === 'auto' && { adaptive: { ...adaptive, isOverload: (error: unknown) => this.#isOverload(error) } }),
      rate: requestsPerMinute ?? unlimited,
      tokens: tokensPerMinute ?? inputTokensPerMinute ?? unlimited,
    })
    this.#output = limiter({ ...common, name: `${name} output`, tokens: outputTokensPerMinute ?? unlimited })
    this.#outputLimit = outputTokensPerMinute ?? unlimited
    this.#charging = inputTokensPerMinute === undefined && outputTokensPerMinute === undefined ? 'use' : 'parts'
    this.#learn.requests.limit = requestsPerMinute
    this.#learn.tokens.limit = tokensPerMinute ?? inputTokensPerMinute
    this.#learn.outputTokens.limit = outputTokensPerMinute
    if (settings.breaker) this.#breaker = new CircuitBreaker({ name: `the breaker of ${name}`, ...settings.breaker })
  }

  /** Calls under way and waiting, for each that may be under way. */
  get load(): number {
    const { waiting, concurrency } = this.#main.stats
    return (this.#underWay + waiting) / concurrency
  }

  /** May be asked now: in use, and its breaker lets calls pass. */
  get usable(): boolean {
    return !this.closed && this.#breaker?.state !== 'open'
  }

  get paused(): boolean {
    return this.pausedUntil > performance.now()
  }

  /** Output tokens that an answer will probably have. */
  expectedOutput(demand: Demand): number {
    return Math.min(demand.maxOutput ?? Number.POSITIVE_INFINITY, this.#expectedOutput)
  }

  /**
   * Waits for the right to send a request. Bounds are taken together or not at all: whoever waits for output tokens holds no
   * place meanwhile.
   * @throws what `Limiter.acquire` throws, and {@link closed}; `CircuitOpen`
   */
  async acquire(demand: Demand, options: { readonly signal: AbortSignal; readonly priority: number }): Promise<Permit> {
    for (;;) {
      if (this.closed) throw this.closed
      const main = await this.#main.acquire({ ...options, cost: this.#mainCost(demand) })
      if (!this.#boundsOutput) return this.#permit(demand, main, undefined)
      const output = this.#output.tryAcquire({ cost: this.#outputCost(demand) })
      if (output) return this.#permit(demand, main, output)
      main.refund()
      const waited = await this.#output.acquire({ ...options, cost: this.#outputCost(demand) })
      const again = this.#main.tryAcquire({ cost: this.#mainCost(demand) })
      if (again) return this.#permit(demand, again, waited)
      waited.refund()
    }
  }

  /** The right to send a request, if it can be had at once. */
  tryAcquire(demand: Demand): Permit | undefined {
    if (!this.usable || this.paused) return undefined
    const main = this.#main.tryAcquire({ cost: this.#mainCost(demand) })
    if (!main || !this.#boundsOutput) return main && this.#permit(demand, main, undefined)
    const output = this.#output.tryAcquire({ cost: this.#outputCost(demand) })
    if (output) return this.#permit(demand, main, output)
    main.refund()
    return undefined
  }

  /** The request was never sent. */
  refund(permit: Permit): void {
    this.#underWay--
    permit.main.refund()
    permit.output?.refund()
    this.#learn.requests.settle(permit.requests, 0)
    this.#learn.tokens.settle(permit.tokens, 0)
    this.#learn.outputTokens.settle(permit.outputTokens, 0)
    this.#breaker?.settle(permit.pass, 'unknown')
  }

  /** Headers have come, of an answer or of a refusal. */
  read(permit: Permit, headers: HeaderBag | undefined, refused: boolean): void {
    const limits = readRateLimits(headers, Date.now())
    if (!limits) return
    if (limits.form === 'openai' && limits.tokens) this.#charging = 'arrival'
    else if (limits.inputTokens || limits.outputTokens) this.#charging = 'parts'
    const { requestsPerMinute, tokensPerMinute, inputTokensPerMinute, outputTokensPerMinute } = this.#settings.limits
    this.#apply(limits.requests, this.#learn.requests, permit.requests, refused, requestsPerMinute, 'rate')
    const tokens = this.#charging === 'parts' ? limits.inputTokens : limits.tokens
    this.#apply(tokens, this.#learn.tokens, permit.tokens, refused, tokensPerMinute ?? inputTokensPerMinute, 'tokens')
    this.#apply(limits.outputTokens, this.#learn.outputTokens, permit.outputTokens, refused, outputTokensPerMinute, 'output')
  }

  /** The request is over. */
  settle(permit: Permit, outcome: Outcome): void {
    this.#underWay--
    const { kind, usage, error } = outcome
    const refused = kind === 'refused'
    const tokens = refused ? 0 : this.#actualTokens(permit, usage)
    const output = refused ? 0 : (usage?.output ?? permit.outputTokens.amount)
    this.#learn.requests.settle(permit.requests, 1)
    this.#learn.tokens.settle(permit.tokens, tokens)
    this.#learn.outputTokens.settle(permit.outputTokens, output)
    permit.main.release(tokens, error)
    permit.output?.release(output)
    if (kind === 'answered') {
      this.#refusalsInARow = 0
      if (usage) this.#expectedOutput += newest * (usage.output - this.#expectedOutput)
    }
    const verdict = kind === 'answered' ? 'success' : kind === 'failed' ? this.#breaker?.verdict(error) : 'unknown'
    if (verdict) this.#breaker?.settle(permit.pass, verdict)
  }

  /** Nobody sends before the provider's bucket has filled up again. */
  pause(waitMs: number | undefined): void {
    const { random } = this.#settings
    // Everybody is told the same moment; a little more keeps them from arriving together.
    const wait = waitMs ?? Math.min(backoffCapMs, backoffMs * 2 ** Math.min(this.#refusalsInARow, 10)) * (0.5 + random() / 2)
    this.#refusalsInARow++
    const until = performance.now() + wait + random() * Math.min(1_000, wait * 0.1)
    this.pausedUntil = Math.max(this.pausedUntil, until)
    this.#main.pause(this.pausedUntil)
    note('limit', currentFrame().run, `${this.name} refused a call for its rate limit: everybody waits ${formatMs(wait)}`, {
      waitMs: wait,
    })
  }

  /** Refuses everybody from now on, those that wait too. */
  close(reason: Error): void {
    this.closed ??= reason
    this.#main.close(reason)
    this.#output.close(reason)
  }

  /** A refusal for a rate limit that is known says nothing about how many calls may be under way. */
  #isOverload(error: unknown): boolean {
    return isOverload(error) && !(statusOf(error) === 429 && this.#learn.requests.limit !== undefined)
  }

  get #boundsOutput(): boolean {
    return this.#outputLimit !== unlimited
  }

  #permit(demand: Demand, main: Lease, output: Lease | undefined): Permit {
    let pass: number
    try {
      pass = this.#breaker?.enter() ?? 0
    } catch (error) {
      main.refund()
      output?.refund()
      throw error
    }
    this.#underWay++
    const now = performance.now()
    return {
      main,
      output,
      pass,
      requests: this.#learn.requests.charge(1, now),
      tokens: this.#learn.tokens.charge(this.#mainCost(demand), now),
      outputTokens: this.#learn.outputTokens.charge(this.#outputCost(demand), now),
    }
  }

  /** What a call takes from the main token limit; never more than can be there: then the provider shall judge. */
  #mainCost(demand: Demand): number {
    const most = this.#learn.tokens.limit ?? unlimited
    if (this.#charging === 'arrival') return Math.min(most, Math.max(demand.maxOutput ?? 0, demand.input))
    if (this.#charging === 'parts') return Math.min(most, demand.input)
    return Math.min(most, demand.input + (demand.maxOutput ?? this.#expectedOutput))
  }

  #outputCost(demand: Demand): number {
    return Math.min(this.#outputLimit, demand.maxOutput ?? this.#expectedOutput)
  }

  #actualTokens(permit: Permit, usage: Usage | undefined): number {
    if (!usage || this.#charging === 'arrival') return permit.tokens.amount
    return this.#charging === 'parts' ? usage.input - usage.cached : usage.input + usage.output
  }

  /** Takes over a reading: the limit where it is new, the level where it differs. */
  #apply(
    meter: Meter | undefined,
    learner: LimitLearner,
    mark: Mark,
    refused: boolean,
    givenPerMinute: number | undefined,
    which: 'rate' | 'tokens' | 'output',
  ): void {
    if (!meter) return
    // Who gave a lower limit wants to use less than the account allows.
    if (givenPerMinute !== undefined && (meter.limit / meter.perMs) * 60_000 > givenPerMinute * 1.01) return
    const isNew = learner.read(meter, mark, refused)
    if (isNew) this.#setLimit(meter, which)
    const now = performance.now()
    const limiter = which === 'output' ? this.#output : this.#main
    const key = which === 'rate' ? 'rate' : 'tokens'
    // A refusal is answered at once, so it says what is there now: less than this call would have taken.
    const empty = refused && meter.remaining < mark.amount
    const current = limiter.levels()[key]
    const level = empty ? Math.min(current, meter.remaining) : isNew ? learner.latest(now) : learner.correction(current, now)
    if (level !== undefined) limiter.setLevels({ [key]: level })
  }

  #setLimit(meter: Meter, which: 'rate' | 'tokens' | 'output'): void {
    if (which === 'output') {
      this.#outputLimit = meter.limit
      this.#output.update({ tokens: meter.limit, per: meter.perMs })
    } else if (which === 'tokens') this.#main.update({ tokens: meter.limit, tokensPer: meter.perMs })
    else this.#main.update({ rate: meter.limit, per: meter.perMs, tokensPer: this.#learn.tokens.perMs })
  }
}
