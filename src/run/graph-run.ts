/**
 * One run of a graph: lanes that each take the most urgent ready task, await it, keep its result, and go on. A lane whose turn finds
 * nothing ready waits until a task has finished that makes others ready. The graph's schedule alone decides what runs when,
 * the same that `plan` simulates.
 *
 * State by task of the selection: `outcomes` says how far it is; `results` holds its value from the end of the task until its last
 * dependent has finished (targets: for good).
 */
import { DependencyFailed, JournalFailed, toError } from '../base/errors.ts'
import { messageOf } from '../base/look.js'
import { performance } from '../base/globals.js'
import { enterFrame, type Frame, type TaskContext } from '../base/frame.ts'
import { observed } from '../base/observer.ts'
import { closeFrame, openFrame } from '../base/wait-graph.ts'
import type { Steps } from '../checkpoint/index.ts'
import { type GraphModel, remainingPaths, Schedule, type Selection } from '../graph/index.ts'
import type { Policy } from '../limits/policy.ts'
import { Yielding } from './yielding.ts'
import { GraphObservations } from './graph-observations.ts'
import type { Executor } from './executor.ts'
import { opened, staysThere } from './graph-stays.ts'
import { type Group, GroupContext } from './group.ts'
import { runTask } from './task.ts'

/** What a task does: gets the results that it needs, put together, and its context. */
export interface TaskFunction {
  /** @param seal the result is for workers alone */
  (inputs: unknown, context: TaskContext, seal?: boolean): unknown
  /** Where it runs, if it is a worker function. */
  readonly executor?: Executor
}

export interface GraphRunSpec {
  readonly model: GraphModel
  readonly selection: Selection
  /** By task of the whole graph. */
  readonly functions: readonly TaskFunction[]
  /** By task of the whole graph; undefined when no task of the run has one. */
  readonly policyOf: ((task: number) => Policy | undefined) | undefined
  /** Expected milliseconds by task of the selection. */
  readonly durations: Float64Array
  readonly concurrency: number
  readonly settles: boolean
  /** Gets the milliseconds of each task of the selection that is done, where the run is to learn. */
  readonly took: Float64Array | undefined
}

interface Lane {
  readonly frame: Frame
  /** Pays for nothing but the calls. */
  readonly bare: boolean
  /** Of the task that it called last, where bare. */
  context: GroupContext | undefined
}

/** How far a task is; 0 until it has settled. */
const [done, released, failed, skipped] = [1, 2, 3, 4]

export class GraphRun {
  readonly #group: Group
  readonly #spec: GraphRunSpec
  readonly #schedule: Schedule
  readonly #results: unknown[]
  readonly #outcomes: Uint8Array
  readonly #isTarget: Uint8Array
  /** Tasks whose results stay with the workers; none where a journal records them. */
  #stays: Uint8Array | undefined
  /** For each task that failed, what it threw; for each that was skipped because of one, the task that failed. */
  readonly #errors = new Map<number, unknown>()
  readonly #blame = new Map<number, number>()
  readonly #observations: GraphObservations | undefined
  /** Where results are recorded, by name of the task. */
  #steps: Steps | undefined
  /** With a journal: tasks whose results came from it. */
  #fromJournal = new Uint8Array()
  restored = 0
  recorded = 0
  readonly #yielding = new Yielding()
  /** Lanes that wait for something to become ready. */
  readonly #parked: (() => void)[] = []
  #lanes = 0
  /** Tasks that have not settled and will still run. */
  #left: number
  #ended: () => void = () => {}

  constructor(group: Group, spec: GraphRunSpec) {
    const { dag, targets } = spec.selection
    this.#group = group
    this.#spec = spec
    this.#left = dag.size
    this.#results = Array.from<unknown>({ length: dag.size })
    this.#outcomes = new Uint8Array(dag.size)
    this.#isTarget = new Uint8Array(dag.size)
    for (const target of targets) this.#isTarget[target] = 1
    const { functions, selection } = spec
    this.#stays = staysThere(selection, (task) => functions[selection.tasks[task] as number]?.executor)
    const remaining = remainingPaths(dag, spec.durations)
    this.#schedule = new Schedule(dag, spec.durations, remaining, spec.concurrency, (task) => this.#release(task))
    if (observed()) this.#observations = new GraphObservations(group, spec.model, spec.selection)
  }

