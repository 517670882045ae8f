/** A stage with a journal: what is recorded is not called again, and a result goes on only when its record is durable. */
import { Unserializable } from '../base/errors.ts'
import { type Checkpoint, type KeyFunction, Keys, openCheckpoint } from '../checkpoint/index.ts'
import type { Policy } from '../limits/policy.ts'
import type { ItemContext, StageFunction } from './stage-calls.ts'
import type { Run } from './segment.ts'

export interface RecordedSpec {
  readonly fn: StageFunction
  /** Around the call, and not around the journal: what could not be recorded is not tried again. */
  readonly policy: Policy | undefined
  /** Name of the stage. */
  readonly name: string
  readonly checkpoint: Checkpoint
  readonly key: KeyFunction | undefined
}

/** The function of the stage by way of the journal, for one run. Equal items must come to it in their order. */
export function recordedFunction({ fn, policy, name, checkpoint, key }: RecordedSpec, run: Run): StageFunction {
  const { group } = run
  const label = `${group.label()} stage "${name}"`
  const keys = new Keys(key)
  const opening = openCheckpoint(checkpoint, label, group.record.id)
  opening.catch((error: unknown) => run.fail(error, name))
  let [restored, recorded] = [0, 0]
  run.atEnd(async () => {
    const journal = await opening.catch(() => undefined)
    await journal?.close(restored, recorded)
  })

  const call = (item: unknown, context: ItemContext): unknown => {
    if (!policy) return fn(item, context)
    const { cancellation, index, record } = context
    const task = { cancellation, deadline: group.deadline, index, context, record, args: [item] }
    return policy.run((attempt) => fn(item, attempt), task)
  }

  /** Only what one value is to blame for is the failure of its item; without its journal the stream would work for nothing. */
  const stopping = <T>(work: () => T, index: number): T => {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof Unserializable)) run.fail(error, index)
      throw error
    }
  }

  return async function recordedCall(item, context) {
    const { index } = context
    const itemKey = stopping(() => keys.next(item, index), index)
    const { steps } = await opening
    if (steps.has(itemKey)) {
      restored++
      return stopping(() => steps.value(itemKey), index)
    }
    const result = await call(item, context as ItemContext)
    const { value, durable } = stopping(() => steps.record(itemKey, result), index)
    try {
      await durable
    } catch (error) {
      run.fail(error, index)
      throw error
    }
    recorded++
    return value
  }
}
