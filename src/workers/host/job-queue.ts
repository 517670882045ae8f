/** Jobs with something to hand out, in turn; thousands may be in line while all workers are busy. */
import { Ring } from '../../base/ring.ts'
import type { Job } from './job.ts'

/** Jobs that are asked in vain at a time; those behind them are asked first the next time. Chosen: more than the workers of a machine have places for. */
const inVainMost = 64

export class JobQueue {
  readonly #line = new Ring<Job>()
  /** Those in line of which something was heard since: they may be over. */
  readonly #heardOf = new Set<Job>()

  get size(): number {
    return this.#line.size
  }

  /** Puts the job at the end of the line, unless it is in it. */
  add(job: Job): void {
    if (job.finished) return
    if (job.inLine) {
      this.#heardOf.add(job)
      return
    }
    job.inLine = true
    this.#line.push(job)
  }

  /**
   * Asks one job after the other.
   * @param served whether a worker has taken a part of it: then everybody may be asked again
   * @param looked called for each that was not served, after it has left the line if it has nothing to hand out
   */
  each(served: (job: Job) => boolean, looked: (job: Job) => void): void {
    if (this.#heardOf.size > 0) {
      const heardOf = [...this.#heardOf]
      this.#heardOf.clear()
      for (const job of heardOf) looked(job)
    }
    for (let inVain = 0; inVain < Math.min(this.#line.size, inVainMost);) {
      const job = this.#line.shift()
      if (served(job)) {
        this.#line.push(job)
        inVain = 0
        continue
      }
      job.inLine = job.remaining() > 0 && !job.finished
      if (job.inLine) {
        this.#line.push(job)
        inVain++
      }
      looked(job)
    }
  }

  /** Takes all of them out. */
  clear(): Job[] {
    const jobs: Job[] = []
    while (this.#line.size > 0) jobs.push(this.#line.shift())
    for (const job of jobs) job.inLine = false
    return jobs
  }
}
