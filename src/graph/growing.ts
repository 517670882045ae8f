/**
 * The order of a graph that is still being written: tasks come one by one, may need what is not there yet or never comes, and may learn
 * what they need only later. Pure, as {@link Schedule} is for a graph that is complete.
 *
 * A task is in one of three states: it waits (in `#waiting`), was handed to `ready`, or failed. It is ready when everything that it needs is
 * there and nobody holds it. What fails takes along whatever waits for it, directly or not.
 */
export interface Growth<E> {
  /** Whether what a task needs is there already. */
  has(id: string): boolean
  /** The task can start. */
  ready(task: string): void
  /** The task will never run, because of what it needs. Gives the failure that its own dependents see. */
  skipped(task: string, need: string, cause: E): E
}

interface Waiting {
  /** The needs of it that are not there yet. */
  readonly missing: Set<string>
  /** How many reasons there are to wait besides. */
  held: number
}

export class GrowingGraph<E> {
  readonly #on: Growth<E>
  readonly #waiting = new Map<string, Waiting>()
  readonly #dependents = new Map<string, Set<string>>()
  readonly #failures = new Map<string, E>()

  constructor(on: Growth<E>) {
    this.#on = on
  }

  /** The tasks that wait, in the order in which they came. */
  get waiting(): IterableIterator<string> {
    return this.#waiting.keys()
  }

  get failures(): ReadonlyMap<string, E> {
    return this.#failures
  }

  /** A task has come. It is held until {@link release} says that its needs are complete. */
  add(task: string): void {
    this.#waiting.set(task, { missing: new Set(), held: 1 })
  }

  /** The task needs the result of `need`, which may not have come yet. */
  need(task: string, need: string): void {
    const node = this.#waiting.get(task)
    if (!node) return
    const failure = this.#failures.get(need)
    if (failure !== undefined) return this.#skip(task, need, failure)
    if (this.#on.has(need)) return
    node.missing.add(need)
    const others = this.#dependents.get(need)
    if (others) others.add(task)
    else this.#dependents.set(need, new Set([task]))
  }

  /** The needs of a waiting task that are not there yet. */
  missing(task: string): ReadonlySet<string> {
    return this.#waiting.get(task)?.missing ?? none
  }

  /** The task waits for something besides results; each call takes one {@link release}. */
  hold(task: string): void {
    const node = this.#waiting.get(task)
    if (node) node.held++
  }

  release(task: string): void {
    const node = this.#waiting.get(task)
    if (!node) return
    node.held--
    this.#startIfReady(task, node)
  }

  /** The task has a result. */
  finish(task: string): void {
    for (const dependent of this.#take(task)) {
      const node = this.#waiting.get(dependent)
      if (!node) continue
      node.missing.delete(task)
      this.#startIfReady(dependent, node)
    }
  }

  /** The task has none and never will: what waits for it is skipped. */
  fail(task: string, failure: E): void {
    this.#waiting.delete(task)
    this.#failures.set(task, failure)
    for (const dependent of this.#take(task)) this.#skip(dependent, task, failure)
  }

  /** Tasks that wait for one another: `a → b → a`; undefined when there are none. */
  circle(): string[] | undefined {
    const path: string[] = []
    for (let [task] = this.#waiting.keys(); task !== undefined; [task] = this.missing(task)) {
      const seen = path.indexOf(task)
      if (seen !== -1) return [...path.slice(seen), task]
      path.push(task)
    }
    return undefined
  }

  #startIfReady(task: string, { missing, held }: Waiting): void {
    if (missing.size > 0 || held > 0) return
    this.#waiting.delete(task)
    this.#on.ready(task)
  }

  #skip(task: string, need: string, cause: E): void {
    if (this.#waiting.delete(task)) this.fail(task, this.#on.skipped(task, need, cause))
  }

  #take(need: string): Iterable<string> {
    const dependents = this.#dependents.get(need) ?? none
    this.#dependents.delete(need)
    return dependents
  }
}

const none: ReadonlySet<string> = new Set()
