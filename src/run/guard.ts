import type { Clock } from '../base/clock.ts'
import { systemClock } from '../base/clock.ts'
import { type Duration, durationMs } from '../base/duration.ts'
import { currentFrame, enterFrame, type Frame, type TaskContext } from '../base/frame.ts'
import { closeRun, newTask, observed, openRun, type TaskRecord, taskSettled, taskStarted } from '../base/observer.ts'
import { checkFunction, checkOptions, type OptionRules, rules } from '../base/options.ts'
import { closeFrame, openFrame } from '../base/wait-graph.ts'
import type { Attempt } from '../limits/attempt.ts'
import { Policy, type PolicyOptions, policyRules } from '../limits/policy.ts'
import { type FunctionRef, refOf } from './executor.ts'

export interface GuardOptions extends PolicyOptions {
  /** For each call, over all its attempts, waits and pauses. @default none */
  readonly deadline?: Duration
  /** What messages and traces call it. @default the function's name */
  readonly name?: string
}

const guardRules: OptionRules<GuardOptions> = { ...policyRules, deadline: rules.duration, name: rules.string }

/** The same function, always asynchronous. */
export type Guarded<F extends (...args: never[]) => unknown> = (...args: Parameters<F>) => Promise<Awaited<ReturnType<F>>>

/**
 * The same function with a policy around it: timeout, retry, circuit breaker, limiters. Breaker, retry budget and limiters are
 * shared by all calls of the guarded function.
 *
 * The function gets the `TaskContext` of the attempt after its arguments, in place of one that the caller passed last (as
 * `map` does); `context()` shows it too. A worker function stays on its workers, and its `timeout` begins when it starts there.
 *
 * An attempt that runs out of time has its signal aborted, and the call goes on when the function has settled; after `grace` it
 * goes on without it.
 *
 * @example
 * const ask = guard(callModel, { timeout: '30s', retry: 4, breaker: { failureRate: 0.5 }, limit: shared })
 * const answer = await ask(prompt)
 *
 * @throws {InvalidOption} at once, for a wrong option
 * @throws {TimedOut} (as a rejection, like the following) when `timeout`, `queueTimeout` or `deadline` ran out
 * @throws {CircuitOpen} when the breaker refuses
 * @throws {Overflow} when a limiter's queue is full
 */
export function guard<F extends (...args: never[]) => unknown>(fn: F, options: GuardOptions = {}): Guarded<F> {
  checkFunction(fn, 'fn', 'guard')
  checkOptions<GuardOptions>(options, guardRules, 'guard')
  return guardWith(fn, options, systemClock, Math.random)
}

/** @internal With a clock and random numbers of the caller's, for simulations. */
export function guardWith<F extends (...args: never[]) => unknown>(
  fn: F,
  options: GuardOptions,
  clock: Clock,
  random: () => number,
): Guarded<F> {
  const ref = refOf(fn)
  const call: GuardedCall = {
    fn: fn as unknown as GuardedCall['fn'],
    ref,
    name: options.name ?? ref?.name ?? fn.name,
    policy: new Policy(options, clock, random),
    deadlineMs: options.deadline === undefined ? undefined : durationMs(options.deadline, 'deadline'),
  }
  const guarded = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    return runGuarded(call, this, args)
  }
  Object.defineProperty(guarded, 'name', { value: call.name, configurable: true })
  Object.defineProperty(guarded, 'length', { value: fn.length, configurable: true })
  return guarded as unknown as Guarded<F>
}

interface GuardedCall {
  readonly fn: (...args: readonly unknown[]) => unknown
  readonly ref: FunctionRef | undefined
  readonly name: string
  readonly policy: Policy
  readonly deadlineMs: number | undefined
}

async function runGuarded(call: GuardedCall, self: unknown, args: unknown[]): Promise<unknown> {
  const { policy, name, ref, deadlineMs } = call
  const given = args.length > 0 && isContext(args[args.length - 1]) ? (args.pop() as TaskContext) : undefined
  const frame = new GuardFrame(currentFrame(), name)
  const record = observed() ? openRecord(frame, name) : undefined
  const attempt = (context: Attempt): unknown => {
    frame.context = context
    frame.cancellation = context.cancellation
    if (record?.state === 'queued') taskStarted(record, performance.now())
    return ref ? onExecutor(ref, args, context, policy.timeoutMs) : call.fn.call(self, ...args, context)
  }
  const scope = {
    cancellation: frame.cancellation,
    deadline: frame.context.deadline,
    deadlineMs,
    index: given?.index ?? frame.context.index,
    record,
    args,
    name: name === '' ? 'The call' : `"${name}"`,
    remote: ref !== undefined,
  }
  openFrame(frame)
  try {
    const value = await enterFrame(frame, () => policy.run(attempt, scope))
    if (record) closeRecord(record, frame, 'done')
    return value
  } catch (error) {
    if (record) closeRecord(record, frame, 'failed', error)
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
  readonly #name: string

  constructor(parent: Frame, name: string) {
    this.parent = parent
    this.context = parent.context
    this.cancellation = parent.cancellation
    this.run = parent.run
    this.task = parent.task
    this.#name = name
  }

  label(): string {
    return this.#name === '' ? 'a guarded call' : `the call of "${this.#name}"`
  }

  /** @internal For the wait-for graph. */
  get body(): string {
    return runGuarded.name
  }
}

/** Worker functions get their context on the worker; what they are passed must be data. */
function onExecutor(
  ref: FunctionRef,
  args: readonly unknown[],
  context: Attempt,
  timeoutMs: number | undefined,
): Promise<unknown> {
  return ref.executor.call(ref, args, {
    cancellation: context.cancellation,
    timeoutMs,
    index: context.index,
    attempt: context.attempt,
    deadline: context.deadline,
  })
}

/** Asks for the names only: a context makes its signal when it is read. */
function isContext(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'attempt' in value && 'deadline' in value && 'signal' in value
}

function openRecord(frame: GuardFrame, name: string): TaskRecord {
  const run = openRun('call', name, { task: frame.task, run: frame.run }, 1, 1)
  const record = newTask(run, 0, frame.task, performance.now())
  frame.task = record.id
  return record
}

function closeRecord(record: TaskRecord, frame: GuardFrame, state: 'done' | 'failed', error?: unknown): void {
  const ended = state === 'failed' && frame.parent.cancellation.aborted ? 'cancelled' : state
  taskSettled(record, performance.now(), ended, error)
  closeRun(record.run, ended)
}
