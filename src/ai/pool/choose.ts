/** Which model a call goes to, and its wait for a turn there. */
import { Cancellation } from '../../base/abort.ts'
import { Cancelled, CircuitOpen } from '../../base/errors.ts'
import type { Timed } from './latency.ts'
import { lacking, type Needs } from './needs.ts'
import { type Prefer, preferred, type Within } from './prefer.ts'
import type { Demand } from './charges.ts'
import type { Permit, Replica } from './replica.ts'

/** A call's turn at a model. */
export type Turn<M> = readonly [replica: Replica<M>, permit: Permit]

/** The facts of a call by which a model is chosen for it. */
export interface Choice<M> {
  /** Input tokens that it probably has. */
  readonly input: number
  readonly maxOutput: number | undefined
  readonly needs: Needs
  readonly timed: Timed
  /** Models that have failed it, in a way that may pass. */
  readonly failedOn: ReadonlySet<Replica<M>>
  /** Models that do not take it: they are not asked again. */
  readonly refusedBy: ReadonlyMap<Replica<M>, unknown>
  /** Models that it may not go to. */
  readonly barred: ReadonlySet<Replica<M>>
}

export interface Preference {
  readonly prefer: Prefer
  readonly within: Within
  /** A model that waits for its rate limit is passed over, where another is free. */
  readonly passesPaused: boolean
}

/**
 * The models that may be asked, the best first. Those that have failed this call are asked only when there are no others, and those that are known not to fit
 * it (too small a context, no tools, no images …) only when no other has room: those that lack least first, then the largest.
 * @throws what closed the last of them; {@link CircuitOpen}
 */
export function candidates<M>(
  replicas: readonly Replica<M>[],
  choice: Choice<M>,
  { prefer, within, passesPaused }: Preference,
  name: string,
): readonly Replica<M>[] {
  const { input, needs, failedOn, refusedBy, barred } = choice
  const open = replicas.filter(({ closure }) => closure.ready)
  if (open.length === 0) throw replicas.findLast(({ closure }) => closure.reason)?.closure.reason as Error
  const alive = open.filter((replica) => !refusedBy.has(replica) && !barred.has(replica))
  const usable = alive.filter((replica) => replica.usable)
  if (usable.length === 0) throw new CircuitOpen(`Every model of ${name} has failed too often; its breaker is open`)
  const fresh = usable.filter((replica) => !failedOn.has(replica))
  const fitting = (fresh.length > 0 ? fresh : usable).filter(
    (replica) => replica.holds(input) && lacking(replica.can, needs) === 0,
  )
  if (fitting.length === 0)
    return usable
      .toSorted(
        (a, b) =>
          Number(b.holds(input)) - Number(a.holds(input)) ||
          lacking(a.can, needs) - lacking(b.can, needs) ||
          b.contextWindow - a.contextWindow,
      )
      .slice(0, 1)
  if (fitting.length === 1) return fitting
  const free = passesPaused ? fitting.filter((replica) => !replica.paused) : fitting
  const asked = free.length > 0 ? free : fitting
  // Most pools need no figures: these two orders cost nothing.
  if (prefer === 'first' && within.latencyMs === undefined && within.usd === undefined) return asked.slice(0, 1)
  if (prefer === 'least-busy' && within.latencyMs === undefined && within.usd === undefined)
    return asked.toSorted((a, b) => a.load - b.load)
  const views = new Map(asked.map((replica) => [replica.view(choice), replica]))
  const call = { inputTokens: input, maxOutputTokens: choice.maxOutput, stream: choice.timed === 'stream' }
  return preferred([...views.keys()], call, prefer, within).flatMap((view) => views.get(view) ?? [])
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
