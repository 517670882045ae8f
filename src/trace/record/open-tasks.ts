import { observedLanes, recordOf, type RunRecord, type TaskRecord } from '../../base/observer.ts'

/** Below this many nothing is thrown out; chosen so that a sweep is rare and cheap. */
const sweepAtLeast = 4_096

/**
 * The tasks under way. Lanes know theirs and are asked when somebody looks. Others are kept without a lookup per task: starts are pushed, and now and
 * then those that have settled meanwhile (the record says so itself) are thrown out. Amortised constant time per task.
 */
export class OpenTasks {
  readonly #takes: (run: RunRecord) => boolean
  #tasks: TaskRecord[] = []
  #sweepAt = sweepAtLeast

  /** @param takes says whether the tasks of a run belong here */
  constructor(takes: (run: RunRecord) => boolean) {
    this.#takes = takes
  }

  add(task: TaskRecord): void {
    this.#tasks.push(task)
    if (this.#tasks.length >= this.#sweepAt) this.#sweep()
  }

  /** Those under way now. */
  list(): readonly TaskRecord[] {
    this.#sweep()
    const list = [...this.#tasks]
    const known = new Set(this.#tasks.map(({ id }) => id))
    for (const lane of observedLanes) if (lane.underWay && this.#takes(lane.run) && !known.has(lane.id)) list.push(recordOf(lane))
    return list
  }

  clear(): void {
    this.#tasks = []
  }

  #sweep(): void {
    this.#tasks = this.#tasks.filter((task) => task.state === 'running' || task.state === 'queued')
    this.#sweepAt = Math.max(sweepAtLeast, 2 * this.#tasks.length)
  }
}
