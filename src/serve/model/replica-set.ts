/** The replicas of a model: opened, measured, and found when there is work. */
import { Closed, WorkerStartFailed } from '../../base/errors.ts'
import type { ReplicaHandle } from '../replica/handle.ts'
import type { Measured, ReplicaStats } from '../stats.ts'
import type { BatchLimits } from '../queue/chunks.ts'
import { type Layout, layoutsFor, measure } from './measure.ts'
import { ReplicaSlot } from './replica-slot.ts'
import type { ModelSettings } from './settings.ts'

/** Requests may wait for the replica that is being measured; chosen. */
const inServiceMs = 500
/** Each replica computes so many inputs of warm-up before it takes work: the first calls of an engine are slower. */
const warmItems = 2

export interface CrewEvents {
  /** One of them can take work. */
  ready(): void
  failed(error: unknown): void
}

export class ReplicaSet {
  readonly #settings: ModelSettings
  readonly #events: CrewEvents
  #seats: ReplicaSlot[] = []
  #threads = 0
  #replicas = 0
  /** Not before it has been measured. */
  #serving = false
  #closed = false
  /** What is put together. */
  limits: BatchLimits
  measured: readonly Measured[] = []
  lastMemoryBytes = 0
  /** Called when a replica is open, or cannot be. */
  #waiting: { readonly ready: () => void; readonly failed: (error: unknown) => void } | undefined

  constructor(settings: ModelSettings, events: CrewEvents) {
    this.#settings = settings
    this.#events = events
    const { batchItems, batchTokens } = settings
    this.limits = { items: batchItems === 'auto' ? 1 : batchItems, tokens: batchTokens }
  }

  /** The least busy replica that can take a batch. */
  free(but?: ReplicaSlot): ReplicaSlot | undefined {
    if (!this.#serving) return undefined
    let found: ReplicaSlot | undefined
    for (const seat of this.#working) {
      if (seat === but || seat.reserved || !seat.handle || seat.underWay >= this.#settings.slots || !seat.breaker.ready) continue
      if (!found || seat.underWay < found.underWay) found = seat
    }
    return found
  }

  /** Those that get work: the first open ones, as many as there are to be; the rest is spare. */
  get #working(): readonly ReplicaSlot[] {
    if (this.#settings.spare === 0) return this.#seats
    return this.#seats.filter(({ handle, breaker }) => handle && breaker.state !== 'open').slice(0, this.#replicas)
  }

  /** Some replica takes work, or will in a moment. */
  get fit(): boolean {
    return this.#seats.some((seat) => seat.breaker.ready || seat.breaker.state === 'half-open')
  }

  /** No replica is open or being opened. */
  get dead(): boolean {
    return this.#seats.every((seat) => seat.state === 'backing-off')
  }

  /** How many replicas are open and get work. */
  get live(): number {
    return this.#working.filter((seat) => seat.handle).length
  }

  get stats(): readonly ReplicaStats[] {
    const working = this.#working
    return this.#seats.map((seat) => {
      const { stats } = seat
      return stats.state === 'idle' && !working.includes(seat) ? { ...stats, state: 'spare' } : stats
    })
  }

  get memoryBytes(): number {
    return this.#seats.reduce((sum, { handle }) => sum + (handle?.memoryBytes ?? 0), 0)
  }

