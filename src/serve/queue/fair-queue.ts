/**
 * What waits before a model. Pure: no clock, no promises; times are handed in.
 *
 * **Who is next.** Tenants share the model by weight: start-time fair queueing (Goyal, Vin and Cheng, 1996) over tokens. Each tenant has a virtual
 * time, which its items move on by `tokens / weight`; the tenant that is behind goes first. One that comes back after a pause starts at the
 * virtual time of the moment: nothing is saved up. Between tenants one level of priority is worth four times the weight. Within a tenant the oldest goes
 * first, where one level is worth `levelMs` of waiting. So higher priority overtakes, and nobody waits for ever.
 *
 * **What travels together.** The next item opens a batch; others of the same length bucket join, in the same order, while the batch stays within
 * its bounds. Items of other lengths wait: padding them would cost more than a batch of their own.
 *
 * **Who is refused.** Beyond the bounds the newcomer is refused, unless its tenant has less than its share and another one more: then the newest
 * items of the largest tenant are pushed out, so that a tenant that fills the queue does not lock the others out.
 *
 * Invariants: `size ≤ bounds.items`, `tokens ≤ bounds.tokens`; a tenant's items of one bucket and priority leave in the order of their arrival.
 */
import { WaitQueue, type Place } from '../../limits/wait-queue.ts'

export interface Waiting {
  readonly tokens: number
  readonly tenant: string
  readonly priority: number
  readonly arrivedAtMs: number
  /** Computed by itself, whatever its length. */
  readonly alone: boolean
}

export interface Bounds {
  readonly items: number
  readonly tokens: number
}

/** What became of an item at the door. */
export type Admission<T> =
  | { readonly admitted: true; readonly pushedOut: readonly T[] }
  | { readonly admitted: false; readonly cause: 'queue-full' | 'too-large' }

/** One level of priority; chosen: longer than queues are, shorter than people's patience. */
const levelMs = 10_000
/** Between tenants: how many times the share one level is worth; chosen. Beyond so many levels it makes no difference. */
const levelShare = 4
const mostLevels = 8
/** Fewer places of left items than these are not worth the work; chosen. */
const tidyAtLeast = 32

interface Tenant<T> {
  readonly name: string
  readonly weight: number
  /** Virtual time: where its next item starts. */
  virtual: number
  tokens: number
  items: number
  /** By length bucket. */
  readonly lines: Map<number, WaitQueue<T>>
  /** In order of arrival; those that have left are still there until they are many. */
  arrivals: T[]
}

interface Seat<T> {
  readonly tenant: Tenant<T>
  readonly bucket: number
  readonly place: Place<T>
}

/** Items of one bucket differ in length by at most the square root of two, so that padding wastes less than a third. */
export function bucketOf(tokens: number): number {
  return Math.floor(2 * Math.log2(Math.max(1, tokens)))
}

export class FairQueue<T extends Waiting> {
  readonly bounds: Bounds
  readonly #weightOf: (tenant: string) => number
  readonly #seats = new Map<T, Seat<T>>()
  /** Those with items, and those that have been served beyond the virtual time of the moment. */
  readonly #tenants = new Map<string, Tenant<T>>()
  #virtual = 0
  #tokens = 0

  /** @param weightOf above 0 */
  constructor(bounds: Bounds, weightOf: (tenant: string) => number = () => 1) {
    this.bounds = bounds
    this.#weightOf = weightOf
  }

  get size(): number {
    return this.#seats.size
  }

  get tokens(): number {
    return this.#tokens
  }

  /** Tenants of which something is remembered. */
  get remembered(): number {
    return this.#tenants.size
  }

  /** How many items of that tenant wait. */
  itemsOf(tenant: string): number {
    return this.#tenants.get(tenant)?.items ?? 0
  }

  /** The items in order of arrival. */
  [Symbol.iterator](): IterableIterator<T> {
    return this.#seats.keys()
  }

  add(item: T): Admission<T> {
    if (item.tokens > this.bounds.tokens || this.bounds.items < 1) return { admitted: false, cause: 'too-large' }
    const tenant = this.#tenantOf(item.tenant)
    const pushedOut = this.#makeRoom(item, tenant)
    if (!pushedOut) {
      this.#forgetIdle(tenant)
      return { admitted: false, cause: 'queue-full' }
    }
    for (const other of pushedOut) this.remove(other)
    // Asked for anew: with nothing left in the queue, all tenants have been forgotten.
    this.#put(item, this.#tenantOf(item.tenant))
    return { admitted: true, pushedOut }
  }

  /** Puts an item back that had left, at its old place in the order; the bounds do not count for it. */
  putBack(item: T): void {
    this.#put(item, this.#tenantOf(item.tenant))
  }

  /** Takes an item out; false when it was out already. */
  remove(item: T): boolean {
    const seat = this.#seats.get(item)
    if (!seat) return false
    const { tenant, bucket, place } = seat
    const line = tenant.lines.get(bucket)
    line?.remove(place)
    if (line?.size === 0) tenant.lines.delete(bucket)
    this.#seats.delete(item)
    tenant.items--
    tenant.tokens -= item.tokens
    this.#tokens -= item.tokens
    this.#tidy(tenant)
    this.#forgetIdle(tenant)
    return true
  }

