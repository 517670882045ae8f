/**
 * Two-stage cancellation: first the signal reaches the function inside the worker; if the thread is still busy with it after `grace`,
 * that one worker is ended. Also the clock of `timeout` for functions that hold their thread.
 *
 * A worker keeps both clocks itself for functions that give promises. It is watched from here all the same, because such a
 * function may hold the thread after its first `await`, and then no clock ticks there.
 */
import { clearTimeout, performance, setTimeout } from '../../base/globals.js'
import { fromElsewhere } from '../../base/call-site.ts'
import { formatMs } from '../../base/duration.ts'
import { TimedOut } from '../../base/errors.ts'
import { packError } from '../../encoding/errors.js'
import type { Job, Posted } from './job.ts'
import { nativeHint } from './native.ts'
import type { PoolWorker } from './worker.ts'

/** The worker's own clocks run first; this is the reserve for its message, chosen for a machine that is busy. */
const marginMs = 100
/** How often to see whether a worker has begun to load a module: the clock of `timeout` runs from there. */
const loadingLookMs = 50
/** Node fires a longer timer at once. */
const longestTimerMs = 2 ** 31 - 1

export class Watch {
  readonly #graceMs: number
  readonly #kill: (worker: PoolWorker) => void

  constructor(graceMs: number, kill: (worker: PoolWorker) => void) {
    this.#graceMs = graceMs + marginMs
    this.#kill = kill
  }

  post(worker: PoolWorker, posted: Posted): void {
    const { timeoutMs } = posted.job.work
    if (timeoutMs === undefined) return
    this.#again(worker, posted, worker.hasLoaded(posted.job) ? timeoutMs : Math.min(timeoutMs, loadingLookMs))
  }

  forget(posted: Posted): void {
    clearTimeout(posted.timer)
    posted.timer = undefined
  }

  /** Aborts one item, which then fails with `error` whatever it gives. */
  cancelItem(worker: PoolWorker, posted: Posted, at: number, error: Error): void {
    if (posted.reported[at] || posted.doomed?.has(at)) return
    this.#doom(worker, posted, at, error)
    this.#look(worker, posted)
  }

  /** Aborts whatever of the batch has not been reported. */
  cancelAll(worker: PoolWorker, posted: Posted, error: Error): void {
    doomAll(posted, () => error)
    worker.link.control({ type: 'cancel', batch: posted.id, index: -1, reason: packError(error, worker.link.clones) })
    this.#look(worker, posted)
  }

  /** A batch of the job was taken back. If the worker is still loading a module for it after the grace, and nobody waits for that, it is ended. */
  withdrawn(worker: PoolWorker, job: Job): void {
    if (!worker.isLoading(job)) return
    setTimeout(() => {
      const wanted = [...worker.posted.values()].some(({ job }) => worker.isLoading(job))
      if (!wanted && !worker.killed && worker.isLoading(job)) this.#kill(worker)
    }, this.#graceMs)
  }

  /** Begins no more of the batch: nobody waits for it any more. */
  stop(worker: PoolWorker, posted: Posted): void {
    const reason = packError(new Error('The worker is ending'))
    worker.link.control({ type: 'cancel', batch: posted.id, index: -1, reason })
  }

  #doom(worker: PoolWorker, posted: Posted, at: number, error: Error): void {
    ;(posted.doomed ??= new Map()).set(at, error)
    posted.doomedAt = performance.now()
    worker.link.control({ type: 'cancel', batch: posted.id, index: at, reason: packError(error, worker.link.clones) })
  }