  /** Opens replicas, and measures how they run best. @throws what `open` threw */
  async open(): Promise<void> {
    const { cores, size, threads, slots, warmUp, runs, batchItems, measureMs } = this.#settings
    const layouts = layoutsFor(cores, size, threads, slots)
    const [first] = layouts
    if (!runs || warmUp.length === 0 || this.measured.length > 0 || (layouts.length === 1 && batchItems !== 'auto')) {
      const known = this.measured.find(({ chosen }) => chosen)
      await this.#layOut(known ?? (first as Layout))
    } else {
      const open = (layout: Layout): Promise<readonly ReplicaHandle[]> => this.#layOut(layout)
      this.measured = await measure({ ...this.#settings, layouts, samples: warmUp, budgetMs: measureMs, open })
      const chosen = this.#choose()
      if (chosen) await this.#layOut(chosen)
    }
    if (this.#closed) throw closedError(this.#settings.name)
    this.lastMemoryBytes = this.memoryBytes
    this.#serving = true
  }

  /** Ends it for good, also while it is being opened. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true
    this.#waiting?.failed(closedError(this.#settings.name))
    await this.end(graceMs)
  }

  /**
   * Measures the batch size on inputs that have come, at one replica that is idle, while the others go on. False where none is idle. What goes wrong changes
   * nothing.
   */
  async measureBatch(samples: readonly unknown[]): Promise<boolean> {
    const seat = this.free()
    const handle = seat?.handle
    if (!seat || !handle || seat.underWay > 0) return false
    seat.reserved = true
    const layout = { replicas: this.#replicas, threads: this.#threads }
    try {
      const rows = await measure({
        ...this.#settings,
        layouts: [layout],
        samples,
        budgetMs: inServiceMs,
        open: async () => [handle],
      })
      // One replica was measured; all of them together are said to do as much each.
      this.measured = rows.map((row) => ({ ...row, itemsPerSecond: row.itemsPerSecond * layout.replicas }))
      this.#choose()
    } catch {
      // The replica died of something else; what comes is served as before.
    }
    seat.reserved = false
    return true
  }

  #choose(): Measured | undefined {
    const chosen = this.measured.find((row) => row.chosen)
    if (chosen) this.limits = { items: chosen.batch, tokens: chosen.tokens }
    return chosen
  }

  async end(graceMs: number): Promise<void> {
    this.#serving = false
    const seats = this.#seats
    this.#seats = []
    await Promise.all(seats.map((seat) => seat.end(graceMs)))
  }

  /** As many open replicas with as many threads each: those that fit stay. */
  async #layOut({ replicas, threads }: Layout): Promise<readonly ReplicaHandle[]> {
    if (threads !== this.#threads) await this.end(this.#settings.endGraceMs)
    if (this.#closed) throw closedError(this.#settings.name)
    this.#threads = threads
    this.#replicas = replicas
    const seats = replicas + this.#settings.spare
    const surplus = this.#seats.splice(seats)
    await Promise.all(surplus.map((seat) => seat.end(this.#settings.endGraceMs)))
    while (this.#seats.length < seats) this.#seats.push(this.#seat(this.#seats.length, threads))
    await this.#allOpen()
    return this.#working.flatMap(({ handle }) => handle ?? [])
  }

  async #allOpen(): Promise<void> {
    while (this.#seats.some(({ handle }) => !handle)) {
      await new Promise<void>((resolve, reject) => (this.#waiting = { ready: resolve, failed: reject }))
      this.#waiting = undefined
    }
  }

  #seat(id: number, threads: number): ReplicaSlot {
    const { name, open, clock, breaker, warmUp, runs, batchTokens } = this.#settings
    const warm = async (handle: ReplicaHandle): Promise<void> => {
      if (!runs || warmUp.length === 0) return
      const { errors } = await handle.run(warmUp.slice(0, warmItems), { items: 1, tokens: batchTokens }).done
      const [failed] = errors
      if (failed && errors.length === Math.min(warmItems, warmUp.length))
        throw new WorkerStartFailed(`The model "${name}" failed on its own \`warmUp\` inputs`, { cause: failed.error })
    }
    return new ReplicaSlot(
      id,
      { model: name, open, clock, breaker, threads, warm },
      {
        ready: () => {
          this.#waiting?.ready()
          this.#events.ready()
        },
        failed: (error) => {
          this.#waiting?.failed(error)
          this.#events.failed(error)
        },
      },
    )
  }
}

function closedError(name: string): Closed {
  return new Closed(`The model "${name}" was closed while it was being opened`)
}