  /** Takes the next batch: empty when nothing waits. */
  take(most: Bounds): T[] {
    const tenant = this.#behind(() => true)
    if (!tenant) return []
    const first = headOf(tenant)
    const bucket = bucketOf(first.tokens)
    const batch = [first]
    this.#serve(first, tenant)
    if (first.alone) return batch
    let longest = first.tokens
    while (batch.length < most.items) {
      const next = this.#behind((other) => other.lines.has(bucket))
      const item = next?.lines.get(bucket)?.head
      if (!next || item === undefined || item.alone) break
      longest = Math.max(longest, item.tokens)
      if (longest * (batch.length + 1) > most.tokens) break
      batch.push(item)
      this.#serve(item, next)
    }
    return batch
  }

  #put(item: T, tenant: Tenant<T>): void {
    const bucket = bucketOf(item.tokens)
    let line = tenant.lines.get(bucket)
    if (!line) tenant.lines.set(bucket, (line = new WaitQueue<T>()))
    if (tenant.items === 0) tenant.virtual = Math.max(tenant.virtual, this.#virtual)
    this.#seats.set(item, { tenant, bucket, place: line.add(item, -urgency(item)) })
    tenant.arrivals.push(item)
    tenant.items++
    tenant.tokens += item.tokens
    this.#tokens += item.tokens
  }

  #serve(item: T, tenant: Tenant<T>): void {
    this.#virtual = Math.max(this.#virtual, tenant.virtual)
    const level = Math.min(mostLevels, Math.max(-mostLevels, item.priority))
    tenant.virtual += item.tokens / (tenant.weight * levelShare ** level)
    this.remove(item)
  }

  /** The tenant with the least virtual time of those that are asked for. */
  #behind(wanted: (tenant: Tenant<T>) => boolean): Tenant<T> | undefined {
    let found: Tenant<T> | undefined
    for (const tenant of this.#tenants.values()) {
      if (tenant.items > 0 && (!found || tenant.virtual < found.virtual) && wanted(tenant)) found = tenant
    }
    return found
  }

  /** Whom to push out, so that the item fits: nobody where there is room; undefined where it must not have any. */
  #makeRoom(item: T, tenant: Tenant<T>): readonly T[] | undefined {
    let items = this.size + 1 - this.bounds.items
    let tokens = this.#tokens + item.tokens - this.bounds.tokens
    if (items <= 0 && tokens <= 0) return []
    const own = this.#share(tenant, tenant.items + 1, tenant.tokens + item.tokens)
    const largest = this.#largest()
    if (!largest || largest === tenant) return undefined
    const out: T[] = []
    let { items: leftItems, tokens: leftTokens } = largest
    for (let at = largest.arrivals.length - 1; at >= 0 && (items > 0 || tokens > 0); at--) {
      const newest = largest.arrivals[at] as T
      if (!this.#seats.has(newest)) continue
      leftItems--
      leftTokens -= newest.tokens
      // Whoever is pushed out has more than whoever comes, also afterwards: else they would push each other out in turn.
      if (this.#share(largest, leftItems, leftTokens) < own) return undefined
      out.push(newest)
      items--
      tokens -= newest.tokens
    }
    return items <= 0 && tokens <= 0 ? out : undefined
  }

  #largest(): Tenant<T> | undefined {
    let found: Tenant<T> | undefined
    let most = 0
    for (const tenant of this.#tenants.values()) {
      const share = this.#share(tenant, tenant.items, tenant.tokens)
      if (share > most) [found, most] = [tenant, share]
    }
    return found
  }

  /** How much of the queue that would be, by weight. */
  #share({ weight }: Tenant<T>, items: number, tokens: number): number {
    return Math.max(items / this.bounds.items, tokens / this.bounds.tokens) / weight
  }

  #tenantOf(name: string): Tenant<T> {
    let tenant = this.#tenants.get(name)
    if (!tenant) {
      tenant = { name, weight: this.#weightOf(name), virtual: this.#virtual, tokens: 0, items: 0, lines: new Map(), arrivals: [] }
      this.#tenants.set(name, tenant)
    }
    return tenant
  }

  #tidy(tenant: Tenant<T>): void {
    if (tenant.arrivals.length > 2 * tenant.items + tidyAtLeast)
      tenant.arrivals = tenant.arrivals.filter((item) => this.#seats.has(item))
  }

  /** A tenant without items is remembered only while it has had more than its share. */
  #forgetIdle(tenant: Tenant<T>): void {
    if (this.size === 0) {
      this.#tenants.clear()
      this.#virtual = 0
    } else if (tenant.items === 0 && tenant.virtual <= this.#virtual) this.#tenants.delete(tenant.name)
    else if (this.#tenants.size > 2 * this.size + tidyAtLeast) {
      for (const other of this.#tenants.values())
        if (other.items === 0 && other.virtual <= this.#virtual) this.#tenants.delete(other.name)
    }
  }
}

/** When it came, or would have come had it waited for its priority. Smaller is more urgent. */
function urgency({ arrivedAtMs, priority }: Waiting): number {
  return arrivedAtMs - priority * levelMs
}

function headOf<T extends Waiting>(tenant: Tenant<T>): T {
  let found: T | undefined
  for (const line of tenant.lines.values()) {
    const { head } = line
    if (head && (!found || urgency(head) < urgency(found))) found = head
  }
  return found as T
}
