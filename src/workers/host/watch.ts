/**
 * Two-stage cancellation: first the signal reaches the function inside the worker; if the thread is still busy with it after `grace`,
 * that one worker is ended. Also the clock of `timeout` for functions that hold their thread; a worker watches its promises itself.
 */
import { formatMs } from '../../base/duration.ts'
import { TimedOut } from '../../base/errors.ts'
import { packError } from '../thread/wire.js'
import type { Posted } from './job.ts'
import type { PoolWorker } from './worker.ts'

/** The worker's own grace for promises runs first; this is the reserve for its message. */
const marginMs = 50

export class Watch {
  readonly #graceMs: number
  readonly #kill: (worker: PoolWorker) => void

  constructor(graceMs: number, kill: (worker: PoolWorker) => void) {
    this.#graceMs = graceMs
    this.#kill = kill
  }

  post(worker: PoolWorker, posted: Posted): void {
    const { timeoutMs } = posted.job.work
    if (timeoutMs !== undefined) this.#again(posted, timeoutMs, () => this.#checkTimeout(worker, posted, timeoutMs))
  }

  forget(posted: Posted): void {
    clearTimeout(posted.timer)
    posted.timer = undefined
  }

  /** Aborts one item, which then fails with `error` whatever it gives. */
  cancelItem(worker: PoolWorker, posted: Posted, at: number, error: Error): void {
    if (posted.reported[at] || posted.doomed?.has(at)) return
    ;(posted.doomed ??= new Map()).set(at, error)
    worker.link?.control({ type: 'cancel', batch: posted.id, index: at, reason: packError(error) })
    this.#again(posted, this.#graceMs + marginMs, () => {
      const progress = worker.link?.progress()
      const stuck = progress?.looping && progress.batch === posted.id && progress.started === at + 1
      if (stuck && !posted.reported[at]) this.#kill(worker)
      else this.post(worker, posted)
    })
  }

  /** Aborts whatever of the batch has not been reported. True when it had not started, and now never will. */
  cancelAll(worker: PoolWorker, posted: Posted, error: Error): boolean {
    if (worker.link?.revoke(posted.id)) return true
    posted.doomed ??= new Map()
    for (let at = 0; at < posted.reported.length; at++) {
      if (!posted.reported[at] && !posted.doomed.has(at)) posted.doomed.set(at, error)
    }
    worker.link?.control({ type: 'cancel', batch: posted.id, index: -1, reason: packError(error) })
    this.#again(posted, this.#graceMs + marginMs, () => {
      const progress = worker.link?.progress()
      if (progress?.looping && progress.batch === posted.id) this.#kill(worker)
    })
    return false
  }

  #checkTimeout(worker: PoolWorker, posted: Posted, timeoutMs: number): void {
    const progress = worker.link?.progress()
    // Only a loop that holds its thread is watched from here.
    if (!progress || progress.batch > posted.id || (progress.batch === posted.id && !progress.looping)) return
    if (progress.batch < posted.id || progress.started === 0) return this.post(worker, posted)
    const elapsedMs = performance.timeOrigin + performance.now() - progress.startedAt
    const at = progress.started - 1
    // A millisecond of tolerance between two threads' clocks.
    if (elapsedMs < timeoutMs - 1)
      return this.#again(posted, timeoutMs - elapsedMs, () => this.#checkTimeout(worker, posted, timeoutMs))
    const error = new TimedOut(`"${posted.job.ref.name}" did not finish within its timeout of ${formatMs(timeoutMs)}`, {
      clock: 'timeout',
      limitMs: timeoutMs,
    })
    if (posted.doomed?.has(at)) return this.post(worker, posted)
    this.cancelItem(worker, posted, at, error)
  }

  #again(posted: Posted, ms: number, check: () => void): void {
    clearTimeout(posted.timer)
    posted.timer = setTimeout(check, ms)
  }
}
