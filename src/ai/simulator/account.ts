/**
 * One simulated model of one account: what it lets through, how long that takes and what goes wrong. A state machine: requests,
 * ends and the simulated time come in, decisions go out; no clock, no sockets.
 *
 * A request is judged in this order: quota used up, overload (the knee, then chance), request bucket, token buckets. Chance is
 * drawn by the content of the request and by how often it has come, so that equal runs have equal faults in any order.
 */
import { Recent } from '../../base/recent.ts'
import { type Answer, answerTo } from './answer.ts'
import { ProviderBucket } from './bucket.ts'
import { type CacheUse, PromptCache } from './prompt-cache.ts'
import { Draws } from './random.ts'
import type { ModelRequest } from './request.ts'
import type { ModelSettings } from './settings.ts'
import { Tally } from './tally.ts'
import type { AccountState, BucketState, Refusal, Wire } from './wire.ts'

/** How an accepted request will go; times in simulated milliseconds from its arrival. */
export interface Plan {
  readonly id: string
  /** As many as were asked for. */
  readonly answers: readonly Answer[]
  readonly inputTokens: number
  readonly cache: CacheUse
  readonly outputTokens: number
  readonly firstTokenMs: number
  readonly tokenMs: number
  /** Share of the answer after which it breaks; undefined when it does not. */
  readonly breaksAt: number | undefined
  readonly hangs: boolean
  readonly charge: Charge
}

type Charge = ReturnType<Wire['charge']>

/** A long prompt that is in the cache is read this much faster. Chosen: providers say up to 80 %. */
const cachedSpeedup = 0.5

/** How many different requests are remembered; chosen. A request that comes again after more others than that is answered as at first. */
const mostSeen = 100_000

export class Account {
  readonly tally = new Tally()
  readonly settings: ModelSettings
  readonly #model: string
  readonly #seed: number
  readonly #requests: ProviderBucket | undefined
  readonly #tokens: ProviderBucket | undefined
  readonly #input: ProviderBucket | undefined
  readonly #output: ProviderBucket | undefined
  readonly #cache = new PromptCache()
  /** How often each of the latest requests has come. */
  readonly #seen = new Recent<string, number>(mostSeen)
  #usedCalls = 0
  #usedTokens = 0
  #lastUsed = Number.NEGATIVE_INFINITY
  #warmAt = Number.NEGATIVE_INFINITY

  constructor(model: string, settings: ModelSettings, seed: number, now: number) {
    this.#model = model
    this.settings = settings
    this.#seed = seed
    const bucket = (perMinute: number | undefined): ProviderBucket | undefined =>
      perMinute === undefined ? undefined : new ProviderBucket(perMinute, settings.burstMs, now)
    this.#requests = bucket(settings.limits.requestsPerMinute)
    this.#tokens = bucket(settings.limits.tokensPerMinute)
    this.#input = bucket(settings.limits.inputTokensPerMinute)
    this.#output = bucket(settings.limits.outputTokensPerMinute)
  }

