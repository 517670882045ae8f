import { type PlainLane, recordOf, type TaskRecord } from '../base/observer.ts'

/** Below this many nothing is thrown out; chosen so that a sweep is rare and cheap. */
const sweepAtLeast = 4_096

/**
 * The tasks under way. Lanes know theirs and are asked when somebody looks. Others are kept without a lookup per task: starts are pushed, and now and
 * then those that have settled meanwhile (the record says so itself) are thrown out. Amortised constant time per task.
 */
export class OpenTasks {
  readonly #lanes = new Set<PlainLane>()
  #tasks: TaskRecord[] = []
  #sweepAt = sweepAtLeast

  add(task: TaskRecord): void {
    this.#tasks.push(task)
    if (this.#tasks.length >= this.#sweepAt) this.#sweep()
  }

  addLane(lane: PlainLane): void {
    this.#lanes.add(lane)
  }

  deleteLane(lane: PlainLane): void {
    this.#lanes.delete(lane)
  }

  /** Those under way now, in order of their start. */
  list(): readonly TaskRecord[] {
    this.#sweep()
    const inLanes = [...this.#lanes].filter((lane) => lane.underWay).map(recordOf)
    return inLanes.length === 0 ? this.#tasks : [...this.#tasks, ...inLanes].sort((a, b) => a.startedAt - b.startedAt)
  }

  /** At most so many are under way. */
  get size(): number {
    return this.#tasks.length + this.#lanes.size
  }

  clear(): void {
    this.#tasks = []
    this.#lanes.clear()
  }

  #sweep(): void {
    this.#tasks = this.#tasks.filter((task) => task.state === 'running' || task.state === 'queued')
    this.#sweepAt = Math.max(sweepAtLeast, 2 * this.#tasks.length)
  }
}
