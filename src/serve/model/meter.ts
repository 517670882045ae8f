/** Counts of what a model did: for {@link ServedStats}. Pure; times are handed in. Memory does not grow with calls. */
import type { Histogram, Latencies, Refusal, TenantStats } from '../stats.ts'

/** The latest values, for quantiles. */
const remembered = 1_000
/** "Lately" is the last ten seconds. */
const windowSeconds = 10
/** Tenants that are counted by name; keys from outside must not fill the memory. */
const mostTenants = 100
export const otherTenants = '(others)'

/** Of a queue and a model: from a hit in a cache to a long generation. */
const boundsMs = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000]

/** A sum over the last ten seconds, by seconds. */
export class RecentSum {
  readonly #slots = new Float64Array(windowSeconds + 1)
  readonly #from: number
  #second: number

  constructor(nowMs: number) {
    this.#from = nowMs
    this.#second = Math.floor(nowMs / 1_000)
  }

  add(value: number, nowMs: number): void {
    this.#move(nowMs)
    const at = this.#second % this.#slots.length
    this.#slots[at] = (this.#slots[at] as number) + value
  }

  /** Per second. */
  rate(nowMs: number): number {
    this.#move(nowMs)
    let sum = 0
    for (const slot of this.#slots) sum += slot
    const seconds = Math.min((nowMs - this.#from) / 1_000, windowSeconds + ((nowMs / 1_000) % 1))
    return seconds <= 0 ? 0 : sum / seconds
  }

  #move(nowMs: number): void {
    const second = Math.floor(nowMs / 1_000)
    const steps = Math.min(second - this.#second, this.#slots.length)
    for (let i = 1; i <= steps; i++) this.#slots[(second - steps + i) % this.#slots.length] = 0
    this.#second = Math.max(second, this.#second)
  }
}

/** The latest thousand durations. */
export class RecentTimes {
  readonly #times = new Float64Array(remembered)
  #added = 0

  add(ms: number): void {
    this.#times[this.#added++ % remembered] = ms
  }

  get latencies(): Latencies {
    const sorted = this.#times.slice(0, Math.min(this.#added, remembered)).sort()
    const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
  }
}

interface TenantCount {
  answered: number
  refused: number
  tokens: number
}

export class Meter {
  answered = 0
  failed = 0
  retried = 0
  hedged = 0
  batches = 0
  items = 0
  tokens = 0
  readonly refused: Record<Refusal, number> = {
    'queue-full': 0,
    'too-large': 0,
    deadline: 0,
    cancelled: 0,
    'circuit-open': 0,
    closed: 0,
    crashed: 0,
  }
  readonly latency = new RecentTimes()
  readonly queued = new RecentTimes()
  readonly served = new RecentTimes()
  readonly #sizes: number[] = []
  readonly #counts = boundsMs.map(() => 0).concat(0)
  #sumMs = 0
  readonly #recent: RecentSum
  readonly #tenants = new Map<string, TenantCount>()

  constructor(nowMs: number) {
    this.#recent = new RecentSum(nowMs)
  }

  answer(tenant: string, tokens: number, ms: number, nowMs: number): void {
    this.answered++
    this.latency.add(ms)
    this.#sumMs += ms
    const bucket = boundsMs.findIndex((bound) => ms <= bound)
    const at = bucket < 0 ? boundsMs.length : bucket
    this.#counts[at] = (this.#counts[at] as number) + 1
    this.#recent.add(1, nowMs)
    const count = this.#tenant(tenant)
    count.answered++
    count.tokens += tokens
  }

  refuse(tenant: string, cause: Refusal): void {
    this.refused[cause]++
    this.#tenant(tenant).refused++
  }

  batch(items: number, tokens: number): void {
    this.batches++
    this.items += items
    this.tokens += tokens
    const at = Math.ceil(Math.log2(Math.max(1, items)))
    while (this.#sizes.length <= at) this.#sizes.push(0)
    this.#sizes[at] = (this.#sizes[at] as number) + 1
  }

  get sizes(): readonly { readonly upTo: number; readonly count: number }[] {
    return this.#sizes.map((count, i) => ({ upTo: 2 ** i, count }))
  }

  get histogram(): Histogram {
    return { boundsMs, counts: [...this.#counts], sumMs: this.#sumMs }
  }

  perSecond(nowMs: number): number {
    return this.#recent.rate(nowMs)
  }

  /** @param queued how many items of a tenant wait */
  tenants(queued: (tenant: string) => number): Record<string, TenantStats> {
    const all: [string, TenantStats][] = []
    for (const [name, count] of this.#tenants) all.push([name, { queued: queued(name), ...count }])
    return Object.fromEntries(all)
  }

  #tenant(name: string): TenantCount {
    const counted = this.#tenants.has(name) || this.#tenants.size < mostTenants ? name : otherTenants
    let count = this.#tenants.get(counted)
    if (!count) this.#tenants.set(counted, (count = { answered: 0, refused: 0, tokens: 0 }))
    return count
  }
}
