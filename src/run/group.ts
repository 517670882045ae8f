/**
 * The parts that every run has: a place in the tree of runs, a cancellation, a deadline, a first failure, and a record that is
 * published. `scope`, `all`, `map`, `mapReduce` and graphs are all built on it.
 *
 * Invariant: when {@link Group.close} has been called, every task of the run has settled, or was abandoned: code on this
 * thread that ignores its signal cannot be ended, so `graceMs` after a cancellation its task is settled without it.
 */
import { performance } from '../base/globals.js'
import { Cancellation, cancelled } from '../base/abort.ts'
import { tellCaller } from '../base/call-site.ts'
import { systemClock, type TimerHandle } from '../base/clock.ts'
import { type Duration, durationMs, formatMs, graceMsOf } from '../base/duration.ts'
import { Cancelled, TimedOut } from '../base/errors.ts'
import { type Awaited, currentFrame, type Entrance, entranceOf, type Frame, type TaskContext } from '../base/frame.ts'
import { itemKey, keyOf } from '../base/idempotency.js'
import { closeRun, note, openRun, type RunKind, type RunRecord } from '../base/observer.ts'
import { type OptionRules, rules } from '../base/options.ts'
import { closeFrame, openFrame, Suspension } from '../base/wait-graph.ts'

/** Options that every run takes. */
export interface RunOptions {
  /** The name of the run in traces and messages. @default the function's name */
  readonly name?: string
  /** Cancels the run: its tasks' signals abort, and it rejects once they have settled. */
  readonly signal?: AbortSignal
  /** Over everything, retries and waits included. @default none */
  readonly deadline?: Duration
  /**
   * How long a cancelled function on this thread may go on before its task is settled without it. Nothing can end
   * such a function; what it gives later is dropped. @default '1s'
   */
  readonly grace?: Duration
}

export const runRules: OptionRules<RunOptions> = {
  name: rules.string,
  signal: rules.signal,
  deadline: rules.duration,
  grace: rules.duration,
}

export class Group {
  readonly parent: Frame
  /** The run's own place among the frames: above its tasks, below whoever started it. */
  readonly #frame: Frame
  readonly cancellation: Cancellation
  readonly record: RunRecord
  /** Milliseconds of `performance.now()`. */
  readonly deadline: number
  /** The first failure; what came after it is its consequence, or dropped. */
  failure: { readonly error: unknown; readonly at: number | string } | undefined
  readonly #graceMs: number
  #deadlineTimer: TimerHandle | undefined
  #graceTimer: TimerHandle | undefined

