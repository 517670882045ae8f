/** Which workers are alive, as one client sees it: their records, looked at every few seconds. */
import { clearTimeout, performance, setTimeout } from '../../base/globals.js'
import type { LiveRecord, Store } from '../engine/store.ts'
import type { ModuleBuild } from '../naming/names.ts'
import { beatMs, workerDeadMs } from '../protocol/constants.ts'
import { Liveness } from '../protocol/liveness.ts'

/** What a worker says of itself. */
export interface WorkerInfo {
  readonly host: string
  readonly pid: number
  readonly slots: number
  readonly modules: readonly ModuleBuild[]
  /** In the order of `modules`. */
  readonly queues: readonly string[]
  readonly draining?: true
}

/** A worker that has a record, with its id. */
export interface LiveWorker extends WorkerInfo {
  readonly id: string
}

/** While nobody is there, somebody is waited for. */
const impatientMs = 500

export class Roster {
  readonly #store: Store
  readonly #changed: () => void
  readonly #alive = new Liveness(workerDeadMs)
  #workers: readonly LiveWorker[] = []
  #timer: NodeJS.Timeout | undefined
  #wanted = 0
  #ended = false

  constructor(store: Store, changed: () => void) {
    this.#store = store
    this.#changed = changed
  }

  get workers(): readonly LiveWorker[] {
    return this.#workers
  }

  get slots(): number {
    return this.#workers.reduce((sum, { slots, draining }) => sum + (draining ? 0 : slots), 0)
  }

  slotsOf(queue: string): number {
    return this.#workers.reduce((sum, { slots, queues, draining }) => sum + (!draining && queues.includes(queue) ? slots : 0), 0)
  }

  /** Looks again and again for as long as somebody wants to know. Gives what ends that. */
  watch(): () => void {
    if (this.#wanted++ === 0) this.#schedule(impatientMs)
    let over = false
    return () => {
      if (over) return
      over = true
      if (--this.#wanted === 0) clearTimeout(this.#timer)
    }
  }

  async look(): Promise<void> {
    const now = performance.now()
    const records = await this.#store.workers.list()
    this.#alive.keep(new Set(records.map(({ id }) => id)))
    this.#workers = records.filter(({ id, beat }) => this.#alive.look(id, beat, now)).flatMap(workerOf)
    this.#changed()
  }

  end(): void {
    this.#ended = true
    clearTimeout(this.#timer)
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer)
    if (this.#ended || this.#wanted === 0) return
    this.#timer = setTimeout(() => {
      this.look()
        .catch(() => {})
        .finally(() => this.#schedule(this.slots === 0 ? impatientMs : beatMs))
    }, ms)
  }
}

/** None where somebody else has written the record. */
export function workerOf({ id, data }: LiveRecord): LiveWorker[] {
  const { host, pid, slots, modules, queues, draining } = (data ?? {}) as Partial<WorkerInfo>
  const isModule = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    ['package', 'module', 'build'].every((key) => typeof (value as Record<string, unknown>)[key] === 'string')
  if (typeof host !== 'string' || typeof pid !== 'number' || typeof slots !== 'number' || !Number.isFinite(slots)) return []
  if (!Array.isArray(modules) || !modules.every(isModule) || !Array.isArray(queues)) return []
  return [{ id, host, pid, slots, modules, queues, ...(draining && { draining }) }]
}
