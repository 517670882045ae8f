/** The batches that a worker has, each with its lock: what may be somebody else's by now is stopped, by this machine's own clock. */
import { clearInterval, performance, setInterval } from '../../base/globals.js'
import { Cancelled } from '../../base/errors.ts'
import { WorkerLost } from '../protocol/errors.ts'
import { Lease } from '../protocol/lease.ts'
import type { FetchedJob } from '../engine/store.ts'
import type { BatchRun } from './batch-run.ts'

interface Running {
  readonly run: BatchRun
  readonly lease: Lease
  /** Of the batch in its run. */
  readonly number: number
  ended: Promise<unknown> | undefined
}

const fenceCheckMs = 250

export class RunningBatches {
  readonly #running = new Map<string, Running>()
  readonly #fenced: () => void
  #timer: NodeJS.Timeout | undefined

  /** @param fenced a batch was stopped because its lock may be somebody else's */
  constructor(fenced: () => void) {
    this.#fenced = fenced
  }

  get size(): number {
    return this.#running.size
  }

  /** Ids of their runs. */
  get runs(): ReadonlySet<string> {
    return new Set([...this.#running.values()].map(({ run }) => run.message.run))
  }

  watch(): void {
    this.#timer = setInterval(() => {
      const now = performance.now()
      for (const [job, { lease }] of this.#running) if (lease.lost(now)) this.#fence(job)
    }, fenceCheckMs)
  }

  /** From here on its lock is watched. */
  add(job: FetchedJob, run: BatchRun): void {
    const number = Number(job.id.slice(job.id.lastIndexOf('-') + 1))
    this.#running.set(job.id, { run, lease: new Lease(job.fetchedAt), number, ended: undefined })
  }

  /** @param ended when nothing of it runs any more */
  begun(job: FetchedJob, ended: Promise<unknown>): void {
    const running = this.#running.get(job.id)
    if (running) running.ended = ended
  }

  /** It is still this machine's. */
  has(job: FetchedJob): boolean {
    return this.#running.has(job.id)
  }

  remove(job: FetchedJob): void {
    this.#running.delete(job.id)
  }

  renew(jobs: readonly string[], sentAt: number): void {
    for (const job of jobs) this.#running.get(job)?.lease.renew(sentAt)
  }

  /** They are somebody else's. */
  lost(jobs: readonly string[]): void {
    for (const job of jobs) this.#fence(job)
  }

  #fence(job: string): void {
    const running = this.#running.get(job)
    if (!running) return
    this.#running.delete(job)
    this.#fenced()
    running.run.abort(new WorkerLost('This machine could not renew its lock on the batch: another one may have it'))
  }

  cancelRun(id: string): void {
    for (const { run } of this.#running.values()) if (run.message.run === id) run.abort(new Cancelled('The run was cancelled'))
  }

  /** One call of a batch; `index` counts in its run. */
  cancelCall(id: string, batch: number, index: number): void {
    for (const { run, number } of this.#running.values())
      if (run.message.run === id && number === batch)
        run.abortItem(index - run.message.first, new Cancelled('The caller cancelled the call'))
  }

  /** Stops everything; what may run again is given back. */
  stop(): void {
    for (const { run } of this.#running.values())
      run.abort(new WorkerLost('The machine was drained before the task had ended'), true)
  }

  /** When those that have begun have ended. */
  settled(): Promise<unknown> {
    return Promise.allSettled([...this.#running.values()].map(({ ended }) => ended))
  }

  end(): void {
    clearInterval(this.#timer)
  }
}
