/**
 * The model of a graph: tasks and what each needs, nothing of how they run.
 *
 * A task is a value that exists only once it has been added, and needs are values of tasks: so every need points to an earlier task,
 * a cycle cannot be written, and the order of creation is a topological order. All algorithms here rest on that. Kept in columns (needs
 * as one list for all tasks, compressed sparse rows), so that a graph of a million tasks is practical.
 */
import { otherCopy } from '../base/other-copy.ts'
import { describe, InvalidGraph, InvalidOption } from '../base/errors.ts'
import { Column } from './column.ts'
import { type Shape, Shapes } from './shape.ts'

declare const result: unique symbol

/** A task of a graph: what `g.task(…)` gives, and what other tasks name as a need. `T` is the type of its result. */
export class TaskRef<out T = unknown> {
  /** Exists only for the type checker. */
  declare readonly [result]: T
  /** Position in the order of creation. */
  readonly index: number
  readonly #model: GraphModel

  /** @internal Made by {@link GraphModel.add}. */
  constructor(model: GraphModel, index: number) {
    this.#model = model
    this.index = index
  }

  get name(): string {
    return this.#model.nameOf(this.index)
  }

  /** @internal The graph that it belongs to. */
  get model(): GraphModel {
    return this.#model
  }
}

/** Tasks whose results another one needs: by name, or as a list. */
export type Needs = Readonly<Record<string, TaskRef>> | readonly TaskRef[]

/** The results of {@link Needs}: under the same names, or in the same order. */
export type ResultsOf<N extends Needs> = { -readonly [K in keyof N]: N[K] extends TaskRef<infer T> ? T : never }

export class GraphModel {
  readonly name: string
  readonly #names: string[] = []
  readonly #byName = new Map<string, number>()
  /** Needs of task t: `needs[needStart[t]] … needs[needStart[t + 1] - 1]`. One task may stand there twice, under two names. */
  readonly #needStart = new Column(new Uint32Array(16))
  readonly #needs = new Column(new Uint32Array(16))
  readonly #shapeOf = new Column(new Uint32Array(16))
  readonly #shapes = new Shapes()
  /** Expected milliseconds; NaN where nothing was said. */
  readonly #estimatesMs = new Column(new Float64Array(16))

  constructor(name: string) {
    if (typeof name !== 'string' || name === '') {
      throw new InvalidOption(`Expected \`name\` of graph to be text that is not empty, got ${describe(name)}`)
    }
    this.name = name
    this.#needStart.push(0)
  }

  get size(): number {
    return this.#names.length
  }

  /**
   * Adds a task. O(number of needs).
   * @throws {InvalidGraph} when the name is taken, or a need is not a task of this graph; the graph is then as it was
   */
  add<T>(name: string, needs: Needs | undefined, estimateMs: number | undefined): TaskRef<T> {
    if (typeof name !== 'string' || name === '') {
      throw new InvalidGraph(
        `Expected the name of a task of graph "${this.name}" to be text that is not empty, got ${describe(name)}`,
      )
    }
    const index = this.size
    if (this.#byName.has(name)) {
      throw new InvalidGraph(`Graph "${this.name}" already has a task "${name}"`, {
        hint: 'Give every task of a graph a name of its own.',
      })
    }
    const shape = this.#addNeeds(name, needs)
    this.#needStart.push(this.#needs.length)
    this.#shapeOf.push(shape.id)
    this.#estimatesMs.push(estimateMs ?? Number.NaN)
    this.#names.push(name)
    this.#byName.set(name, index)
    return new TaskRef<T>(this, index)
  }

  #addNeeds(task: string, needs: Needs | undefined): Shape {
    if (needs === undefined) return this.#shapes.none
    if (typeof needs !== 'object' || needs === null || needs instanceof TaskRef) throw notNeeds(task, needs)
    const before = this.#needs.length
    const what = (key: string | number): string => `Need ${typeof key === 'number' ? key : `"${key}"`} of task "${task}"`
    try {
      if (Array.isArray(needs)) {
        for (let i = 0; i < needs.length; i++) this.#needs.push(this.indexOf(needs[i], () => what(i)))
        return this.#shapes.list
      }
      const keys = Object.keys(needs)
      for (const key of keys) this.#needs.push(this.indexOf((needs as Record<string, unknown>)[key], () => what(key)))
      return this.#shapes.record(keys)
    } catch (error) {
      this.#needs.length = before
      throw error
    }
  }

  /** @throws {InvalidGraph} when it is not a task, or one of another graph; `what` begins the message */
  indexOf(value: unknown, what: () => string): number {
    if (!(value instanceof TaskRef)) {
      throw new InvalidGraph(`${what()} is not a task: got ${describe(value)}`, { hint: hintFor(value) })
    }
    if (value.model !== this) {
      throw new InvalidGraph(`${what()} is task "${value.name}" of ${this.#otherGraph(value.model)}`, {
        hint: `Only tasks of graph "${this.name}" itself can stand there; add it with task(…) of this graph.`,
      })
    }
    return value.index
  }

  #otherGraph(other: GraphModel): string {
    return other.name === this.name ? `another graph that is also called "${other.name}"` : `another graph, "${other.name}"`
  }

  nameOf(task: number): string {
    return this.#names[task] as string
  }

  /** The task of that name, or -1. */
  find(name: string): number {
    return this.#byName.get(name) ?? -1
  }

  shapeOf(task: number): Shape {
    return this.#shapes.at(this.#shapeOf.at(task))
  }

  /** The tasks that no other needs, ascending. */
  final(): number[] {
    const needed = new Uint8Array(this.size)
    for (const need of this.needs) needed[need] = 1
    const final: number[] = []
    for (let task = 0; task < needed.length; task++) if (needed[task] === 0) final.push(task)
    return final
  }

  /** With {@link needs} in compressed sparse rows, as far as tasks have been added by now. */
  get needStart(): Uint32Array {
    return this.#needStart.view()
  }

  get needs(): Uint32Array {
    return this.#needs.view()
  }

  /** Expected milliseconds by task; NaN where nothing was said. */
  get estimatesMs(): Float64Array {
    return this.#estimatesMs.view()
  }
}

function notNeeds(task: string, needs: unknown): InvalidGraph {
  const message = `Expected the needs of task "${task}" to be a record or a list of tasks, got ${describe(needs)}`
  return new InvalidGraph(message, { hint: needs instanceof TaskRef ? `Write { ${needs.name} } or [${needs.name}].` : undefined })
}

function hintFor(value: unknown): string {
  if (value === undefined) return 'Tasks come from g.task(…) and must exist before they are needed.'
  if (value instanceof Promise) return 'Make the work a task: g.task(name, fn), so that heddle starts it when its time has come.'
  if (typeof value === 'function') return 'Pass what g.task(name, fn) gives, not the function.'
  return otherCopy(value, TaskRef.name) ?? 'Pass what g.task(…) gives.'
}
