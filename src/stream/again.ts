/**
 * Other attempts at items of a crossing of which a function with `retry` failed: the policy of that function decides on this thread, as for any other
 * call, and the item goes on at the function that failed. Items that succeed never come here.
 *
 * The worker sends an item that has halted back with what its functions have given so far. What is lost with a worker can only begin again at the first
 * function, which is done where each of them may be repeated.
 */
import { performance } from '../base/globals.js'
import { WorkerCrashed } from '../base/errors.ts'
import { itemKey } from '../base/idempotency.js'
import { isA } from '../base/look.js'
import { newTask, type TaskRecord } from '../base/observer.ts'
import { threadRow } from '../base/rows.ts'
import { fromWire } from '../encoding/from-wire.ts'
import type { Attempt } from '../limits/attempt.ts'
import type { Policy } from '../limits/policy.ts'
import type { CallOptions, Executor, FunctionRef, Timing } from '../run/executor.ts'
import type { FailedCall, Halted } from '../run/shapes.ts'
import type { Segment } from './segment.ts'

/** What is to be called, and how each of its functions is called again. */
export interface AgainSpec {
  readonly executor: Executor
  /** What the items were sent to. */
  readonly ref: FunctionRef
  /** The same for an item that has halted; undefined where it is one function. */
  readonly resume: FunctionRef | undefined
  /** By function; undefined for those that are called once. */
  readonly policies: readonly (Policy | undefined)[]
  readonly names: readonly string[]
  readonly timeoutMs: number | undefined
}

/** How often functions were called for an item; of those that failed. */
export type Attempts = ReadonlyMap<number, TaskRecord>

export interface AgainReceiver {
  /** Key of the crossing, for those of its items. */
  readonly idempotencyKey: string
  triedAgain(
    index: number,
    outcome: { readonly value: unknown } | { readonly error: unknown },
    timing: Timing,
    attempts: Attempts,
  ): void
}

/** Where an item stands. */
interface Failed {
  readonly stage: number
  readonly error: unknown
  readonly halted: Halted | undefined
}

export class Again {
  readonly #segment: Segment
  readonly #spec: AgainSpec
  readonly #receiver: AgainReceiver

  constructor(segment: Segment, spec: AgainSpec, receiver: AgainReceiver) {
    this.#segment = segment
    this.#spec = spec
    this.#receiver = receiver
  }

  /** An item went through at once: budgets of retries count all calls. */
  succeeded(): void {
    for (const policy of this.#spec.policies) policy?.retry?.budget?.call(this.#segment.run.clock.now())
  }

  /** The item failed as a whole. True when another attempt may be made: then the receiver hears of it. */
  failed(index: number, item: unknown, error: unknown): boolean {
    const { policies } = this.#spec
    const repeatable = policies.every((policy) => policy !== undefined)
    if (policies.length > 1 && !(isA(error, WorkerCrashed) && repeatable)) return false
    this.#begin(index, item, { stage: 0, error, halted: undefined })
    return true
  }

  /** Whether the value is an item that has halted; then the receiver hears of it later. */
  halted(index: number, item: unknown, value: unknown): boolean {
    const failed = this.#haltedAt(value)
    if (failed) this.#begin(index, item, failed)
    return failed !== undefined
  }

  #haltedAt(value: unknown): Failed | undefined {
    if (!this.#spec.resume || Array.isArray(value)) return undefined
    const halted = value as Halted
    const first = halted.calls.find((one): one is FailedCall => !('next' in one))
    return { stage: halted.halted, halted, error: first?.error && fromWire(first.error) }
  }

  #begin(index: number, item: unknown, failed: Failed): void {
    const { run } = this.#segment
    this.#segment.opened()
    void run.enter(() => this.#goOn(index, item, failed))
  }

  /** Until the item is through, or one of its functions has failed for good. */
  async #goOn(index: number, item: unknown, failed: Failed): Promise<void> {
    const attempts = new Map<number, TaskRecord>()
    const timing: Timing = { row: threadRow, startedAt: 0, settledAt: 0 }
    let at: Failed | undefined = failed
    try {
      let value: unknown
      while (at) {
        value = await this.#attempts(index, item, at, timing, attempts)
        at = this.#haltedAt(value)
      }
      this.#receiver.triedAgain(index, { value }, timing, attempts)
    } catch (error) {
      this.#receiver.triedAgain(index, { error }, timing, attempts)
    } finally {
      this.#segment.settled()
    }
  }

  /** As many as the policy of the function makes; what it gives may have halted at another one. */
  async #attempts(
    index: number,
    item: unknown,
    failed: Failed,
    timing: Timing,
    attempts: Map<number, TaskRecord>,
  ): Promise<unknown> {
    const { policies, names } = this.#spec
    const { group, observed } = this.#segment.run
    const policy = policies[failed.stage]
    if (!policy) throw failed.error
    // Only what the policy notes in it is read.
    const record = observed ? newTask(group.record, index, group.record.parentTask, performance.now()) : undefined
    if (record) attempts.set(failed.stage, record)
    let { halted } = failed
    const attempt = async (own: Attempt): Promise<unknown> => {
      if (own.attempt === 1) throw failed.error
      const value = await this.#call(index, item, halted, own, timing)
      const next = this.#haltedAt(value)
      if (next?.stage !== failed.stage) return value
      halted = next.halted
      throw next.error
    }
    return policy.run(attempt, {
      cancellation: this.#segment.cancellation,
      deadline: group.deadline,
      index,
      record,
      name: `${group.label()} stage "${names[failed.stage]}" item ${index}`,
    })
  }

  #call(index: number, item: unknown, halted: Halted | undefined, own: Attempt, timing: Timing): Promise<unknown> {
    const { executor, ref, resume, timeoutMs } = this.#spec
    const options: CallOptions = {
      index,
      attempt: own.attempt,
      deadline: own.deadline,
      cancellation: own.cancellation,
      idempotencyKey: itemKey(this.#receiver.idempotencyKey, index),
      timing: this.#segment.run.observed ? timing : undefined,
      timeoutMs,
    }
    // The first function gets the item itself.
    return halted && halted.halted > 0 && resume ? executor.call(resume, [halted], options) : executor.call(ref, [item], options)
  }
}

/** The error of an item for which no other attempt is made. Of stages that travel together nobody knows which one had it when the worker ended. */
export function finalError(error: unknown, { policies }: AgainSpec): unknown {
  if (policies.length === 1 || !isA(error, WorkerCrashed)) return error
  const hint =
    'What the stages above had made of the item was lost with the worker. It begins again where every stage that travels with it has `retry`.'
  const { message, cause, exitCode } = error
  return new WorkerCrashed(message, { cause, exitCode, hint })
}
