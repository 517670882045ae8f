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
import { tooManyAside } from './native.ts'
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
  /** Something that it has sent cannot be read here. */
  unread(worker: PoolWorker, error: Error): void
}

/** A worker that cannot be ended, as in native code that never returns, must not hold up whoever waits for the end. */
const longestEndMs = 4_000
/** Workers inside native calls that nobody waits for: each may take a core. As many as the pool has, but at least these. */
const leastMostAside = 4
const lookAsideMs = 100
/** Long enough for most asynchronous native work that was under way as well. */
const lingerAsideMs = 5_000

export class WorkerSet {
  readonly watch: Watch
  /** One cell: how many could take something. Workers see it; see `forks.ts`. */
  readonly idle = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  readonly #settings: CrewSettings
  readonly #events: CrewEvents
  readonly #workers = new Set<PoolWorker>()
  /** Ended for the pool, but still inside a native call: each ends when it answers. They keep nothing alive. */
  readonly #aside = new Set<PoolWorker>()

  constructor(settings: CrewSettings, events: CrewEvents) {
    this.#settings = settings
    this.#events = events
    this.watch = new Watch(settings.graceMs, (worker) => this.kill(worker))
  }

  [Symbol.iterator](): IterableIterator<PoolWorker> {
    return this.#workers.values()
  }

  has(worker: PoolWorker): boolean {
    return this.#workers.has(worker)
  }

  /** How many items of the job have been handed out and have not started. */
  ahead(job: Job): number {
    let items = 0
    for (const worker of this.#workers) items += worker.ahead(job)
    return items
  }

  get busy(): boolean {
    return [...this.#workers].some((worker) => !worker.idle)
  }

  /**
   * An idle worker; else a new one; else one where a second batch may wait. What a worker has forked goes where it begins at once: also to a worker
   * that waits for forks of the same tree; else behind the one task of the same tree that another worker runs, so that it goes on without this thread.
   * @throws as {@link start} does
   */
  workerFor(job: Job): PoolWorker | undefined {
    let waiting: PoolWorker | undefined
    let ofTree: PoolWorker | undefined
    const { exact } = this.#settings
    const { fork } = job.work
    for (const worker of this.#workers) {
      if (!worker.usable) continue
      if (worker.idle) return worker
      if (fork) {
        if (worker.worksFor(fork.tree)) {
          if (worker.waits) ofTree = worker
          else if (!exact && worker !== fork.from && worker.posted.size < 2) waiting = worker
        }
      } else if (worker.takesMore(job, exact) && (!waiting || worker.posted.size < waiting.posted.size)) waiting = worker
    }
    return ofTree ?? this.another() ?? waiting
  }

  /** A new worker, while there is a place for one. @throws as {@link start} does */
  another(): PoolWorker | undefined {
    const live = this.#live()
    if (live >= this.#settings.size || (live > 0 && this.#aside.size >= this.#mostAside)) return undefined
    return this.#start()
  }

  /** Starts workers until every place is taken. @throws as {@link start} does */
  fill(): void {
    while (this.#live() < this.#settings.size) this.#start()
  }

  /** When the workers that are being ended have made room for others. */
  async settled(): Promise<void> {
    const ending = [...this.#workers].filter(({ killed }) => killed)
    await Promise.all(ending.map((worker) => new Promise<void>((resolve) => this.#whenGone(worker, resolve))))
  }

  #whenGone(worker: PoolWorker, run: () => void): void {
    const { onGone } = worker
    worker.onGone = () => {
      onGone?.()
      run()
    }
  }

  get #mostAside(): number {
    return Math.max(leastMostAside, this.#settings.size)
  }

  /** How many workers could take something at once: idle ones, and places where one could start. */
  get free(): number {
    let free = this.#aside.size >= this.#mostAside ? 0 : this.#settings.size - this.#live()
    for (const worker of this.#workers) if (worker.usable && (worker.idle || worker.waits)) free++
    return free
  }

  #live(): number {
    let live = 0
    for (const worker of this.#workers) if (!worker.retiring) live++
    return live
  }

  /** @throws when not even the file in which workers start is found */
  #start(): PoolWorker {
    if (this.#aside.size >= this.#mostAside) tooManyAside(this.#aside.size)
    const worker = new PoolWorker(this.#settings.exact ? 'process' : 'thread', (worker) =>
      this.#settings.open(
        { memoryLimitMb: this.#settings.memoryLimitMb, slots: this.#settings.size, idle: this.idle },
        {
          message: (message) => this.#events.message(worker, message),
          unread: (error) => this.#events.unread(worker, error),
          exit: (exit) => {
            this.#aside.delete(worker)
            if (this.#workers.delete(worker)) this.#events.gone(worker, exit)
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
    if (worker.link.progress()?.native && worker.link.end()) return this.#setAside(worker)
    worker.link.ref()
    worker.link.kill()
  }

  #setAside(worker: PoolWorker): void {
    const { link } = worker
    const held = !worker.idle
    for (const posted of worker.posted.values()) {
      posted.revoked = link.revoke(posted.id)
      if (!posted.revoked) this.watch.stop(worker, posted)
    }
    this.#workers.delete(worker)
    this.#aside.add(worker)
    link.unref()
    this.#events.gone(worker, { code: undefined, reason: 'it was set aside inside a native call', error: undefined })
    if (held) worker.onGone?.()
    this.#endWhenAnswered(worker)
  }

  /** It ends by itself, unless its functions left something behind that keeps it alive. */
  #endWhenAnswered(worker: PoolWorker, answeredMs = 0): void {
    const timer = setTimeout(() => {
      if (!this.#aside.has(worker)) return
      const ms = worker.link.answered() ? answeredMs + lookAsideMs : 0
      if (ms > lingerAsideMs) worker.link.kill()
      else this.#endWhenAnswered(worker, ms)
    }, lookAsideMs)
    timer.unref()
  }

  /** Ends all of them, and waits until they have ended. */
  async end(): Promise<void> {
    const ends = [...this.#workers].map((worker) => new Promise<void>((resolve) => this.#whenGone(worker, resolve)))
    for (const worker of this.#workers) this.kill(worker)
    if (ends.length === 0) return
    let timer: NodeJS.Timeout | undefined
    await Promise.race([Promise.all(ends), new Promise((resolve) => (timer = setTimeout(resolve, longestEndMs)))])
    clearTimeout(timer)
  }
}
