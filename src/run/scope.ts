/**
 * Structured concurrency: a {@link Scope} is the lifetime that tasks belong to. No task outlives it.
 *
 * Follows N. J. Smith, "Notes on structured concurrency" (2018), and Trio's nurseries; the first failure cancels the rest.
 */
import { performance } from '../base/globals.js'
import { currentFrame, enterFrame, type Frame, type TaskContext } from '../base/frame.ts'
import { Closed } from '../base/errors.ts'
import { nameOf } from '../base/look.js'
import { note } from '../base/observer.ts'
import { checkFunction, checkOptions, rules } from '../base/options.ts'
import { closeFrame, openFrame } from '../base/wait-graph.ts'
import { compilePolicy, type PolicyOptions, policyRules } from '../limits/policy.ts'
import { Group, type RunOptions, runRules } from './group.ts'
import { runTask } from './task.ts'

/** Options of {@link scope}. */
export interface ScopeOptions extends RunOptions {
  /**
   * What a task's failure does. `'stop'`: cancels its siblings, and the scope rejects with it. `'settle'`: it is left to whoever
   * awaits the task. @default 'stop'
   */
  readonly onFailure?: 'stop' | 'settle'
}

/** Options of {@link Scope.fork}: those of policies, and a name. */
export interface ForkOptions extends PolicyOptions {
  /** The name of the task in traces and messages. @default the function's name */
  readonly name?: string
}

const scopeRules = { ...runRules, onFailure: rules.oneOf('stop', 'settle') }
const forkRules = { ...policyRules, name: rules.string }

/** The lifetime that forked tasks belong to; {@link scope} hands it to its body. */
export class Scope {
  readonly #group: Group
  readonly #body: Frame
  readonly #settles: boolean
  /** Tasks under way. */
  #open = 0
  #drained: (() => void) | undefined
  readonly #finalizers: (() => unknown)[] = []
  #forked = 0
  #bodyEnded = false
  #closed = false

  /** @internal Made by {@link scope}. */
  constructor(group: Group, body: Frame, settles: boolean) {
    this.#group = group
    this.#body = body
    this.#settles = settles
  }

  /** Aborts when the scope is cancelled or one of its tasks failed. */
  get signal(): AbortSignal {
    return this.#group.cancellation.signal
  }

  /**
   * Starts a task in this scope, at once. A failure that nobody awaits is not an unhandled rejection: the scope has it.
   * @throws {Closed} (as a rejection) when the scope has ended
   */
  fork<T>(fn: (context: TaskContext) => T | PromiseLike<T>, options: ForkOptions = {}): Promise<T> {
    checkFunction(fn, 'fn', 'fork')
    checkOptions<ForkOptions>(options, forkRules, 'fork')
    if (this.#closed) return Promise.reject(new Closed(`${this.#group.label()} has ended; nothing can be forked in it any more`))
    if (this.#group.aborted) return handled(Promise.reject(this.#group.cancelError()))
    const index = this.#forked++
    const name = options.name ?? (nameOf(fn) || undefined)
    const spec = { group: this.#group, index, name, starter: this.#starter(), policy: compilePolicy(options) }
    const task: Promise<T> = this.#settle(runTask(spec, fn), name ?? `${index}`, (error) => {
      // Only now: a second reaction on the promise would hide from the deadlock detector who awaits it.
      handled(task)
      if (!this.#settles) this.#group.fail(error, name ?? index)
    })
    return task
  }

  async #settle<T>(task: Promise<T>, name: string, failed: (error: unknown) => void): Promise<T> {
    this.#open++
    const from = performance.now()
    try {
      const value = await task
      // The code that forked it has gone on without it: its result is dropped.
      if (this.#bodyEnded && value !== undefined) {
        const ms = performance.now() - from
        note('unused', this.#group.record.id, `${name} of ${this.#group.label()}`, { ms })
      }
      return value
    } catch (error) {
      failed(error)
      throw error
    } finally {
      if (--this.#open === 0) this.#drained?.()
    }
  }

  /** The frame that forks: of this scope's body or of a task below it; else the body's. */
  #starter(): Frame {
    const current = currentFrame()
    let frame: Frame | undefined = current
    while (frame && frame !== this.#body) frame = frame.parent
    return frame ? current : this.#body
  }

  /** Runs `finalizer` exactly once when the scope ends, after all tasks have settled; last come, first run. */
  defer(finalizer: () => unknown): void {
    checkFunction(finalizer, 'finalizer', 'defer')
    if (this.#closed) throw new Closed(`${this.#group.label()} has ended; nothing can be deferred in it any more`)
    this.#finalizers.push(finalizer)
  }

  /** Cancels every task of the scope; the scope then rejects with `Cancelled`. */
  cancel(reason?: unknown): void {
    this.#group.cancel(reason)
  }

  /** @internal Its body has ended. Waits until nothing is under way; tasks may still fork others meanwhile. */
  async drain(): Promise<void> {
    this.#bodyEnded = true
    while (this.#open > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    }
  }

  /** @internal */
  async finalize(): Promise<void> {
    this.#closed = true
    let failure: { error: unknown } | undefined
    for (let finalizer = this.#finalizers.pop(); finalizer; finalizer = this.#finalizers.pop()) {
      try {
        await finalizer()
      } catch (error) {
        failure ??= { error }
      }
    }
    if (failure) throw failure.error
  }
}

/**
 * Runs `body`, and settles only when it and every task forked in it have settled. The first failure cancels the rest, and is what
 * the scope rejects with.
 *
 * @throws what `body` or a forked task throws, the first of them
 * @throws {TimedOut} when the deadline has passed
 * @throws {Cancelled} when the `signal`, or the task around it, is cancelled
 * @throws {InvalidOption} for a wrong option
 * @example
 * await scope(async (s) => {
 *   const user = s.fork(() => getUser(id))
 *   const posts = s.fork(() => getPosts(id))
 *   return render(await user, await posts)
 * })
 */
export async function scope<T>(body: (scope: Scope) => T | PromiseLike<T>, options: ScopeOptions = {}): Promise<T> {
  checkFunction(body, 'body', 'scope')
  checkOptions<ScopeOptions>(options, scopeRules, 'scope')
  const group = new Group('scope', nameOf(body), options, -1, -1)
  const frame = group.frame(() => group.label())
  const own = new Scope(group, frame, options.onFailure === 'settle')
  let value: T | undefined
  const whole = async (): Promise<void> => {
    try {
      if (group.aborted) throw group.cancelError()
      value = await body(own)
    } catch (error) {
      group.fail(error, 'body')
    }
    // From here on nothing but the tasks is awaited, and all of them are.
    frame.body = undefined
    await own.drain()
  }
  frame.body = whole.name
  try {
    openFrame(frame)
    await group.settled(enterFrame(frame, whole))
    await own.finalize()
  } catch (error) {
    group.fail(error, 'finalizer')
  } finally {
    closeFrame(frame)
    group.close()
  }
  if (group.failure) throw group.failure.error
  if (group.aborted) throw group.cancelError()
  return value as T
}

function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
