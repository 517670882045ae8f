/**
 * The last minute of a server, second by second: how many requests came, how many were answered and refused, and how long they took. Bounded: a ring of seconds, with latencies in buckets
 * whose bounds grow by a twentieth, so that a percentile is right within three of a hundred.
 *
 * Pure: the time comes in.
 */

/** Longer than anybody asks for at once; what lies further back is kept by who shows it. Chosen. */
export const secondsKept = 60

const leastMs = 0.25
const growth = 1.05
/** Up to 12 minutes; what is longer counts as that. */
const buckets = 306

const bucketOf = (ms: number): number =>
  ms <= leastMs ? 0 : Math.min(buckets - 1, Math.ceil(Math.log(ms / leastMs) / Math.log(growth)))
/** The middle of a bucket, as factors go. */
const middleOf = (bucket: number): number => leastMs * growth ** (bucket === 0 ? 0 : bucket - 0.5)

/** Percentiles of latencies, in milliseconds; all 0 while there are none. */
export interface Percentiles {
  readonly p50: number
  readonly p95: number
  readonly p99: number
}

/** One second, or several together. */
export class Second {
  requests = 0
  answered = 0
  refused = 0
  failed = 0
  /** Of answers, by bucket. */
  readonly latencies = new Uint32Array(buckets)
  at = -1

  clear(at: number): void {
    this.at = at
    this.requests = this.answered = this.refused = this.failed = 0
    this.latencies.fill(0)
  }

  add(other: Second): void {
    this.requests += other.requests
    this.answered += other.answered
    this.refused += other.refused
    this.failed += other.failed
    for (let i = 0; i < buckets; i++) (this.latencies[i] as number) += other.latencies[i] as number
  }

  /** All 0 when nothing was answered. */
  percentiles(): Percentiles {
    const total = this.latencies.reduce((sum, count) => sum + count, 0)
    const at = (share: number): number => {
      if (total === 0) return 0
      let left = Math.max(1, Math.ceil(total * share))
      for (let i = 0; i < buckets; i++) {
        left -= this.latencies[i] as number
        if (left <= 0) return Number(middleOf(i).toPrecision(3))
      }
      return 0
    }
    return { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
  }
}

export class Seconds {
  readonly #ring: Second[] = Array.from({ length: secondsKept }, () => new Second())

  #now(nowMs: number): Second {
    const at = Math.floor(nowMs / 1_000)
    const second = this.#ring[at % secondsKept] as Second
    if (second.at !== at) second.clear(at)
    return second
  }

  began(nowMs: number): void {
    this.#now(nowMs).requests++
  }

  ended(outcome: 'answered' | 'refused' | 'failed', tookMs: number, nowMs: number): void {
    const second = this.#now(nowMs)
    second[outcome]++
    if (outcome === 'answered') (second.latencies[bucketOf(tookMs)] as number)++
  }

  /** The `count` whole seconds before now together; the present one is not over, and would look like a fall. */
  last(count: number, nowMs: number): Second {
    return this.between(Math.floor(nowMs / 1_000) - count, count)
  }

  /** From a second on: a place on the clock that the times come from. */
  between(from: number, count: number): Second {
    const sum = new Second()
    for (let at = from; at < from + count; at++) {
      const second = this.#ring[((at % secondsKept) + secondsKept) % secondsKept] as Second
      if (second.at === at) sum.add(second)
    }
    return sum
  }
}
