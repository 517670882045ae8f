import { performance } from '../base/globals.js'
import { type Duration, durationMs } from '../base/duration.ts'
import { currentFrame, enterFrame, type Explicit, type Frame, isTaskContext, type TaskContext } from '../base/frame.ts'
import { nameOf } from '../base/look.js'
import {
  closeRun,
  newTask,
  observed,
  openRun,
  type RunRecord,
  type TaskRecord,
  taskSettled,
  taskStarted,
} from '../base/observer.ts'
import { checkFunction, checkOptions, type OptionRules, rules } from '../base/options.ts'
import { threadRow } from '../base/rows.ts'
import { closeFrame, openFrame } from '../base/wait-graph.ts'
import { withContext } from '../base/with-context.js'
import type { Attempt } from '../limits/attempt.ts'
import { Policy, type PolicyOptions, policyRules, type PolicySetting } from '../limits/policy.ts'
import { contextOptions } from './call.ts'
import { type FunctionRef, refOf, type Timing } from './executor.ts'

/** Options of {@link guard}. */
export interface GuardOptions<A extends readonly unknown[] = never[]> extends PolicyOptions<A> {
  /** For each call, over all its attempts, waits and pauses. @default none */
  readonly deadline?: Duration
  /** The name in messages and traces. @default the function's name */
  readonly name?: string
}

const guardRules: OptionRules<GuardOptions> = { ...policyRules, deadline: rules.duration, name: rules.string }

/** The same function, always asynchronous; the context that it wants last is given to it, so that the caller need not. */
export type Guarded<F extends (...args: never[]) => unknown> = (
  ...args: CallerArguments<Parameters<F>>
) => Promise<Awaited<ReturnType<F>>>

type CallerArguments<P extends readonly unknown[]> =
  Explicit<P> extends [...infer A, TaskContext | undefined] ? [...A, context?: TaskContext] : Explicit<P>

/**
 * The same function with a policy around it: timeout, retry, circuit breaker, limiters. Breaker, retry budget and limiters are
 * shared by all calls of the guarded function.
 *
 * The function gets the `TaskContext` of the attempt as its last parameter where the caller leaves that out, and in place of one that
 * the caller passed (as `map` does); `context()` shows it too. A parameter with a default is not taken for it. A worker function stays on its workers, and its `timeout` begins when it starts there.
 *
 * An attempt that runs out of time has its signal aborted, and the call goes on when the function has settled; after `grace` it
 * goes on without it.
 *
 * @param fn any function, also a worker function
 * @example
 * const ask = guard(callModel, { timeout: '30s', retry: 4, breaker: { failureRate: 0.5 }, limit: shared })
 * const answer = await ask(prompt)
 *
 * @throws {InvalidOption} at once, for a wrong option
 * @throws {TimedOut} (as a rejection, like the following) when `timeout`, `queueTimeout` or `deadline` ran out
 * @throws {CircuitOpen} when the breaker refuses
 * @throws {Overflow} when a limiter's queue is full
 */
export function guard<F extends (...args: never[]) => unknown>(fn: F, options: GuardOptions<Parameters<F>> = {}): Guarded<F> {
  checkFunction(fn, 'fn', 'guard')
  checkOptions<GuardOptions>(options, guardRules, 'guard')
  return guardWith(fn, options)
}

/** @internal With a clock and random numbers of the caller's, for simulations. */
export function guardWith<F extends (...args: never[]) => unknown>(
  fn: F,
  options: GuardOptions,
  setting: PolicySetting = {},
): Guarded<F> {
  const ref = refOf(fn)
  const name = options.name ?? ref?.name ?? nameOf(fn)
  const target: Target = {
    fn: fn as unknown as Target['fn'],
    ref,
    policy: new Policy(options, { ...setting, remote: ref !== undefined }),
    deadlineMs: options.deadline === undefined ? undefined : durationMs(options.deadline, 'deadline'),
    label: name === '' ? 'the guarded call' : `"${name}"`,
    calls: new CallRecords(name),
  }
  const guarded = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    return runGuarded(target, this, args)
  }
  Object.defineProperty(guarded, 'name', { value: name, configurable: true })
  Object.defineProperty(guarded, 'length', { value: fn.length, configurable: true })
  return guarded as unknown as Guarded<F>
}

