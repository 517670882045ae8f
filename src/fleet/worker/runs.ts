/** What a worker knows of the runs whose batches it gets: their records are the truth, looked at once a second while something of them is here. */
import { performance } from '../../base/globals.js'
import type { Store } from '../engine/store.ts'
import { clientDeadMs, keptMs } from '../protocol/constants.ts'
import { Liveness } from '../protocol/liveness.ts'

export type RunState = 'alive' | 'cancelled' | 'gone'

/** As long as a record is believed; chosen, as the time within which a cancellation arrives where its event is lost. */
const believedMs = 1_000
const mostKnown = 10_000

export class KnownRuns {
  readonly #store: Store
  readonly #alive = new Liveness(clientDeadMs)
  readonly #kept = new Liveness(keptMs)
  readonly #known = new Map<string, { readonly state: RunState; readonly at: number }>()
  readonly #asking = new Map<string, Promise<RunState>>()

  constructor(store: Store) {
    this.#store = store
  }

  /** As the record says it now, where something may have changed: of a run that is over. */
  async stateAtEnd(run: string): Promise<RunState> {
    const known = await this.state(run)
    return known === 'alive' ? known : this.#ask(run)
  }

  state(run: string): RunState | Promise<RunState> {
    const known = this.#known.get(run)
    if (known && performance.now() - known.at < believedMs) return known.state
    let asking = this.#asking.get(run)
    if (!asking) {
      asking = this.#ask(run).finally(() => this.#asking.delete(run))
      this.#asking.set(run, asking)
    }
    return asking
  }

  /** An event says so; the record will say it too. */
  cancelled(run: string): void {
    this.#note(run, 'cancelled')
  }

  async #ask(run: string): Promise<RunState> {
    const record = await this.#store.runs.get(run)
    const now = performance.now()
    const alive = isKept(record?.data) ? this.#kept : this.#alive
    if (!record || !alive.look(run, record.beat, now)) return this.#note(run, 'gone')
    const cancelled = (record.data as { readonly cancelled?: unknown } | null)?.cancelled === true
    return this.#note(run, cancelled ? 'cancelled' : 'alive')
  }

  #note(run: string, state: RunState): RunState {
    this.#known.delete(run)
    this.#known.set(run, { state, at: performance.now() })
    const [oldest] = this.#known.keys()
    if (this.#known.size > mostKnown && oldest !== undefined) this.#known.delete(oldest)
    return state
  }
}

/** Its client will come again, if it dies: a journal says where it was. */
export const isKept = (data: unknown): boolean => (data as { readonly kept?: unknown } | null | undefined)?.kept === true
