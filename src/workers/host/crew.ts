/**
 * The workers of a pool: started when they are needed, watched while they work, ended when they must be.
 *
 * Invariant: `workers that hold a place ≤ size`. One that only waits for stuck functions to end holds none, so that such functions
 * cannot block the pool.
 */
import { clearTimeout, setTimeout } from '../../base/globals.js'
import type { LinkExit, OpenLink } from './link.ts'
import type { WorkerMessage } from '../protocol.ts'
import type { Job, Posted } from './job.ts'
import { Watch } from './watch.ts'
import { PoolWorker } from './worker.ts'

export interface CrewSettings {
  readonly size: number
  readonly open: OpenLink
  /** One call at a time per worker, because nothing shows which of several had started. */
  readonly exact: boolean
  readonly graceMs: number
  readonly memoryLimitMb: number | undefined
}

export interface CrewEvents {
  message(worker: PoolWorker, message: WorkerMessage): void
  /** It is no longer among the workers. */
  gone(worker: PoolWorker, exit: LinkExit): void
}

/** A worker that cannot be ended, as in native code that never returns, must not hold up whoever waits for the end. */
const longestEndMs = 4_000

export class Crew {
  readonly watch: Watch
  readonly #settings: CrewSettings
  readonly #events: CrewEvents
  readonly #workers = new Set<PoolWorker>()

  constructor(settings: CrewSettings, events: CrewEvents) {
    this.#settings = settings
    this.#events = events
    this.watch = new Watch(settings.graceMs, (worker) => this.kill(worker))
  }

  [Symbol.iterator](): IterableIterator<PoolWorker> {
    return this.#workers.values()
  }

  get busy(): boolean {
    return [...this.#workers].some((worker) => !worker.idle)
  }

  /** An idle worker; else a new one; else one where a second batch may wait. @throws as {@link start} does */
  workerFor(job: Job): PoolWorker | undefined {
    let waiting: PoolWorker | undefined
    for (const worker of this.#workers) {
      if (!worker.usable) continue
      if (worker.idle) return worker
      if (worker.takesMore(job, this.#settings.exact) && (!waiting || worker.posted.size < waiting.posted.size)) waiting = worker
    }
    return this.#live() < this.#settings.size ? this.#start() : waiting
  }

  /** Starts workers until every place is taken. @throws as {@link start} does */
  fill(): void {
    while (this.#live() < this.#settings.size) this.#start()
  }

  #live(): number {
    let live = 0
    for (const worker of this.#workers) if (!worker.retiring) live++
    return live
  }

  /** @throws when not even the file in which workers start is found */
  #start(): PoolWorker {
    const worker = new PoolWorker((worker) =>
      this.#settings.open(
        { memoryLimitMb: this.#settings.memoryLimitMb },
        {
          message: (message) => this.#events.message(worker, message),
          exit: (exit) => {
            this.#workers.delete(worker)
            this.#events.gone(worker, exit)
            worker.onGone?.()
          },
        },
      ),
    )
    this.#workers.add(worker)
    worker.link.unref()
    return worker
  }

  /** The batch is at the worker no more, or never was. */
  forget(worker: PoolWorker, posted: Posted): void {
    this.watch.forget(posted)
    worker.posted.delete(posted.id)
    if (worker.idle) worker.link.unref()
  }

  kill(worker: PoolWorker): void {
    if (worker.killed) return
    worker.killed = true
    worker.link.ref()
    worker.link.kill()
  }

  /** Ends all of them, and waits until they have ended. */
  async end(): Promise<void> {
    const ends = [...this.#workers].map((worker) => new Promise<void>((resolve) => (worker.onGone = resolve)))
    for (const worker of this.#workers) this.kill(worker)
    if (ends.length === 0) return
    let timer: NodeJS.Timeout | undefined
    await Promise.race([Promise.all(ends), new Promise((resolve) => (timer = setTimeout(resolve, longestEndMs)))])
    clearTimeout(timer)
  }
}
