/**
 * Where calls go that share something on one worker. A place belongs to one worker for good: when that one ends, what lay there is lost, and
 * every call of the place fails.
 */
import type { FunctionRef, Place } from '../../run/executor.ts'
import type { WorkerSet } from './worker-set.ts'
import type { Job } from './job.ts'
import type { PoolWorker } from './worker.ts'

/** Batches at a worker beyond which a call for a place waits here; the claims of batches are kept for a few. Chosen. */
const mostPosted = 3

export class Places {
  readonly #workers = new WeakMap<Place, PoolWorker>()
  readonly #taken = new WeakMap<PoolWorker, Set<Place>>()
  readonly #jobs = new WeakMap<Place, WeakMap<FunctionRef, Job>>()

  /** The job of the calls of one function at a place. */
  jobOf(place: Place, ref: FunctionRef, make: () => Job): Job {
    let jobs = this.#jobs.get(place)
    if (!jobs) this.#jobs.set(place, (jobs = new WeakMap()))
    let job = jobs.get(ref)
    if (!job) {
      jobs.set(ref, (job = make()))
      job.place = place
    }
    return job
  }

  /** Whether calls of that function may have left something at the place: not before its module was there. */
  mayHold(place: Place, ref: FunctionRef): boolean {
    const worker = this.#workers.get(place)
    const job = this.#jobs.get(place)?.get(ref)
    if (!worker || !job) return false
    // It says that the module is there before it runs anything of it.
    worker.link.poll()
    return worker.hasLoaded(job)
  }

  /** The worker of the place if it can take a call now; 'lost' when it has ended. @throws as the start of a worker does */
  workerFor(place: Place, workerSet: WorkerSet): PoolWorker | 'lost' | undefined {
    let worker = this.#workers.get(place)
    if (!worker) {
      worker = this.#choose(workerSet)
      if (!worker) return undefined
      this.#workers.set(place, worker)
      this.#placesAt(worker).add(place)
    }
    if (!worker.usable || !workerSet.has(worker)) return 'lost'
    return worker.posted.size < mostPosted ? worker : undefined
  }

  /** The one with the fewest places, so that they are spread; a new one while there is room. */
  #choose(workerSet: WorkerSet): PoolWorker | undefined {
    const [least] = [...workerSet].filter(({ usable }) => usable).sort((a, b) => this.#placesAt(a).size - this.#placesAt(b).size)
    if (least && this.#placesAt(least).size === 0) return least
    return workerSet.another() ?? least
  }

  #placesAt(worker: PoolWorker): Set<Place> {
    let places = this.#taken.get(worker)
    if (!places) this.#taken.set(worker, (places = new Set()))
    for (const place of places) if (place.closed) places.delete(place)
    return places
  }
}
