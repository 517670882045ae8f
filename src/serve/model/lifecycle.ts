/**
 * A model is loaded at its first call, may be unloaded when it has nothing to do, and is closed once:
 *
 *     unloaded ──load──▶ loading ──▶ ready ──unload──▶ unloaded
 *         ▲                 │ `open` threw: refused for 1 s, 2 s, … 30 s
 *         └─────────────────┘            closing ──▶ closed, from anywhere
 */
import { toError } from '../../base/errors.ts'
import type { ServedStats } from '../stats.ts'
import type { ReplicaSet } from './replica-set.ts'
import { closed } from './refusals.ts'
import type { Loadable, ModelSettings } from './settings.ts'

/** After a model could not be opened, calls are refused for so long before it is tried again. */
const firstRetryOpenMs = 1_000
const longestRetryOpenMs = 30_000

export interface LifeEvents {
  /** It can take work. */
  open(): void
  /** It could not be opened: nobody who waits will be served. */
  failed(error: unknown): void
}

export class Lifecycle {
  state: ServedStats['state'] = 'unloaded'
  readonly #settings: ModelSettings
  readonly #replicaSet: ReplicaSet
  readonly #events: LifeEvents
  #loading: Promise<void> | undefined
  #failure: { readonly error: unknown; readonly until: number; readonly pauseMs: number } | undefined

  constructor(settings: ModelSettings, replicaSet: ReplicaSet, events: LifeEvents) {
    this.#settings = settings
    this.#replicaSet = replicaSet
    this.#events = events
  }

  /** Takes nothing more. */
  get ending(): boolean {
    return this.state === 'closing' || this.state === 'closed'
  }

  /** What `open` threw a moment ago: it is not tried again yet. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure && this.#settings.clock.now() < this.#failure.until ? this.#failure : undefined
  }

  /** @param model to be told to those who share memory with it; rejects with what `open` threw */
  load(model: Loadable): Promise<void> {
    if (this.ending) return Promise.reject(closed(this.#settings.name))
    const { failure } = this
    if (failure) return Promise.reject(toError(failure.error))
    return (this.#loading ??= this.#load(model))
  }

  async #load(model: Loadable): Promise<void> {
    this.state = 'loading'
    try {
      await this.#settings.room(model)
      await this.#replicaSet.open()
      await this.#settings.loaded(model)
      this.#failure = undefined
      // While it closes, what waits is still served.
      if (this.state === 'loading') this.state = 'ready'
      this.#events.open()
    } catch (error) {
      await this.#settings.loaded(model)
      await this.#replicaSet.end(0)
      this.#loading = undefined
      if (this.state === 'loading') this.state = 'unloaded'
      const pauseMs = Math.min(longestRetryOpenMs, (this.#failure?.pauseMs ?? firstRetryOpenMs / 2) * 2)
      this.#failure = { error, until: this.#settings.clock.now() + pauseMs, pauseMs }
      this.#events.failed(error)
      throw error
    }
  }

  /** Ends its replicas; the next call opens it again. */
  async unload(): Promise<void> {
    if (this.state !== 'ready') return
    this.state = 'unloaded'
    this.#loading = undefined
    await this.#replicaSet.end(this.#settings.endGraceMs)
  }
}
