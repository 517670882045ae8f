/**
 * How this thread and a worker wait for each other when results are near: both awake, or both asleep in their event loops.
 *
 * Awake, a call takes 14 µs there and back, if each thread has a core of its own: being woken on another core costs 30 to 100 µs. Where other threads
 * want the cores, whoever stays awake keeps the other from running, and the same call takes 200 µs instead of 45. Nobody can see in advance which
 * of the two holds, so both are tried and measured, and the better one stays in use.
 */
import { performance, setImmediate } from '../../base/globals.js'
import type { Batch } from '../../run/executor.ts'
import type { Job } from './job.ts'
import type { PoolWorker } from './worker.ts'

/** How long this thread stays awake for short results before it leaves that to the event loop. */
const lookMs = 0.2
/** In turns this short: a turn of the event loop costs 10 µs, several times what a call itself takes. */
const lookTurnMs = 0.02

/** Is this the last batch of its work, and is its result so near that the way of waiting for it shows? */
export function isNear(job: Job, batch: Batch): boolean {
  return batch.items.length * (job.estimate.itemMs ?? 1) < lookMs && !job.estimate.async && job.work.exhausted()
}

/** Looks for what the workers answer, for {@link lookMs} at most. */
export function lookOut(workers: readonly PoolWorker[], until = performance.now() + lookMs): void {
  const turn = performance.now() + lookTurnMs
  let open = false
  do {
    open = false
    for (const worker of workers) if (!worker.idle && worker.ready && worker.link.poll()) open ||= !worker.idle
  } while (open && performance.now() < turn)
  if (open && performance.now() < until) setImmediate(() => lookOut(workers, until))
}

/** Results that are judged together, by the median of the second half: in the first, the threads settle into a way of waiting. */
const groupResults = 16
/** Groups between two trials: few at first, more after each one that showed nothing better, so that trials cost about 1 %. */
const [shortestPause, longestPause] = [2, 64]
/** Better by less is noise. */
const worthwhile = 0.9

/** Chooses the way of waiting by how long results take. Pure. */
export class Wakefulness {
  /** True when this thread is to stay awake for the next result. */
  awake = false
  /** What a result takes in the way that is in use, beyond its work. */
  #usualMs = Number.POSITIVE_INFINITY
  #pause = shortestPause
  #untilTrial = shortestPause
  /** True while the other way is tried. */
  #trying = false
  #group: number[] = []

  /** A near result has come: how long it took beyond its work. */
  record(ms: number): void {
    if (this.#group.push(ms) < groupResults) return
    const settled = this.#group.slice(groupResults >> 1).sort((a, b) => a - b)
    const median = settled[settled.length >> 1] as number
    this.#group = []
    if (this.#trying) return this.#decide(median)
    this.#usualMs = median
    if (--this.#untilTrial > 0) return
    this.#trying = true
    this.awake = !this.awake
  }

  #decide(trialMs: number): void {
    if (trialMs < worthwhile * this.#usualMs) {
      this.#usualMs = trialMs
      this.#pause = shortestPause
    } else {
      this.awake = !this.awake
      this.#pause = Math.min(2 * this.#pause, longestPause)
    }
    this.#trying = false
    this.#untilTrial = this.#pause
  }
}
