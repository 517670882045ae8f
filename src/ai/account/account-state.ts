/**
 * The buckets of one account that several programs share: who may send how much, and when. A state machine: asks and the time come in,
 * grants go out. The same rules stand in `account-script.ts` for Redis; a test holds them against each other.
 *
 * Policy: a grant is taken at once, if need be from what flows in later, and begins when it is there. So whoever asks has a place in one queue,
 * nobody asks twice for the same, and nobody is overtaken. A program has one grant ahead at a time, and a grant is no more than its part of
 * what is there: programs that want more than there is get the same, whoever asks more often. What a program holds when it dies is
 * lost for the account until the provider's headers say that it is there: less than a grant.
 *
 * State: per limit a bucket (`level` below zero is promised), and `charged`, all that was ever granted less what came back. Readings of programs are
 * offsets against `charged` (see `LimitLearner`), so that they stay true whoever takes something meanwhile. Requests arrive in another
 * order than they were granted; over a crowd that cancels out, so that the mean of as many readings is believed as calls were granted before.
 * Invariant: what is granted until a moment never exceeds what was there and has flowed in by the time at which the last grant begins.
 */
import {
  type Amounts,
  type Ask,
  horizonMs,
  hungryMs,
  type Known,
  memberMs,
  missing,
  nothing,
  probesAtOnce,
  probesMs,
  probeWaitMs,
  type Reply,
  tolerance,
  type Told,
  transitMs,
} from './exchange.ts'

interface Bucket {
  /** 0: not known. */
  limit: number
  perMs: number
  burst: number
  level: number
  at: number
  charged: number
  /** How much of `charged` an earlier keeper had granted. */
  base: number
  /** Readings since the last was believed, their sum, and how many it takes. */
  count: number
  sum: number
  need: number
  /** Calls since then. */
  calls: number
}

const newBucket = (now: number): Bucket => ({
  limit: 0,
  perMs: 60_000,
  burst: 0,
  level: 0,
  at: now,
  charged: 0,
  base: 0,
  count: 0,
  sum: 0,
  need: 0,
  calls: 0,
})

export class AccountState {
  readonly #generation: string
  readonly #buckets: readonly Bucket[]
  readonly #members = new Map<string, { seenAt: number; hungryAt: number }>()
  #answered = false
  #probes = 0
  #probesAt = Number.NEGATIVE_INFINITY
  #pausedUntil = 0

  /** @param generation tells this state from the one of an earlier keeper */
  constructor(generation: string, now: number) {
    this.#generation = generation
    this.#buckets = [newBucket(now), newBucket(now), newBucket(now)]
  }

