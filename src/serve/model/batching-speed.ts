/** One way of putting items together, and how quick it was. Pure; times are handed in. */
import { type BatchLimits, chunks } from '../queue/chunks.ts'
import { TokenEstimate } from '../queue/estimate.ts'

/** Fewer inputs are repeated: batches of similar lengths must be possible. Chosen. */
const leastItems = 64
/** The golden ratio: steps of that share of a list visit it evenly, wherever one stops. */
const evenly = 0.618

/** The inputs on which all ways are measured, and what is known of their lengths. */
export class Mix {
  readonly items: readonly unknown[]
  readonly #estimate: TokenEstimate
  readonly #counted = new Map<unknown, number>()

  constructor(samples: readonly unknown[], counted: boolean) {
    const times = Math.ceil(leastItems / samples.length)
    this.items = Array.from({ length: times }, () => samples).flat()
    this.#estimate = new TokenEstimate(counted)
  }

  /** As it was counted, else as it is guessed. */
  tokens(item: unknown): number {
    return this.#counted.get(item) ?? this.#estimate.of(item)
  }

  learn(item: unknown, tokens: number): void {
    if (tokens <= 0 || this.#counted.has(item)) return
    this.#counted.set(item, tokens)
    this.#estimate.learn(item, tokens)
  }

  get #lengths(): number[] {
    return this.items.map((item) => this.tokens(item)).toSorted((a, b) => a - b)
  }

  get shortest(): number {
    return Math.max(1, this.#lengths[0] ?? 1)
  }

  get middle(): number {
    const lengths = this.#lengths
    return Math.max(1, lengths[lengths.length >> 1] ?? 1)
  }

  get mean(): number {
    return this.#lengths.reduce((sum, tokens) => sum + tokens, 0) / this.items.length
  }

  /** What all of them together are as one batch: a larger bound is no other way. */
  get padded(): number {
    return (this.#lengths.at(-1) ?? 1) * this.items.length
  }
}

export interface WayBatch {
  readonly items: readonly unknown[]
}

export class BatchingSpeed {
  readonly limits: BatchLimits
  readonly #mix: Mix
  readonly #batches: readonly WayBatch[]
  readonly #step: number
  #at = 0
  readonly #times: number[] = []
  #tokens = 0
  /** Of one replica. */
  #ms = 0
  #replicas = 1

  constructor(limits: BatchLimits, mix: Mix) {
    this.limits = limits
    this.#mix = mix
    const tokens = mix.items.map((item) => mix.tokens(item))
    const places = tokens.map((_count, at) => at).toSorted((a, b) => (tokens[a] as number) - (tokens[b] as number))
    this.#batches = chunks(places, tokens, limits).map((batch) => ({ items: batch.map((at) => mix.items[at]) }))
    this.#step = coprime(Math.round(this.#batches.length * evenly), this.#batches.length)
  }

  next(): WayBatch {
    const batch = this.#batches[this.#at] as WayBatch
    this.#at = (this.#at + this.#step) % this.#batches.length
    return batch
  }

  /** @param tokens as the replica has counted them @param replicas that were at work at once */
  took({ items }: WayBatch, tokens: ArrayLike<number>, ms: number, replicas: number): void {
    for (const [at, item] of items.entries()) {
      this.#mix.learn(item, tokens[at] ?? 0)
      this.#tokens += this.#mix.tokens(item)
    }
    this.#times.push(ms)
    this.#ms += ms
    this.#replicas = replicas
  }

  /** By the tokens that were computed: which items they were of is chance. */
  get itemsPerSecond(): number {
    if (this.#ms === 0) return 0
    return (this.#tokens / this.#mix.mean / this.#ms) * this.#replicas * 1_000
  }

  /** The median. */
  get batchMs(): number {
    return this.quantileMs(0.5)
  }

  quantileMs(share: number): number {
    const sorted = this.#times.toSorted((a, b) => a - b)
    return sorted[Math.floor(share * sorted.length)] ?? 0
  }
}

/** The next whole number from `step` up that has no divisor in common with `length`, so that its steps visit all places. */
function coprime(step: number, length: number): number {
  for (let next = Math.max(1, step); ; next++) if (divisor(next, length) === 1) return next
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}
