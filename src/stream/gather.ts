/**
 * The end of a shuffle on this thread: hands what comes of each block to the workers that fold its keys, block after block, and collects what they have
 * come to.
 *
 * Invariants. One call per partition is under way. Blocks come in order, so that each partition gets its chunks in order. While more waits than a
 * buffer may hold, nothing is taken from above.
 */
import { isA } from '../base/look.js'
import type { Chunk, Rows } from '../encoding/encoded.ts'
import { unpackRows } from '../encoding/rows.js'
import { Yielding } from '../run/yielding.ts'
import type { FunctionRef, Place } from '../run/executor.ts'
import { messageBytes } from '../encoding/message-size.js'
import type { Scattered } from '../run/shapes.ts'
import { heldBytes } from '../run/sizes.ts'
import { end } from '../run/source.ts'
import type { Measured } from './blocks.ts'
import { collect } from './collect.ts'
import type { Segment } from './segment.ts'
import { type Polled, Stage } from './stage.ts'

export interface GatherSpec {
  readonly ref: FunctionRef
  readonly shuffle: number
  readonly partitions: number
  readonly start: unknown
  /** Hears how long blocks took. */
  readonly pace: Measured | undefined
  /** Gets every key and its value, in the order in which the input has the keys first. */
  readonly give: (key: unknown, value: unknown) => void
}

/** What a worker gives of its partition at a time. */
interface Taken {
  readonly keys: ArrayLike<unknown>
  readonly values: ArrayLike<unknown> | Rows
  readonly packed: boolean
  readonly order: Float64Array
  readonly over: boolean
}

/** What is being given of one partition. */
interface Head extends Omit<Taken, 'values'> {
  readonly values: ArrayLike<unknown>
  /** How many of them have been given. */
  at: number
  readonly next: Promise<Head> | undefined
}

interface Partition {
  readonly number: number
  readonly place: Place
  /** Chunks that it has not got. */
  queue: (Uint8Array | Chunk | { readonly kept: number })[]
  /** What they weigh, and what those weigh that it is folding. */
  queued: number
  folding: number
  busy: boolean
}

/** Keys that are given between two looks at the clock: less than a millisecond. */
const givenAtOnce = 2_048
/** About what an item weighs that stayed where it is; chosen. */
const keptBytes = 64

export class Gather extends Stage<never> {
  readonly #up: Stage
  readonly #spec: GatherSpec
  readonly #partitions: readonly Partition[]
  #block = 0
  #bytes = 0
  #exhausted = false
  #collecting = false
  #over = false

