/** What batches need of a pool, which shows none of it to its users. */
import type { Budget } from './budget.ts'
import type { PoolOptions } from './pool-options.ts'
import type { Replica } from './replica.ts'

/** Its first model, whose client writes the requests, what that costs, and what bounds it. */
export interface PoolInside<M> {
  readonly first: Replica<M>
  readonly budget: Budget | undefined
  readonly options: PoolOptions
}

const insides = new WeakMap<object, PoolInside<never>>()

export function showInside<M>(pool: object, inside: PoolInside<M>): void {
  insides.set(pool, inside as unknown as PoolInside<never>)
}

/** Undefined for what is not a pool. @param model a pool of models of the type `M`, which the caller has seen to */
export function insideOf<M>(model: unknown): PoolInside<M> | undefined {
  return typeof model === 'object' && model !== null ? (insides.get(model) as PoolInside<M> | undefined) : undefined
}
