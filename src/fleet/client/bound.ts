/** A worker function as one that runs on an executor wherever it is called. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { call as callRef } from '../../run/call.ts'
import { type Executor, functionRef, refOf } from '../../run/executor.ts'
import { elsewhere } from '../../run/map.ts'

/** @throws {InvalidOption} for any other function */
export function bound<F extends (...args: never[]) => Promise<unknown>>(fn: F, executor: Executor): F {
  const ref = refOf(fn)
  if (!ref) throw new InvalidOption(`Expected bind to get a worker function, got ${describe(fn)}`)
  const target = elsewhere(ref, executor)
  const call = { [ref.name]: (...args: unknown[]): Promise<unknown> => callRef(target, args) }[ref.name] as object
  return Object.defineProperty(call, functionRef, { value: target }) as F
}
