/** Which model a call goes to, and its wait for a turn there. */
import { Cancellation } from '../../base/abort.ts'
import { Cancelled, CircuitOpen } from '../../base/errors.ts'
import type { Demand, Permit, Replica } from './replica.ts'

/** A call's turn at a model. */
export type Turn<M> = readonly [replica: Replica<M>, permit: Permit]

/** What is known of a call when a model is chosen for it. */
export interface Choice<M> {
  /** Input tokens that it probably has. */
  readonly input: number
  /** Models that have failed it, in a way that may pass. */
  readonly failedOn: ReadonlySet<Replica<M>>
  /** Models that do not take it: they are not asked again. */
  readonly refusedBy: ReadonlyMap<Replica<M>, unknown>
}

/**
 * The models that may be asked, the best first. Those that have failed this call are asked only when there are no others, and those whose
 * context is too small for it only when no other has room, the largest first.
 * @throws what closed the last of them; {@link CircuitOpen}
 */
export function candidates<M>(
  replicas: readonly Replica<M>[],
  { input, failedOn, refusedBy }: Choice<M>,
  prefer: 'least-busy' | 'first',
  name: string,
): readonly Replica<M>[] {
  const open = replicas.filter(({ closure }) => closure.ready)
  if (open.length === 0) throw replicas.findLast(({ closure }) => closure.reason)?.closure.reason as Error
  const alive = open.filter((replica) => !refusedBy.has(replica))
  const usable = alive.filter((replica) => replica.usable)
  if (usable.length === 0) throw new CircuitOpen(`Every model of ${name} has failed too often; its breaker is open`)
  const fresh = usable.filter((replica) => !failedOn.has(replica))
  const fitting = (fresh.length > 0 ? fresh : usable).filter((replica) => replica.holds(input))
  if (fitting.length === 0) return usable.toSorted((a, b) => b.contextWindow - a.contextWindow).slice(0, 1)
  if (prefer === 'first') return fitting.slice(0, 1)
  return fitting.length === 1 ? fitting : fitting.toSorted((a, b) => a.load - b.load)
}

/** Waits for a turn at any of the models: at the first that has room, else in all of their queues. @throws as `Replica.acquire` */
export async function acquireAny<M>(
  models: readonly Replica<M>[],
  demand: Demand,
  cancellation: Cancellation,
  priority: number,
): Promise<Turn<M>> {
  const [only] = models
  if (models.length === 1 && only) return [only, await only.acquire(demand, { signal: cancellation.signal, priority })]
  for (const replica of models) {
    const permit = replica.tryAcquire(demand)
    if (permit) return [replica, permit]
  }
  return firstOf(models, demand, cancellation, priority)
}

/** Waits in every queue, and leaves the others when the first lets it in. */
function firstOf<M>(
  models: readonly Replica<M>[],
  demand: Demand,
  cancellation: Cancellation,
  priority: number,
): Promise<Turn<M>> {
  const waiting = new Cancellation(cancellation)
  return new Promise((resolve, reject) => {
    let left = models.length
    let won = false
    for (const replica of models) {
      replica.acquire(demand, { signal: waiting.signal, priority }).then(
        (permit) => {
          if (won) return replica.refund(permit)
          won = true
          waiting.abort(new Cancelled('another model was free first'))
          resolve([replica, permit])
        },
        (error: unknown) => {
          left--
          if (won || left > 0) return
          waiting.close()
          reject(error as Error)
        },
      )
    }
  })
}
