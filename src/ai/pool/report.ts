/** The figures of `report()`: everything that a pool has done so far. */
import { performance } from '../../base/globals.js'
import type { FailureClass } from '../../base/errors.ts'
import type { CacheReport } from '../cache/response-cache.ts'
import type { Counts } from './counts.ts'
import type { Latency } from './latency.ts'
import { costOf, type Price } from '../prices/prices.ts'
import type { Usage } from '../model/sdk-model.ts'

/** What one model of a pool has done. */
export interface ModelReport {
  /** `provider/model`. */
  readonly model: string
  /** Requests sent, retries and hedges included. */
  readonly attempts: number
  readonly succeeded: number
  /** Attempts that failed, by cause. */
  readonly refused: number
  readonly failed: number
  readonly inputTokens: number
  readonly cachedTokens: number
  readonly outputTokens: number
  /** US dollars; undefined without a price. */
  readonly usd: number | undefined
  /** Attempts that did not succeed, by what was wrong. */
  readonly failures: Readonly<Partial<Record<FailureClass, number>>>
  /** Median of the latest answers in milliseconds; undefined where nothing was measured within a minute. */
  readonly latencyMs: number | undefined
  /** The model is left alone: why, and for how many milliseconds more. */
  readonly leftAlone: { readonly reason: string; readonly forMs: number } | undefined
}

/** Calls that went from one model to another, for one reason. */
export interface FallbackReport {
  readonly from: string
  readonly to: string
  readonly because: FailureClass
  readonly calls: number
}

/** What the prompt caches of providers gave. */
export interface PromptCacheReport {
  /** Input tokens that were read from them, and written into them where that is charged. */
  readonly read: number
  readonly written: number
  /** Share of the input that was read from them, from 0 to 1. */
  readonly hitRate: number
  /** US dollars against the same calls without caches: below 0 where more was paid for writing than reading saved. Undefined without a price. */
  readonly usdSaved: number | undefined
}

/** Everything that a pool has done so far. */
export interface PoolReport {
  /** Calls that the program made. Always `succeeded + failed + running`. */
  readonly calls: number
  readonly succeeded: number
  readonly failed: number
  readonly running: number
  /** Requests sent, retries and hedges included. Always the sum over the models. */
  readonly attempts: number
  /** Attempts that the provider refused for its rate limit (429). */
  readonly rateLimited: number
  /** Attempts that failed otherwise and were made again: work that was wasted. */
  readonly wastedAttempts: number
  readonly tokens: { readonly input: number; readonly cached: number; readonly output: number }
  /** Tokens of answers that nobody got: broken off, cancelled, or second in a hedge. Estimated where the provider did not say. */
  readonly wastedTokens: number
  /** US dollars; undefined while a model without a price was used. */
  readonly usd: number | undefined
  readonly hedges: { readonly started: number; readonly won: number }
  /** Milliseconds that calls have waited, by cause; calls wait side by side, so this is more than wall time. */
  readonly waitedMs: {
    readonly limiter: number
    readonly rateLimit: number
    readonly retry: number
    readonly breaker: number
    readonly budget: number
  }
  readonly models: readonly ModelReport[]
  /** What went where after a failure. */
  readonly fallbacks: readonly FallbackReport[]
  /** What the prompt caches of providers gave, by their own count. */
  readonly promptCache: PromptCacheReport
  /** Of the pool's `cache`; every pool that uses it counts there. */
  readonly cache?: CacheReport
}

/** Counts for one pool; views of the pool share it. */
export class Ledger {
  calls = 0
  succeeded = 0
  failed = 0
  rateLimited = 0
  wastedAttempts = 0
  wastedTokens = 0
  usd = 0
  usdSavedByCaches = 0
  unpriced = false
  readonly hedges = { started: 0, won: 0 }
  readonly #fallbacks = new Map<string, FallbackReport>()
  readonly waitedMs = { limiter: 0, rateLimit: 0, retry: 0, breaker: 0, budget: 0 }

  /** An answer came and is billed. */
  bill(usage: Usage, price: Price | undefined): number {
    const usd = usage.usd ?? (price && costOf(price, usage))
    if (usd === undefined) {
      this.unpriced = true
      return 0
    }
    this.usd += usd
    if (price)
      this.usdSavedByCaches += costOf(price, { ...usage, cached: 0, written: 0, writtenForHour: 0 }) - costOf(price, usage)
    return usd
  }

  /** A call goes on at another model. */
  fellBack(from: string, to: string, because: FailureClass): void {
    const key = JSON.stringify([from, to, because])
    const calls = (this.#fallbacks.get(key)?.calls ?? 0) + 1
    this.#fallbacks.set(key, { from, to, because, calls })
  }

  report(models: readonly ModelReport[], written: number): PoolReport {
    const sum = (of: (model: ModelReport) => number): number => models.reduce((total, model) => total + of(model), 0)
    const [input, read] = [sum((m) => m.inputTokens), sum((m) => m.cachedTokens)]
    return {
      calls: this.calls,
      succeeded: this.succeeded,
      failed: this.failed,
      running: this.calls - this.succeeded - this.failed,
      attempts: sum((model) => model.attempts),
      rateLimited: this.rateLimited,
      wastedAttempts: this.wastedAttempts,
      tokens: { input, cached: read, output: sum((m) => m.outputTokens) },
      promptCache: {
        read,
        written,
        hitRate: input === 0 ? 0 : read / input,
        usdSaved: this.unpriced ? undefined : this.usdSavedByCaches,
      },
      wastedTokens: this.wastedTokens,
      usd: this.unpriced ? undefined : this.usd,
      hedges: { ...this.hedges },
      waitedMs: { ...this.waitedMs },
      models,
      fallbacks: [...this.#fallbacks.values()],
    }
  }
}

/** The sources of a report. */
interface Reported {
  readonly ledger: Ledger
  readonly replicas: readonly {
    readonly name: string
    readonly counts: Counts
    readonly price: Price | undefined
    readonly latency: Latency
    readonly closure: { readonly reason: Error | undefined; readonly pauseMs: number }
  }[]
}

export function reportOf({ ledger, replicas }: Reported): PoolReport {
  const now = performance.now()
  return ledger.report(
    replicas.map(({ name, counts, price, latency, closure }) => ({
      model: name,
      attempts: counts.attempts,
      succeeded: counts.succeeded,
      refused: counts.refused,
      failed: counts.failed,
      inputTokens: counts.input,
      cachedTokens: counts.cached,
      outputTokens: counts.output,
      usd: price || counts.usd > 0 ? counts.usd : undefined,
      failures: Object.fromEntries(counts.failures),
      latencyMs: latency.medianMs('whole', now) ?? latency.medianMs('stream', now),
      leftAlone: closure.reason && { reason: closure.reason.message, forMs: closure.pauseMs },
    })),
    replicas.reduce((sum, { counts }) => sum + counts.written, 0),
  )
}