  constructor(segment: Segment, up: Stage, spec: GatherSpec) {
    super(segment)
    this.#up = up.feed(this)
    this.#spec = spec
    this.#partitions = Array.from({ length: spec.partitions }, (_, number) => ({
      number,
      place: { closed: false },
      queue: [],
      queued: 0,
      folding: 0,
      busy: false,
    }))
    segment.onStop(() => this.#drop())
    // From the beginning on, so that what workers make for themselves stays where it is.
    for (const partition of this.#partitions) this.#fold(partition)
  }

  poll(): Polled<never> {
    this.#collect()
    return this.#over ? end : this.wait()
  }

  wake(): void {
    this.#collect()
  }

  #collect(): void {
    const room = (): boolean => this.#bytes < heldBytes && !this.segment.stopped
    this.#exhausted ||= collect(this.#up, room, (scattered) => this.#divide(scattered as Scattered))
    if (this.#exhausted && !this.#collecting && this.#partitions.every(({ busy }) => !busy)) this.#finish()
  }

  #divide({ chunks, count, ms }: Scattered): void {
    this.#spec.pace?.record(count, ms)
    const block = this.#block++
    for (const partition of this.#partitions) {
      const chunk = chunks[partition.number] ?? null
      if (chunk === null) continue
      const bytes = typeof chunk === 'number' ? chunk * keptBytes : isA(chunk, Uint8Array) ? chunk.length : messageBytes(chunk)
      partition.queue.push(typeof chunk === 'number' ? { kept: block } : chunk)
      partition.queued += bytes
      this.#bytes += bytes
      if (!partition.busy) this.#fold(partition)
    }
  }

  /** Sends what waits for the partition. */
  #fold(partition: Partition): void {
    const { shuffle, start } = this.#spec
    const chunks = partition.queue
    partition.queue = []
    partition.folding = partition.queued
    partition.queued = 0
    partition.busy = true
    this.#call(partition, { does: 'add', shuffle, partition: partition.number, start, chunks }).then(
      () => this.#folded(partition),
      (error: unknown) => this.#failed(error),
    )
  }

  #call({ place }: Partition, message: object): Promise<unknown> {
    const { ref } = this.#spec
    const { segment } = this
    segment.opened()
    return ref.executor.call(ref, [message], { place, cancellation: segment.cancellation }).finally(() => segment.settled())
  }

  #folded(partition: Partition): void {
    this.#bytes -= partition.folding
    partition.busy = false
    if (this.segment.stopped) return
    if (partition.queue.length > 0) this.#fold(partition)
    this.segment.run.enter(() => this.#collect())
  }

  #failed(error: unknown): void {
    if (!this.segment.stopped) this.segment.run.fail(error, 'by')
  }

  #finish(): void {
    this.#collecting = true
    this.#gather().then(
      () => {
        this.#over = true
        this.#drop()
        this.segment.run.enter(() => this.notify())
      },
      (error: unknown) => this.#failed(error),
    )
  }

  /** The keys of all partitions in the order of their first items. */
  async #gather(): Promise<void> {
    const heads = await Promise.all(this.#partitions.map((partition) => this.#take(partition, 0)))
    const rest = heads.filter(({ order }) => order.length > 0)
    const yielding = new Yielding()
    while (rest.length > 0) {
      const used = this.#giveWhileAllHave(rest)
      yielding.look()
      if (yielding.pause) await yielding.pause
      if (!used) continue
      const next = await used.next
      if (next) Object.assign(used, next)
      else rest.splice(rest.indexOf(used), 1)
    }
  }

  /** Until one has nothing more at hand: that one; or for a moment. Millions of keys come through here. */
  #giveWhileAllHave(heads: readonly Head[]): Head | undefined {
    const { give } = this.#spec
    for (let given = 0; given < givenAtOnce; given++) {
      let first = heads[0] as Head
      let least = first.order[first.at] as number
      for (let i = 1; i < heads.length; i++) {
        const head = heads[i] as Head
        const own = head.order[head.at] as number
        if (own >= least) continue
        first = head
        least = own
      }
      give(first.keys[first.at], first.values[first.at])
      if (++first.at === first.order.length) return first
    }
    return undefined
  }

  async #take(partition: Partition, from: number): Promise<Head> {
    const { shuffle } = this.#spec
    const taken = (await this.#call(partition, { does: 'take', shuffle, partition: partition.number, from })) as Taken
    const values = taken.packed ? unpackRows(taken.values as Rows) : (taken.values as ArrayLike<unknown>)
    // The next ones are made ready while these are given.
    const next: Promise<Head> | undefined = taken.over ? undefined : this.#take(partition, from + taken.order.length)
    // The one that waits for it hears of a failure; a run that has ended waits no more.
    next?.catch(() => {})
    return { ...taken, values, at: 0, next }
  }

  /** What the workers hold of it is needed no more. */
  #drop(): void {
    const { ref, shuffle } = this.#spec
    for (const { place, number } of this.#partitions) {
      if (place.closed) continue
      place.closed = true
      // Where the worker has ended, or the pool is closed, nothing is left to drop.
      ref.executor.call(ref, [{ does: 'drop', shuffle, partition: number }], { place }).catch(() => {})
    }
  }
}
