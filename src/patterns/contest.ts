/**
 * Several tries under way at once, of which not all are needed. Once that is decided, the rest are asked to stop, and get
 * `graceMs` to settle; nobody waits longer for those that ignore their signal.
 *
 * Each try has a cancellation of its own, and only those still under way are aborted: what a winner gave may live on its signal, as
 * the body of a `fetch` does.
 */
import { Cancellation } from '../base/abort.ts'
import type { Clock, TimerHandle } from '../base/clock.ts'
import type { TaskContext } from '../base/frame.ts'
import { itemKey } from '../base/idempotency.js'
import type { Group } from '../run/group.ts'
import { runTask, type TaskSpec } from '../run/task.ts'

export interface Try<T> {
  readonly fn: (context: TaskContext) => T | PromiseLike<T>
  readonly succeed: (value: T) => void
  readonly fail: (error: unknown) => void
}

export interface ContestOptions {
  /** Milliseconds. */
  readonly graceMs: number
  /** Every try is the same call, so that all have one idempotency key. */
  readonly sameCall: boolean
}

export class Contest {
  /** Resolves when no try is under way any more, or was abandoned. */
  readonly over: Promise<void>
  readonly #group: Group
  readonly #clock: Clock
  readonly #graceMs: number
  readonly #sameCall: boolean
  readonly #underWay = new Set<Cancellation>()
  #end: () => void = () => {}
  #timer: TimerHandle | undefined

  constructor(group: Group, clock: Clock, { graceMs, sameCall }: ContestOptions) {
    this.#group = group
    this.#clock = clock
    this.#graceMs = graceMs
    this.#sameCall = sameCall
    this.over = new Promise((resolve) => {
      this.#end = resolve
    })
  }

  /** Starts a try, at once. Exactly one of `succeed` and `fail` is called, also after the decision. */
  start<T>(spec: Omit<TaskSpec, 'group' | 'context'>, { fn, succeed, fail }: Try<T>): void {
    const cancellation = new Cancellation(this.#group.cancellation)
    const context = new TryContext(cancellation, spec.index, this.#group, this.#sameCall)
    this.#underWay.add(cancellation)
    const settled = (report: () => void): void => {
      cancellation.close()
      this.#underWay.delete(cancellation)
      report()
      if (this.#underWay.size === 0) this.#finish()
    }
    runTask({ ...spec, group: this.#group, context }, fn).then(
      (value) => settled(() => succeed(value)),
      (error: unknown) => settled(() => fail(error)),
    )
  }

  /** No further answer is needed. */
  decide(reason: Error): void {
    if (this.#underWay.size === 0) return this.#finish()
    this.#timer ??= this.#clock.schedule(this.#graceMs, () => this.#finish())
    for (const cancellation of this.#underWay) cancellation.abort(reason)
  }

  #finish(): void {
    if (this.#timer !== undefined) this.#clock.cancel(this.#timer)
    this.#end()
  }
}

/** What a try sees. */
class TryContext implements TaskContext {
  readonly cancellation: Cancellation
  readonly index: number
  readonly attempt = 1
  readonly deadline: number
  readonly #group: Group
  readonly #sameCall: boolean

  constructor(cancellation: Cancellation, index: number, group: Group, sameCall: boolean) {
    this.cancellation = cancellation
    this.index = index
    this.deadline = group.deadline
    this.#group = group
    this.#sameCall = sameCall
  }

  get idempotencyKey(): string {
    const { idempotencyKey } = this.#group
    return this.#sameCall ? idempotencyKey : itemKey(idempotencyKey, this.index)
  }

  /** Made only when the function asks for it. */
  get signal(): AbortSignal {
    return this.cancellation.signal
  }
}
