/** A trace, or the part of it that a range touches, made ready for questions. Each part is computed when it is first asked for. */
import { explainRelated } from '../../trace/verdict/explain.ts'
import type { Explanation } from '../../trace/verdict/explanation.ts'
import { type Grouping, groupTasks, printable } from '../../trace/explain/groups.ts'
import { taskStates, type Trace } from '../../trace/model/trace.ts'
import { orderedTimes, relate, type Related, rowsById, type Times, wallOf } from '../../trace/explain/relate.ts'
import type { Range, TaskRef } from '../protocol.ts'
import type { GroupNumbers } from './group-numbers.ts'

export class View {
  readonly trace: Trace
  readonly wall: Range
  readonly groups: GroupNumbers
  /** Stable group number by task. */
  readonly groupOf: Int32Array
  /** Its own numbers of groups, which explanations use. */
  readonly grouping: Grouping
  #times: Times | undefined
  #related: Related | undefined
  #explanation: Explanation | undefined
  #rowOf: ((id: number) => number) | undefined
  #critical: Uint8Array | undefined

  constructor(trace: Trace, groups: GroupNumbers, wall?: Range) {
    const [from, to] = wallOf(trace)
    this.trace = trace
    this.wall = wall ?? { from, to }
    this.groups = groups
    this.grouping = groupTasks(trace)
    const numbers = groups.numbersOf(this.grouping)
    this.groupOf = this.grouping.of.map((group) => numbers[group] as number)
  }

  /** Number of tasks. */
  get count(): number {
    return this.trace.tasks.count
  }

  get times(): Times {
    this.#times ??= orderedTimes(this.trace, this.wall.from, this.wall.to)
    return this.#times
  }

  get related(): Related {
    this.#related ??= relate(this.trace, [this.wall.from, this.wall.to], this.times)
    return this.#related
  }

  get explanation(): Explanation {
    this.#explanation ??= explainRelated(this.related, this.grouping)
    return this.#explanation
  }

  /** Whether {@link explanation} is there already. */
  get explained(): boolean {
    return this.#explanation !== undefined
  }

  /** By task, 1 where its work lies on the critical path. */
  get critical(): Uint8Array {
    if (!this.#critical) {
      this.#critical = new Uint8Array(this.trace.tasks.count)
      for (const { kind, task } of this.explanation.criticalPath.segments)
        if (kind === 'work' && task >= 0) this.#critical[task] = 1
    }
    return this.#critical
  }

  /** Row of the task with that id; −1 when there is none. */
  rowOf(id: number): number {
    this.#rowOf ??= rowsById(this.trace.tasks.id)
    return this.#rowOf(id)
  }

  /** Number of a group of {@link explanation} in {@link groups}. */
  numberOf(group: number): number {
    return this.groups.number(
      this.grouping.keys[group] as string,
      this.grouping.labels[group] as string,
      this.grouping.kinds[group] as string,
    )
  }

  /** Its own name, or its place in its group. */
  label(task: number): string {
    const { tasks, strings } = this.trace
    const name = printable(strings[tasks.name[task] as number])
    return name === '' ? `${this.groups.labels[this.groupOf[task] as number]}[${tasks.index[task]}]` : name
  }

  ref(task: number): TaskRef {
    const { tasks } = this.trace
    return {
      id: tasks.id[task] as number,
      label: this.label(task),
      group: this.groupOf[task] as number,
      state: taskStates[tasks.state[task] as number] ?? 'queued',
    }
  }

  /** Neither done nor failed nor cancelled. */
  unsettled(task: number): boolean {
    return (this.trace.tasks.state[task] as number) < settledFrom
  }
}

/** States from here on are settled: `queued` and `running` come before. */
const settledFrom = taskStates.indexOf('done')