  /** Sees how far the worker is with the batch, and says when to look again. */
  #look(worker: PoolWorker, posted: Posted): void {
    const progress = worker.link.progress()
    if (!progress || posted.left === 0) return
    const atWork = posted.id === progress.batch
    if (posted.id > progress.batch || (atWork && progress.started === 0)) this.#lookAtWaiting(worker, posted)
    else if (atWork && progress.looping) this.#lookAtLoop(worker, posted, progress.started - 1, progress.startedAt)
    else {
      const timed = atWork && posted.job.work.timeoutMs !== undefined
      posted.loopEndedAt ??= timed ? progress.startedAt - performance.timeOrigin : performance.now()
      this.#lookAtPromises(worker, posted, posted.loopEndedAt, progress.looping)
    }
  }

  /** It has not begun: its clocks do not run yet. */
  #lookAtWaiting(worker: PoolWorker, posted: Posted): void {
    const { timeoutMs } = posted.job.work
    const doomed = posted.doomed !== undefined
    const { ref } = posted.job
    if (worker.isLoading(posted.job)) {
      const now = performance.now()
      posted.loadingSince ??= now
      const isLate = timeoutMs !== undefined && !posted.job.work.bounded && now - posted.loadingSince >= timeoutMs - 1
      if (isLate) doomAll(posted, () => notLoaded(ref.name, timeoutMs))
      // A module whose top level or setup never ends holds the worker for everybody.
      if (isLate || (doomed && posted.doomed?.size === posted.left && this.#overdue(posted))) return this.#kill(worker)
    }
    // A child process cannot give back what it was sent; if all of that is cancelled, nobody waits for what it is doing.
    if (doomed && worker.posted.size === 1 && posted.doomed?.size === posted.left && this.#overdue(posted))
      return this.#kill(worker)
    if (doomed) return this.#again(worker, posted, Math.min(this.#graceMs, timeoutMs ?? this.#graceMs))
    if (timeoutMs === undefined) return
    if (posted.loadingSince !== undefined)
      return this.#again(worker, posted, Math.max(timeoutMs - (performance.now() - posted.loadingSince), loadingLookMs))
    this.#again(worker, posted, worker.hasLoaded(posted.job) ? timeoutMs : Math.min(timeoutMs, loadingLookMs))
  }

  /** The thread is held by one item. */
  #lookAtLoop(worker: PoolWorker, posted: Posted, at: number, startedAt: number): void {
    const { timeoutMs } = posted.job.work
    const now = performance.now()
    if (posted.doomed?.has(at) && !posted.reported[at]) {
      if (posted.held?.at !== at) posted.held = { at, since: now }
      const leftMs = this.#graceMs - (now - posted.held.since)
      return leftMs < 1 ? this.#kill(worker) : this.#again(worker, posted, leftMs)
    }
    if (timeoutMs !== undefined && at >= 0) {
      const leftMs = timeoutMs - (performance.timeOrigin + now - startedAt)
      // A millisecond of tolerance between two threads' clocks.
      if (leftMs >= 1) return this.#again(worker, posted, leftMs)
      if (!posted.reported[at]) {
        this.#doom(worker, posted, at, timedOut(worker, posted, timeoutMs))
        return this.#look(worker, posted)
      }
    }
    if (timeoutMs !== undefined || posted.doomed) this.#again(worker, posted, Math.min(timeoutMs ?? this.#graceMs, this.#graceMs))
  }

  /** Every item has started, and some wait for their promises. */
  #lookAtPromises(worker: PoolWorker, posted: Posted, startedAt: number, heldByAnother: boolean): void {
    const { timeoutMs } = posted.job.work
    const now = performance.now()
    const doomed = posted.doomed && [...posted.doomed.keys()].some((at) => !posted.reported[at])
    const since = Math.min(
      doomed ? (posted.doomedAt ?? now) : Number.POSITIVE_INFINITY,
      startedAt + (timeoutMs ?? Number.POSITIVE_INFINITY),
    )
    const until = since + this.#graceMs + marginMs
    if (until === Number.POSITIVE_INFINITY) return
    if (now < until - 1) return this.#again(worker, posted, until - now)
    // Another batch's item holds the thread, and its own clock runs.
    if (heldByAnother) return this.#again(worker, posted, this.#graceMs)
    if (timeoutMs !== undefined && now >= startedAt + timeoutMs) doomAll(posted, () => timedOut(worker, posted, timeoutMs))
    this.#kill(worker)
  }

  #overdue(posted: Posted): boolean {
    return performance.now() - (posted.doomedAt ?? 0) >= this.#graceMs - 1
  }

  #again(worker: PoolWorker, posted: Posted, ms: number): void {
    clearTimeout(posted.timer)
    posted.timer = setTimeout(() => this.#look(worker, posted), Math.min(Math.max(ms, 1), longestTimerMs))
  }
}

/** Each item gets an error of its own, because each may have another caller. */
function doomAll(posted: Posted, error: () => Error): void {
  posted.doomed ??= new Map()
  for (let at = 0; at < posted.reported.length; at++) {
    if (!posted.reported[at] && !posted.doomed.has(at)) posted.doomed.set(at, error())
  }
  posted.doomedAt = performance.now()
}

function notLoaded(name: string, timeoutMs: number): TimedOut {
  const message = `The worker module of "${name}" was not loaded within the timeout of ${formatMs(timeoutMs)}`
  const hint = 'Does its top level or its setup await something that never comes?'
  return fromElsewhere(new TimedOut(message, { clock: 'timeout', limitMs: timeoutMs, hint }))
}

function timedOut(worker: PoolWorker, { job }: Posted, timeoutMs: number): TimedOut {
  const message = `"${job.ref.name}" did not finish within its timeout of ${formatMs(timeoutMs)}`
  return fromElsewhere(
    new TimedOut(message, {
      clock: 'timeout',
      limitMs: timeoutMs,
      hint: worker.link.progress()?.native ? nativeHint : undefined,
    }),
  )
}