/** What all calls of one guarded function share. */
interface Target {
  readonly fn: (...args: readonly unknown[]) => unknown
  readonly ref: FunctionRef | undefined
  readonly policy: Policy
  readonly deadlineMs: number | undefined
  readonly label: string
  readonly calls: CallRecords
}

async function runGuarded(target: Target, self: unknown, args: unknown[]): Promise<unknown> {
  const { policy, ref, calls } = target
  if (args.length > 0 && isTaskContext(args[args.length - 1])) args.pop()
  const frame = new GuardFrame(currentFrame(), target.label)
  const record = observed() ? calls.open(frame) : undefined
  const timing: Timing | undefined = record && ref && { row: threadRow, startedAt: 0, settledAt: 0 }
  const attempt = (context: Attempt): unknown => {
    frame.context = context
    frame.cancellation = context.cancellation
    if (ref) return onExecutor(ref, args, context, policy, timing)
    if (record?.state === 'queued') taskStarted(record, performance.now())
    return target.fn.call(self, ...withContext(target.fn.length, args, context))
  }
  const scope = {
    cancellation: frame.cancellation,
    deadline: frame.context.deadline,
    deadlineMs: target.deadlineMs,
    index: frame.context.index,
    record,
    args,
    name: target.label,
  }
  openFrame(frame)
  try {
    const value = await enterFrame(frame, () => policy.run(attempt, scope))
    if (record) calls.close(record, timing, 'done')
    return value
  } catch (error) {
    if (record) calls.close(record, timing, scope.cancellation.aborted ? 'cancelled' : 'failed', error)
    throw error
  } finally {
    closeFrame(frame)
  }
}

/** The frame of one guarded call: its context is that of the attempt at hand. */
class GuardFrame implements Frame {
  readonly parent: Frame
  context: TaskContext
  cancellation: Frame['cancellation']
  readonly run: number
  task: number
  children = 0
  waits = 0
  /** For the wait-for graph. */
  readonly body = runGuarded.name
  readonly #label: string

  constructor(parent: Frame, label: string) {
    this.parent = parent
    this.context = parent.context
    this.cancellation = parent.cancellation
    this.run = parent.run
    this.task = parent.task
    this.#label = label
  }

  label(): string {
    return `the call of ${this.#label}`
  }
}

/** Worker functions get their context on the worker; what they are passed must be data. */
function onExecutor(
  ref: FunctionRef,
  args: readonly unknown[],
  context: Attempt,
  { timeoutMs, retry }: Policy,
  timing: Timing | undefined,
): Promise<unknown> {
  const { cancellation, onWaiting } = context
  const again = retry !== undefined
  return ref.executor.call(ref, args, { ...contextOptions(context), cancellation, timeoutMs, timing, onWaiting, again })
}

/** Publishes the calls of one guarded function. Their run is open while at least one is under way: nobody knows which is the last. */
class CallRecords {
  readonly #name: string
  #run: RunRecord | undefined
  #made = 0
  #underWay = 0

  constructor(name: string) {
    this.#name = name
  }

  open(frame: GuardFrame): TaskRecord {
    if (this.#underWay++ === 0) {
      this.#run = openRun('call', this.#name, { task: frame.task, run: frame.run }, -1, -1)
      this.#made = 0
    }
    const record = newTask(this.#run as RunRecord, this.#made++, frame.task, performance.now())
    frame.task = record.id
    return record
  }

  close(record: TaskRecord, timing: Timing | undefined, state: 'done' | 'failed' | 'cancelled', error?: unknown): void {
    const now = performance.now()
    if (timing) {
      record.row = timing.row
      taskStarted(record, timing.startedAt || now)
    }
    taskSettled(record, timing?.settledAt || now, state, error)
    if (--this.#underWay === 0) closeRun(record.run, 'done')
  }
}
