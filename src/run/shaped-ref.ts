/** Functions that workers make of several, by their parts and their shape. */
import type { FunctionRef } from './executor.ts'
import type { Shape } from './shapes.ts'

const known = new WeakMap<FunctionRef, Map<string, { readonly parts: readonly FunctionRef[]; readonly ref: FunctionRef }[]>>()

/** The same object for the same parts and shape, because workers keep what they know of it. All parts are of one executor. */
export function shapedRef(parts: readonly [FunctionRef, ...FunctionRef[]], shape: Shape, name: string): FunctionRef {
  const [first] = parts
  const key = JSON.stringify([shape, name])
  let byShape = known.get(first)
  if (!byShape) known.set(first, (byShape = new Map()))
  let list = byShape.get(key)
  if (!list) byShape.set(key, (list = []))
  const same = list.find(({ parts: others }) => others.length === parts.length && others.every((part, i) => part === parts[i]))
  if (same) return same.ref
  const setup = parts.find((part) => part.setup)?.setup
  const { module, executor } = first
  const ref: FunctionRef = { module, name, local: undefined, setup, executor, parts, shape }
  list.push({ parts, ref })
  return ref
}