  /** Settles when no task is under way and none will start. Never rejects: failures are in the group, or in {@link outcome}. */
  run(steps?: Steps): Promise<void> {
    this.#steps = steps
    if (steps) {
      this.#fromJournal = new Uint8Array(this.#outcomes.length)
      this.#stays = undefined
    }
    return new Promise((resolve) => {
      const unsubscribe = this.#group.cancellation.subscribe(() => this.#wakeAll())
      const ended = (): void => {
        unsubscribe()
        resolve()
      }
      this.#ended = ended
      this.#openLanes(this.#schedule.ready)
      if (this.#lanes === 0) this.#ended()
    })
  }

  #openLanes(wanted: number): void {
    const { concurrency, model } = this.#spec
    for (let i = 0; i < wanted && this.#lanes < concurrency && !this.#group.aborted; i++) {
      this.#lanes++
      const bare = !this.#spec.policyOf && !this.#observations
      const frame = this.#group.frame((context) => `task "${model.nameOf(context.index)}"`, bare ? '#lane' : runTask.name)
      void enterFrame(frame, () => this.#lane({ frame, bare, context: undefined })).then(() => {
        if (--this.#lanes === 0) this.#ended()
      })
    }
  }

  async #lane(lane: Lane): Promise<void> {
    const { frame } = lane
    const [group, schedule, yielding] = [this.#group, this.#schedule, this.#yielding]
    openFrame(frame)
    while (!group.aborted && this.#left > 0) {
      const task = schedule.next()
      if (task < 0) {
        // A lane that waits for work holds nothing: the lane is not a child of the run meanwhile.
        closeFrame(frame)
        await new Promise<void>((resolve) => this.#parked.push(resolve))
        openFrame(frame)
        continue
      }
      try {
        const steps = this.#steps
        const { took } = this.#spec
        const startedAt = took ? performance.now() : 0
        const value = await (steps ? this.#callRecorded(task, lane, steps) : this.#call(task, lane))
        if (took && this.#fromJournal[task] !== 1) took[task] = performance.now() - startedAt
        this.#succeed(task, value)
      } catch (error) {
        this.#fail(task, error)
      }
      lane.context?.close()
      const pause = yielding.due()
      if (pause) await pause
    }
    closeFrame(frame)
  }

  /**
   * The result of the task from the journal, or from now, once it is durable. A result that rests on others is taken from the journal only
   * where these were: what was made anew has dependents that are to be made anew.
   */
  async #callRecorded(task: number, lane: Lane, steps: Steps): Promise<unknown> {
    const { selection, model } = this.#spec
    const { needStart, needs } = selection.dag
    const name = model.nameOf(selection.tasks[task] as number)
    const above = needs.subarray(needStart[task], needStart[task + 1])
    if (steps.has(name) && above.every((need) => this.#fromJournal[need] === 1)) {
      this.#fromJournal[task] = 1
      this.restored++
      return steps.value(name)
    }
    const { value, durable } = steps.record(name, await this.#call(task, lane))
    await durable
    this.recorded++
    return value
  }

  #call(task: number, lane: Lane): unknown {
    return lane.bare ? this.#callBare(task, lane) : this.#callFull(task, lane.frame)
  }

  /** Pays for nothing but the call. */
  #callBare(task: number, lane: Lane): unknown {
    const { selection, functions } = this.#spec
    const index = selection.tasks[task] as number
    const context = new GroupContext(this.#group, index)
    lane.context = context
    lane.frame.context = context
    return (functions[index] as TaskFunction)(this.#inputs(task, index), context, this.#stays?.[task] === 1)
  }

  /** Through policies and observers. */
  #callFull(task: number, frame: Frame): Promise<unknown> {
    const { selection, functions, model, policyOf } = this.#spec
    const index = selection.tasks[task] as number
    const seen = this.#observations
    const inputs = this.#inputs(task, index)
    return runTask(
      {
        group: this.#group,
        index,
        name: model.nameOf(index),
        policy: policyOf?.(index),
        frame,
        needs: seen?.needIds(task),
        queuedAt: seen?.startedAt,
        readyAt: seen?.readyAt(task),
        onRecord: seen && ((record) => seen.started(task, record)),
      },
      (context) => (functions[index] as TaskFunction)(inputs, context, this.#stays?.[task] === 1),
    )
  }

  #inputs(task: number, index: number): unknown {
    const { needStart, needs } = this.#spec.selection.dag
    const from = needStart[task] as number
    const count = (needStart[task + 1] as number) - from
    return this.#spec.model.shapeOf(index).assemble(count, (i) => this.#results[needs[from + i] as number])
  }

  #succeed(task: number, value: unknown): void {
    this.#results[task] = value
    this.#outcomes[task] = done
    this.#settled(task)
    this.#schedule.finish(task)
    this.#wake()
  }

  #fail(task: number, error: unknown): void {
    const { model, selection, settles } = this.#spec
    this.#errors.set(task, error)
    this.#outcomes[task] = failed
    this.#settled(task)
    // Without its journal a run would work for nothing.
    if (!settles || error instanceof JournalFailed) return this.#group.fail(error, model.nameOf(selection.tasks[task] as number))
    // When the run was cancelled, that is why its dependents will not run.
    if (this.#group.aborted) return
    this.#schedule.fail(task, (dependent) => {
      this.#outcomes[dependent] = skipped
      this.#blame.set(dependent, task)
      this.#observations?.skipped(dependent, () => this.#dependencyFailed(dependent))
      this.#settled(dependent)
    })
    this.#wake()
  }