  exchange(ask: Ask, now: number): Reply {
    const member = this.#meet(ask.member, now)
    for (const bucket of this.#buckets) refill(bucket, now)
    if (ask.known && ask.known.generation !== this.#generation) this.#adopt(ask.known, now)
    this.#buckets.forEach((bucket, i) => {
      give(bucket, ask.back[i] as number)
      const told = ask.told?.[i]
      if (told) learn(bucket, told, now)
    })
    if (ask.answered) this.#answered = true
    if (ask.pauseMs !== undefined) this.#pausedUntil = Math.max(this.#pausedUntil, now + ask.pauseMs)
    const { grant, waitMs } = ask.want.some((amount) => amount > 0)
      ? this.#grant(ask.want, member, now)
      : { grant: nothing, waitMs: 0 }
    return { ...this.#known(now), grant, waitMs, members: this.#members.size }
  }

  #grant(want: Amounts, member: { hungryAt: number }, now: number): { readonly grant: Amounts; readonly waitMs: number } {
    member.hungryAt = now
    if (now < this.#pausedUntil) return { grant: nothing, waitMs: this.#pausedUntil - now }
    let share = 1
    if (!this.#answered && this.#buckets.every(({ limit }) => limit === 0)) {
      share = this.#probe(want[0])
      if (share === 0) return { grant: nothing, waitMs: probeWaitMs }
    } else if (want[0] > 1) share = this.#share(want, now)
    let waitMs = 0
    const grant = this.#buckets.map((bucket, i) => {
      const amount = Math.max(0, want[i] as number) * share
      bucket.charged += amount
      bucket.calls += Math.max(0, want[0]) * share
      if (bucket.limit === 0) return amount
      bucket.level -= amount
      if (bucket.level < 0) waitMs = Math.max(waitMs, (-bucket.level * bucket.perMs) / bucket.limit)
      return amount
    }) as unknown as Amounts
    return { grant, waitMs }
  }

  /** Nobody knows a limit yet: a few requests find out. Gives the share of the calls that may be sent. */
  #probe(calls: number): number {
    const now = this.#buckets[0]?.at ?? 0
    if (now - this.#probesAt > probesMs) {
      this.#probes = 0
      this.#probesAt = now
    }
    const sent = Math.min(Math.max(calls, 1), probesAtOnce - this.#probes)
    this.#probes += sent
    return sent / Math.max(calls, 1)
  }

  /** The share of the calls that is a member's part of what is there soon; one call at least. */
  #share(want: Amounts, now: number): number {
    const [calls] = want
    let hungry = 0
    for (const { hungryAt } of this.#members.values()) if (now - hungryAt <= hungryMs) hungry++
    let most = calls
    this.#buckets.forEach(({ limit, perMs, level }, i) => {
      const each = (want[i] as number) / calls
      if (limit > 0 && each > 0) most = Math.min(most, (level + (limit / perMs) * horizonMs) / (each * hungry))
    })
    return Math.max(1, Math.floor(most)) / calls
  }

  #meet(id: string, now: number): { seenAt: number; hungryAt: number } {
    for (const [other, { seenAt }] of this.#members) if (now - seenAt > memberMs) this.#members.delete(other)
    const member = this.#members.get(id) ?? { seenAt: now, hungryAt: Number.NEGATIVE_INFINITY }
    member.seenAt = now
    this.#members.set(id, member)
    return member
  }

  /** An earlier keeper is gone: what its members last heard of it is what there is. Of several the one that heard most counts. */
  #adopt({ charged, level, due, limits, now: heardAt }: Known, now: number): void {
    this.#buckets.forEach((bucket, i) => {
      const [limit, perMs, burst] = limits[i] as readonly [number, number, number]
      const granted = charged[i] as number
      if (bucket.limit === 0 && limit > 0) {
        bucket.limit = limit
        bucket.perMs = perMs
        bucket.burst = burst
        const since = Math.max(0, now - heardAt)
        // What this keeper has granted so far was granted without knowing of a limit.
        bucket.level = Math.min(burst, (level[i] as number) + (since * limit) / perMs) - bucket.charged
        bucket.charged += granted
        bucket.base = granted
        bucket.need = due[i] as number
      } else if (granted > bucket.base) {
        bucket.level -= granted - bucket.base
        bucket.charged += granted - bucket.base
        bucket.base = granted
      }
    })
  }

  #known(now: number): Known {
    const of = (key: 'charged' | 'level'): Amounts => this.#buckets.map((bucket) => bucket[key]) as unknown as Amounts
    const due = this.#buckets.map(({ need, calls }) => need + calls) as unknown as Amounts
    const limits = this.#buckets.map(({ limit, perMs, burst }) => [limit, perMs, burst] as const)
    return { generation: this.#generation, now, charged: of('charged'), level: of('level'), due, limits }
  }
}

function refill(bucket: Bucket, now: number): void {
  const passed = now - bucket.at
  if (passed <= 0) return
  bucket.at = now
  if (bucket.limit > 0) bucket.level = Math.min(bucket.burst, bucket.level + (passed * bucket.limit) / bucket.perMs)
}

function give(bucket: Bucket, amount: number): void {
  bucket.charged -= amount
  if (bucket.limit > 0) bucket.level = Math.min(bucket.burst, bucket.level + amount)
}

function learn(bucket: Bucket, told: Told, now: number): void {
  const { limit, perMs, burst, step, count = 0, sum = 0, atMost } = told
  if (!(limit > 0 && perMs > 0)) return
  const rate = limit / perMs
  if (bucket.limit !== limit || Math.abs(bucket.perMs - perMs) > perMs * 0.2) {
    const isNew = bucket.limit === 0
    bucket.limit = limit
    bucket.perMs = perMs
    if (isNew) bucket.level = (count > 0 ? sum / count + rate * now : burst) - bucket.charged
    believed(bucket)
  } else {
    bucket.count += count
    bucket.sum += sum
  }
  bucket.burst = burst
  bucket.level = Math.min(burst, bucket.level)
  if (bucket.count > 0 && bucket.count >= bucket.need * (1 - missing)) {
    correct(bucket, Math.min(burst, bucket.sum / bucket.count + rate * now - bucket.charged), step)
    believed(bucket)
  }
  if (atMost !== undefined) bucket.level = Math.min(bucket.level, atMost)
}

/** The next crowd are the calls since the last was complete. */
function believed(bucket: Bucket): void {
  bucket.need = bucket.calls
  bucket.count = bucket.sum = bucket.calls = 0
}

/** A lower level is believed beyond rounding, a higher one beyond what flows in while requests are on their way. */
function correct(bucket: Bucket, likely: number, step: number): void {
  const slack = Math.max(1, Math.min(bucket.limit * tolerance, bucket.level / 2))
  if (likely + step / 2 < bucket.level - slack) bucket.level = likely
  else {
    const certain = likely - step / 2 - (bucket.limit / bucket.perMs) * transitMs
    if (certain > bucket.level + slack) bucket.level = certain
  }
}