  constructor(kind: RunKind, name: string, options: RunOptions, total: number, concurrency: number) {
    this.parent = currentFrame()
    this.cancellation = new Cancellation(this.parent.cancellation, Cancellation.of(options.signal))
    this.#graceMs = graceMsOf(options.grace)
    this.record = openRun(kind, options.name ?? name, { task: this.parent.task, run: this.parent.run }, total, concurrency)
    this.deadline = this.parent.context.deadline
    this.#frame = this.frame(() => this.label(), undefined, this.parent)
    this.#frame.loose = false
    openFrame(this.#frame)
    if (options.deadline !== undefined) this.deadline = this.#setDeadline(durationMs(options.deadline, 'deadline'))
  }

  #setDeadline(ms: number): number {
    const at = performance.now() + ms
    if (at >= this.deadline) return this.deadline
    this.#deadlineTimer = systemClock.schedule(ms, () =>
      this.cancel(
        new TimedOut(`${this.label()} did not finish within its deadline of ${formatMs(ms)}`, { clock: 'deadline', limitMs: ms }),
      ),
    )
    return at
  }

  get aborted(): boolean {
    return this.cancellation.aborted
  }

  /** Those of its tasks begin with it. */
  get idempotencyKey(): string {
    return keyOf(this)
  }

  cancel(reason: unknown): void {
    this.cancellation.abort(reason)
  }

  /** Notes the first failure and cancels the siblings because of it. */
  fail(error: unknown, at: number | string): void {
    if (this.failure || this.aborted) return
    this.failure = { error, at }
    this.cancel(
      new Cancelled(`cancelled because ${this.label()} ${typeof at === 'number' ? `item ${at}` : `task "${at}"`} failed`, {
        cause: error,
      }),
    )
  }

  /** The error for this run or a task of it when it ends because it was cancelled. */
  cancelError(): Error {
    return cancelled(this.cancellation.reason, this.label())
  }

  /**
   * Waits for `work`, which settles when every task has; after a cancellation at most `grace` longer. Rejects with what
   * `work` rejects with; resolves to false when it was abandoned.
   * @param awaited what the run's caller awaits, when that is not the promise given here
   */
  settled(work: Promise<unknown>, awaited?: Awaited): Promise<boolean> {
    const end = new Suspension<boolean>(this.parent)
    this.#frame.joint = awaited ?? end
    const unsubscribe = this.cancellation.subscribe(() => {
      this.#graceTimer = systemClock.schedule(this.#graceMs, () => {
        note(
          'other',
          this.record.id,
          `${this.label()}: abandoned functions that ignored their signal for ${formatMs(this.#graceMs)}`,
        )
        end.settle(false)
      })
    })
    work.then(
      () => {
        unsubscribe()
        end.settle(true)
      },
      (error: unknown) => {
        unsubscribe()
        end.fail(error)
      },
    )
    return end.promise
  }

  /** Ends the run; nothing of it may be under way any more. */
  close(): void {
    if (this.#deadlineTimer !== undefined) systemClock.cancel(this.#deadlineTimer)
    if (this.#graceTimer !== undefined) systemClock.cancel(this.#graceTimer)
    this.cancellation.close()
    closeFrame(this.#frame)
    if (this.failure) tellCaller([this.failure.error])
    closeRun(this.record, this.failure ? 'failed' : this.aborted ? 'cancelled' : 'done')
  }

  label(): string {
    const { kind, name } = this.record
    return name === '' ? kind : `${kind} "${name}"`
  }

  /** A way for code of the run that is called from elsewhere, such as by the message of a worker: with the context of the run's caller. Ask for it there. */
  entrance(): Entrance {
    return entranceOf(this.frame(() => this.label()))
  }

  /**
   * A frame for a lane of this run, or for one task of it. Open it when its code begins, and close it when that has ended.
   * @param body name of the async function that awaits the user's code, for the deadlock detector
   * @param starter the frame whose code started it, where that need not await it
   */
  frame(taskLabel: (context: TaskContext) => string, body?: string, starter?: Frame): Frame {
    const frame: Frame = {
      parent: starter ?? this.#frame,
      context: this.parent.context,
      cancellation: this.cancellation,
      run: this.record.id,
      task: 0,
      label: () => taskLabel(frame.context),
      children: 0,
      waits: 0,
      body,
      joint: undefined,
      loose: starter !== undefined,
    }
    return frame
  }
}

/**
 * The context of a task. Its signal is its own, made only when asked for: what thousands of tasks leave on one signal costs each of them a walk over
 * all, and what a finished task has given, such as a response that is still to be read, must not break because its run fails later.
 */
export class GroupContext implements TaskContext {
  readonly #group: Group
  readonly index: number
  #own: Cancellation | undefined
  #closed = false

  constructor(group: Group, index: number) {
    this.#group = group
    this.index = index
  }

  get signal(): AbortSignal {
    return (this.#own ??= this.#cancellation()).signal
  }

  get attempt(): number {
    return 1
  }

  get deadline(): number {
    return this.#group.deadline
  }

  get idempotencyKey(): string {
    return itemKey(this.#group.idempotencyKey, this.index)
  }

  /** The task has settled: its signal stays as it is. */
  close(): void {
    this.#closed = true
    this.#own?.close()
  }

  #cancellation(): Cancellation {
    const run = this.#group.cancellation
    return this.#closed && !run.aborted ? new Cancellation() : new Cancellation(run)
  }
}