  #settled(task: number): void {
    this.#left--
    this.#observations?.settled(task)
  }

  /** The result has been used by all that need it. */
  #release(task: number): void {
    if (this.#isTarget[task] === 1 || this.#outcomes[task] !== done) return
    this.#results[task] = undefined
    this.#outcomes[task] = released
  }

  /** This lane takes one of the ready tasks itself; others are there for the rest. */
  #wake(): void {
    if (this.#left === 0) return this.#wakeAll()
    let more = this.#schedule.ready - 1
    for (; more > 0 && this.#parked.length > 0; more--) this.#parked.pop()?.()
    if (more > 0) this.#openLanes(more)
  }

  #wakeAll(): void {
    for (const wake of this.#parked.splice(0)) wake()
  }

  /** How a task of the selection ended; one that never ran because the run was cancelled has the reason of that. */
  outcome(task: number): PromiseSettledResult<unknown> {
    switch (this.#outcomes[task]) {
      case done:
        return { status: 'fulfilled', value: opened(this.#results[task]) }
      case failed:
        return { status: 'rejected', reason: this.#errors.get(task) }
      case skipped:
        return { status: 'rejected', reason: this.#dependencyFailed(task) }
      default:
        return { status: 'rejected', reason: this.#group.cancelError() }
    }
  }

  /** What tasks threw. */
  failures(): Iterable<unknown> {
    return this.#errors.values()
  }

  value(task: number): unknown {
    return opened(this.#results[task])
  }

  #dependencyFailed(task: number): DependencyFailed {
    const { model, selection } = this.#spec
    const culprit = this.#blame.get(task) as number
    const [name, because] = [task, culprit].map((t) => model.nameOf(selection.tasks[t] as number))
    const error = this.#errors.get(culprit)
    const message = `Task "${name}" did not run because task "${because}", which it needs, failed: ${messageOf(toError(error))}`
    return new DependencyFailed(message, { cause: error })
  }

  /** How many tasks have completed, and the results of those that are still held, by name. */
  completed(): { readonly count: number; readonly held: Readonly<Record<string, unknown>> } {
    const { model, selection } = this.#spec
    const held: [string, unknown][] = []
    let count = 0
    for (let t = 0; t < this.#outcomes.length; t++) {
      if (this.#outcomes[t] !== done && this.#outcomes[t] !== released) continue
      count++
      if (this.#outcomes[t] === done) held.push([model.nameOf(selection.tasks[t] as number), opened(this.#results[t])])
    }
    return { count, held: Object.fromEntries(held) }
  }
}
