import type { TaskRecord } from '../base/observer.ts'

/** Below this many nothing is thrown out; chosen so that a sweep is rare and cheap. */
const sweepAtLeast = 4_096

/**
 * The tasks under way, kept without a lookup per task: starts are pushed, and now and then those that have settled
 * meanwhile (the record says so itself) are thrown out. Amortised constant time per task.
 */
export class OpenTasks {
  #tasks: TaskRecord[] = []
  #sweepAt = sweepAtLeast

  add(task: TaskRecord): void {
    this.#tasks.push(task)
    if (this.#tasks.length >= this.#sweepAt) this.list()
  }

  /** Those under way now, in order of their start. */
  list(): readonly TaskRecord[] {
    this.#tasks = this.#tasks.filter((task) => task.state === 'running' || task.state === 'queued')
    this.#sweepAt = Math.max(sweepAtLeast, 2 * this.#tasks.length)
    return this.#tasks
  }

  /** At most so many are under way. */
  get size(): number {
    return this.#tasks.length
  }

  clear(): void {
    this.#tasks = []
  }
}