  /** Lets a request in, or says why not. `key` is what makes it equal to another one. */
  admit(request: ModelRequest, key: string, charge: Charge, now: number): Plan | Refusal {
    const count = (this.#seen.get(key) ?? 0) + 1
    this.#seen.set(key, count)
    const draws = new Draws(this.#seed, this.#model, key, request.seed ?? count)
    // Each fault takes its own draw, so that changing one share moves no other.
    const faults = new Draws(this.#seed, 'fault', this.#model, key, count)
    const [overloaded, serverError, broken, hang] = [faults.uniform(), faults.uniform(), faults.uniform(), faults.uniform()]
    const { faults: shares, knee, refuse } = this.settings

    if (refuse !== undefined && request.messages.some((message) => message.text.includes(refuse))) {
      return this.#refuse({ kind: 'bad', message: 'The input was refused.' }, now)
    }
    if (this.#usedCalls >= this.settings.quota.calls || this.#usedTokens >= this.settings.quota.tokens) {
      return this.#refuse({ kind: 'quota', message: 'You exceeded your current quota: your credit balance is too low.' }, now)
    }
    if (this.tally.running >= knee.reject || overloaded < shares.overloaded) {
      return this.#refuse({ kind: 'overloaded', message: 'The server is overloaded. Please try again later.' }, now)
    }
    const limited = this.#limited(charge, now)
    if (limited) return this.#refuse(limited, now)
    // Before anything is counted: a schema that cannot be filled in is thrown out here.
    const answers = Array.from({ length: request.n }, (_, i) =>
      answerTo(request, this.settings, i === 0 ? draws : new Draws(this.#seed, this.#model, key, request.seed ?? count, i)),
    )
    this.#take(charge, now)
    if (serverError < shares.serverError) {
      return this.#refuse({ kind: 'server-error', message: 'The server had an error while processing your request.' }, now)
    }
    this.#usedCalls++
    this.tally.start()

    const cache = this.#cache.use(request, now)
    const slowdown = Math.max(1, this.tally.running / knee.concurrency)
    const warm = 1 - cachedSpeedup * (cache.read / Math.max(1, request.inputTokens))
    return {
      id: `${this.#seed}-${key.slice(0, 12)}-${count}`,
      answers,
      inputTokens: request.inputTokens,
      cache,
      outputTokens: answers.reduce((sum, { tokens }) => sum + tokens, 0),
      firstTokenMs: this.#coldMs(now) + this.#firstTokenMs(draws) * slowdown * warm,
      tokenMs: (1_000 / this.settings.tokensPerSecond) * slowdown,
      breaksAt: broken < shares.broken ? faults.uniform() : undefined,
      hangs: hang < shares.hang,
      charge,
    }
  }

  /** The first token has appeared. */
  began(plan: Plan, now: number): void {
    this.#cache.fill(plan.cache, now)
  }

  /** The request is over: all of it was sent, or only `share` because it broke or the caller went away. */
  ended(plan: Plan, share: number, now: number): void {
    const output = Math.round(plan.outputTokens * share)
    this.#lastUsed = now
    this.#usedTokens += plan.inputTokens + output
    if (this.#output) this.#output.refund(Math.max(0, plan.charge.output - output), now)
    this.tally.end({ input: plan.inputTokens, output, cached: plan.cache.read, written: plan.cache.written }, share === 1)
  }

  state(id: string, now: number): AccountState {
    const { headers } = this.settings
    const of = (bucket: ProviderBucket | undefined): BucketState | undefined => {
      if (!bucket || headers === 'none') return undefined
      if (headers === 'unknown') return { limit: -1, remaining: -1, resetMs: 0 }
      if (headers === 'lying') return { limit: bucket.perMinute * 10, remaining: bucket.perMinute * 10, resetMs: 1 }
      return { limit: bucket.perMinute, remaining: Math.max(0, Math.floor(bucket.remaining(now))), resetMs: bucket.reset(now) }
    }
    return { id, requests: of(this.#requests), tokens: of(this.#tokens), input: of(this.#input), output: of(this.#output) }
  }

  /**
   * The least time in which the buckets could have let through what they did: (taken − capacity) / rate of the tightest, in
   * simulated milliseconds. Latency comes on top.
   */
  idealMs(): number {
    const buckets = [this.#requests, this.#tokens, this.#input, this.#output]
    return Math.max(0, ...buckets.map((bucket) => (bucket ? ((bucket.taken - bucket.capacity) / bucket.perMinute) * 60_000 : 0)))
  }

  #limited(charge: Charge, now: number): Refusal | undefined {
    const checks: readonly (readonly [ProviderBucket | undefined, number, 'requests' | 'tokens', string])[] = [
      [this.#requests, 1, 'requests', 'requests per min'],
      [this.#tokens, charge.tokens, 'tokens', 'tokens per min'],
      [this.#input, charge.input, 'tokens', 'input tokens per min'],
      [this.#output, charge.output, 'tokens', 'output tokens per min'],
    ]
    let worst: Refusal | undefined
    for (const [bucket, amount, kind, unit] of checks) {
      const waitMs = bucket?.wait(amount, now) ?? 0
      if (!bucket || waitMs <= (worst?.waitMs ?? 0)) continue
      const figures = `${unit}: Limit ${bucket.perMinute}, Used ${Math.ceil(bucket.capacity - bucket.remaining(now))}, Requested ${amount}.`
      worst = Number.isFinite(waitMs)
        ? {
            kind,
            message: `Rate limit reached for ${this.#model} on ${figures} Please try again in ${Math.ceil(waitMs)}ms.`,
            waitMs,
          }
        : { kind: 'too-large', message: `Request too large for ${this.#model} on ${figures}`, waitMs }
    }
    return worst
  }

  #take(charge: Charge, now: number): void {
    this.#requests?.take(1, now)
    this.#tokens?.take(charge.tokens, now)
    this.#input?.take(charge.input, now)
    this.#output?.take(charge.output, now)
  }

  /** Unsuccessful requests count against the request limit, too. */
  #refuse(refusal: Refusal, now: number): Refusal {
    if (refusal.kind !== 'server-error') this.#requests?.penalise(1, now)
    this.tally.refuse(refusal.kind)
    return refusal
  }

  #firstTokenMs(draws: Draws): number {
    const { firstToken } = this.settings
    let left = draws.uniform() * firstToken.reduce((sum, part) => sum + part.weight, 0)
    const part = firstToken.find(({ weight }) => (left -= weight) < 0) ?? firstToken.at(-1)
    if (!part) return 0
    return part.sigma === 0 ? part.medianMs : draws.lognormal(part.medianMs, part.sigma)
  }

  #coldMs(now: number): number {
    const { coldStart } = this.settings
    if (!coldStart) return 0
    if (this.tally.running <= 1 && now >= this.#warmAt && now - this.#lastUsed > coldStart.idleMs)
      this.#warmAt = now + coldStart.warmUpMs
    return Math.max(0, this.#warmAt - now)
  }
}
