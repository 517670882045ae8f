/** Kept by observed runs of a graph only: by task of the selection, when it settled and the id of its record. */
import { performance } from '../base/globals.js'
import { newTask, type TaskRecord, taskSettled } from '../base/observer.ts'
import type { GraphModel, Selection } from '../graph/index.ts'
import type { Group } from './group.ts'

export class GraphObservations {
  /** When the run was started, in milliseconds of `performance.now()`: all its tasks have been queued since. */
  readonly startedAt = performance.now()
  readonly #group: Group
  readonly #model: GraphModel
  readonly #selection: Selection
  readonly #settledAt: Float64Array
  /** 0 while there is none. */
  readonly #ids: Float64Array

  constructor(group: Group, model: GraphModel, selection: Selection) {
    this.#group = group
    this.#model = model
    this.#selection = selection
    this.#settledAt = new Float64Array(selection.dag.size)
    this.#ids = new Float64Array(selection.dag.size)
  }

  started(task: number, record: TaskRecord): void {
    this.#ids[task] = record.id
  }

  settled(task: number): void {
    this.#settledAt[task] = performance.now()
  }

  /** The task will never run, because one that it needs failed. */
  skipped(task: number, why: () => unknown): void {
    const run = this.#group.record
    const index = this.#selection.tasks[task] as number
    const record = newTask(run, index, run.parentTask, this.startedAt, this.#model.nameOf(index))
    record.needs = this.needIds(task)
    this.started(task, record)
    taskSettled(record, performance.now(), 'cancelled', why())
  }

  /** Ids of the records of the tasks that it needs, as far as those have one by now. */
  needIds(task: number): number[] {
    return Array.from(new Set(this.#needs(task)), (need) => this.#ids[need] as number).filter((id) => id > 0)
  }

  /** When the last of the tasks that it needs settled. */
  readyAt(task: number): number {
    let at = this.startedAt
    for (const need of this.#needs(task)) at = Math.max(at, this.#settledAt[need] as number)
    return at
  }

  #needs(task: number): Uint32Array {
    const { needStart, needs } = this.#selection.dag
    return needs.subarray(needStart[task], needStart[task + 1])
  }
}
