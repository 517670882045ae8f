/** Which model a call goes to, and its wait for a turn there. */
import { Cancellation } from '../base/abort.ts'
import { Cancelled, CircuitOpen } from '../base/errors.ts'
import type { Demand, Permit, Replica } from './replica.ts'

/** A call's turn at a model. */
export type Turn<M> = readonly [replica: Replica<M>, permit: Permit]

/**
 * The models that may be asked, the best first: those that have failed this call only when there are no others.
 * @throws what closed the last of them; {@link CircuitOpen}
 */
export function candidates<M>(
  replicas: readonly Replica<M>[],
  failedOn: ReadonlySet<Replica<M>>,
  prefer: 'least-busy' | 'first',
  name: string,
): readonly Replica<M>[] {
  const alive = replicas.filter((replica) => !replica.closed)
  if (alive.length === 0) throw replicas.findLast((replica) => replica.closed)?.closed as Error
  const usable = alive.filter((replica) => replica.usable)
  if (usable.length === 0) throw new CircuitOpen(`Every model of ${name} has failed too often; its breaker is open`)
  const fresh = usable.filter((replica) => !failedOn.has(replica))
  const choice = fresh.length > 0 ? fresh : usable
  if (prefer === 'first') return choice.slice(0, 1)
  return choice.length === 1 ? choice : choice.toSorted((a, b) => a.load - b.load)
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
