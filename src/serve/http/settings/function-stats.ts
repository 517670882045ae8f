/** What is known of a plain function that is served, in the form of models in replicas. */
import { performance } from '../../../base/globals.js'
import type { ModelKind } from '../../kinds.ts'
import type { Latencies, Refusal, ServedStats, TenantStats } from '../../stats.ts'

/** Upper bounds in milliseconds; chosen, the same steps as those of requests. */
const boundsMs = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const
/** Of how many answers percentiles are. */
const latest = 1_000
/** Tenants that are counted by name; the others together. */
const tenantsMost = 100
const windowMs = 10_000

const refusals: readonly Refusal[] = ['queue-full', 'too-large', 'deadline', 'cancelled', 'circuit-open', 'closed', 'crashed']

class Recent {
  readonly #values: number[] = []
  #at = 0

  add(value: number): void {
    this.#values[this.#at++ % latest] = value
  }

  percentiles(): Latencies {
    const sorted = this.#values.toSorted((a, b) => a - b)
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
  }
}

export class FunctionStats {
  readonly #name: string
  readonly #kind: ModelKind
  readonly #maxItems: number
  readonly #slots: number
  #answered = 0
  #failed = 0
  readonly #refused = Object.fromEntries(refusals.map((cause) => [cause, 0])) as Record<Refusal, number>
  readonly #tenants = new Map<string, { queued: number; answered: number; refused: number; tokens: number }>()
  readonly #total = new Recent()
  readonly #queued = new Recent()
  readonly #served = new Recent()
  readonly #counts = Array.from({ length: boundsMs.length + 1 }, () => 0)
  #sumMs = 0
  #tokens = 0
  /** Answers by second, and the milliseconds of work in it. */
  readonly #ring = Array.from({ length: windowMs / 1_000 }, () => ({ at: -1, answers: 0, workMs: 0 }))

  constructor(name: string, kind: ModelKind, maxItems: number, slots: number) {
    this.#name = name
    this.#kind = kind
    this.#maxItems = maxItems
    this.#slots = slots
  }

  answered(tenant: string, tokens: number, queuedMs: number, servedMs: number): void {
    this.#answered++
    this.#tokens += tokens
    const of = this.#tenant(tenant)
    of.answered++
    of.tokens += tokens
    this.#total.add(queuedMs + servedMs)
    this.#queued.add(queuedMs)
    this.#served.add(servedMs)
    const bucket = boundsMs.findIndex((bound) => queuedMs + servedMs <= bound)
    ;(this.#counts[bucket < 0 ? boundsMs.length : bucket] as number)++
    this.#sumMs += queuedMs + servedMs
    const at = Math.floor(performance.now() / 1_000)
    const second = this.#ring[at % this.#ring.length] as { at: number; answers: number; workMs: number }
    if (second.at !== at) Object.assign(second, { at, answers: 0, workMs: 0 })
    second.answers++
    second.workMs += servedMs
  }

  failed(): void {
    this.#failed++
  }

  /** Gives the error back, to be thrown. */
  refused(cause: Refusal, tenant: string, error: unknown): unknown {
    this.#refused[cause]++
    this.#tenant(tenant).refused++
    return error
  }

  snapshot(waiting: number, waitingTokens: number, running: number): ServedStats {
    const now = Math.floor(performance.now() / 1_000)
    const recent = this.#ring.filter(({ at }) => at > now - this.#ring.length)
    const answers = recent.reduce((sum, second) => sum + second.answers, 0)
    const workMs = recent.reduce((sum, second) => sum + second.workMs, 0)
    return {
      name: this.#name,
      kind: this.#kind,
      state: 'ready',
      queue: {
        items: waiting,
        tokens: waitingTokens,
        maxItems: this.#maxItems,
        maxTokens: Number.POSITIVE_INFINITY,
        oldestMs: 0,
      },
      underWay: running,
      replicas: [
        {
          id: 0,
          state: running > 0 ? 'busy' : 'idle',
          pid: undefined,
          busy: Math.min(1, workMs / windowMs / this.#slots),
          batches: this.#answered,
          items: this.#answered,
          restarts: 0,
          breaker: 'closed',
        },
      ],
      batches: {
        count: this.#answered,
        items: this.#answered,
        tokens: this.#tokens,
        sizes: [{ upTo: 1, count: this.#answered }],
      },
      answered: this.#answered,
      failed: this.#failed,
      refused: { ...this.#refused },
      retried: 0,
      hedged: 0,
      perSecond: answers / (windowMs / 1_000),
      latencyMs: this.#total.percentiles(),
      latency: { boundsMs, counts: [...this.#counts], sumMs: this.#sumMs },
      queuedMs: this.#queued.percentiles(),
      servedMs: this.#served.percentiles(),
      tenants: Object.fromEntries([...this.#tenants].map(([name, counts]): [string, TenantStats] => [name, { ...counts }])),
      measured: [],
      memoryBytes: 0,
    }
  }

  #tenant(given: string): { queued: number; answered: number; refused: number; tokens: number } {
    const name = this.#tenants.size < tenantsMost || this.#tenants.has(given) ? given : '(others)'
    let counts = this.#tenants.get(name)
    if (!counts) this.#tenants.set(name, (counts = { queued: 0, answered: 0, refused: 0, tokens: 0 }))
    return counts
  }
}
