/**
 * A place for one replica: opens it, and opens it again when it is lost.
 *
 *     starting ──open──▶ idle ⇄ busy ──lost──▶ starting, at once the first time
 *        └──open fails──▶ backing-off ──▶ starting
 *
 * A replica that dies again before it has served anything waits longer each time: 100 ms, 200 ms, … up to ten seconds.
 */
import type { Clock, TimerHandle } from '../../base/clock.ts'
import type { BreakerOptions } from '../../limits/breaker.ts'
import { CircuitBreaker } from '../../limits/breaker.ts'
import type { OpenReplica, Opening, ReplicaExit, ReplicaHandle } from '../replica/handle.ts'
import type { ReplicaStats } from '../stats.ts'
import { RecentSum } from './meter.ts'

const firstPauseMs = 100
const longestPauseMs = 10_000

export interface SeatSettings {
  readonly model: string
  readonly open: OpenReplica
  readonly clock: Clock
  readonly breaker: BreakerOptions
  readonly threads: number
  /** Runs before a replica takes work. A failure of it is one of the replica. */
  readonly warm: (handle: ReplicaHandle) => Promise<void>
}

export interface SeatEvents {
  ready(): void
  /** It could not be opened, and will be tried again. */
  failed(error: unknown): void
}

export class ReplicaSlot {
  readonly id: number
  readonly breaker: CircuitBreaker
  handle: ReplicaHandle | undefined
  /** It is being measured, and takes no work. */
  reserved = false
  /** Batches and streams under way. */
  underWay = 0
  batches = 0
  items = 0
  restarts = 0
  readonly #settings: SeatSettings
  readonly #events: SeatEvents
  readonly #busy: RecentSum
  #busySince = 0
  #opening: Opening | undefined
  #timer: TimerHandle | undefined
  /** Losses in a row, with nothing served in between. */
  #losses = 0
  #ended = false

  constructor(id: number, settings: SeatSettings, events: SeatEvents) {
    this.id = id
    this.#settings = settings
    this.#events = events
    this.#busy = new RecentSum(settings.clock.now())
    const name = `the circuit breaker of replica ${id} of "${settings.model}"`
    this.breaker = new CircuitBreaker({ name, ...settings.breaker }, settings.clock)
    this.#start()
  }

  /** It could take work now, or will without anybody's doing. */
  get state(): ReplicaStats['state'] {
    if (this.handle) return this.underWay > 0 ? 'busy' : 'idle'
    return this.#timer === undefined ? 'starting' : 'backing-off'
  }

  begin(items: number): void {
    if (this.underWay++ === 0) this.#busySince = this.#settings.clock.now()
    this.batches++
    this.items += items
  }

  finish(): void {
    if (--this.underWay > 0) return
    this.#countBusy()
  }

  /** It has served something: the next loss is a first one. */
  served(): void {
    this.#losses = 0
  }

  get stats(): ReplicaStats {
    if (this.underWay > 0) this.#countBusy()
    const { id, state, batches, items, restarts } = this
    const busy = Math.min(1, this.#busy.rate(this.#settings.clock.now()) / 1_000)
    return { id, state, pid: this.handle?.pid, busy, batches, items, restarts, breaker: this.breaker.state }
  }

  /** Ends the replica that is there; another one is started. */
  replace(): void {
    this.handle?.kill()
  }

  async end(graceMs: number): Promise<void> {
    this.#ended = true
    if (this.#timer !== undefined) this.#settings.clock.cancel(this.#timer)
    const { handle } = this
    this.handle = undefined
    if (handle) await handle.end(graceMs)
    else this.#opening?.kill()
  }

  #countBusy(): void {
    const now = this.#settings.clock.now()
    this.#busy.add(now - this.#busySince, now)
    this.#busySince = now
  }

  #start(): void {
    this.#timer = undefined
    const { open, threads, warm } = this.#settings
    let lost: ReplicaExit | undefined
    let taken = false
    const opening = open({ replica: this.id, threads }, (exit) => {
      lost = exit
      if (taken) this.#lose()
    })
    this.#opening = opening
    opening.handle
      .then(async (handle) => {
        await warm(handle)
        if (this.#ended) return void handle.end(0)
        if (lost) throw lost.error
        taken = true
        this.handle = handle
        this.#events.ready()
      })
      .catch((error: unknown) => {
        if (this.#ended) return
        opening.kill()
        this.#again()
        this.#events.failed(error)
      })
  }

  #lose(): void {
    if (this.#ended) return
    this.handle = undefined
    this.#again()
  }

  #again(): void {
    this.restarts++
    const pause = this.#losses === 0 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#losses - 1))
    this.#losses++
    if (pause === 0) this.#start()
    else this.#timer = this.#settings.clock.schedule(pause, () => this.#start())
  }
}
