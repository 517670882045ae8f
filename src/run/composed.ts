/** Worker functions in a row as one: a value between two of them stays on the worker that has it. */
import { adopt, isThenable } from '../base/look.js'
import type { FunctionRef } from './executor.ts'

const known = new WeakMap<FunctionRef, WeakMap<FunctionRef, FunctionRef>>()

/** `second` gets what `first` gave. Both run on the executor of the first. The same object each time, because workers keep what they know of it. */
export function composedRef(first: FunctionRef, second: FunctionRef): FunctionRef {
  let withFirst = known.get(first)
  if (!withFirst) known.set(first, (withFirst = new WeakMap()))
  let composed = withFirst.get(second)
  if (!composed) withFirst.set(second, (composed = compose(first, second)))
  return composed
}

function compose(first: FunctionRef, second: FunctionRef): FunctionRef {
  const parts = [...(first.parts ?? [first]), ...(second.parts ?? [second])]
  const local = first.local && second.local && inRow(first.local, second.local)
  // An identity names one function of one module: each part has its own.
  const { identity: _, ...shared } = first
  return {
    ...shared,
    name: parts.map(({ name }) => name).join(' → '),
    local,
    inline: first.inline === true && second.inline === true,
    setup: first.setup ?? second.setup,
    parts,
  }
}

type Local = NonNullable<FunctionRef['local']>

function inRow(first: Local, second: Local): Local {
  const call = (item: unknown, context: unknown): unknown => {
    const value = (first as (item: unknown, context: unknown) => unknown)(item, context)
    const then = second as (item: unknown, context: unknown) => unknown
    return isThenable(value) ? adopt(value).then((settled) => then(settled, context)) : then(value, context)
  }
  return call as Local
}
