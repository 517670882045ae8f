/** How the slots of a machine are divided among the tenants that it works for: by weight, and what one of them does not need the others have. Pure. */

export interface Demand {
  readonly weight: number
  /** Batches that it has here or that wait for it. */
  readonly wants: number
}

/**
 * How many batches each tenant may have at once: together `places`, but each at least one, so that a tenant that comes never waits for more than one
 * batch of the others.
 */
export function sharesOf(places: number, demands: readonly Demand[]): number[] {
  const shares = demands.map(() => 1)
  for (let left = places - demands.length; left > 0; left--) {
    let next = -1
    for (const [i, { weight, wants }] of demands.entries()) {
      if ((shares[i] as number) >= wants) continue
      if (next === -1 || (shares[i] as number) / weight < (shares[next] as number) / (demands[next] as Demand).weight) next = i
    }
    if (next === -1) break
    shares[next] = (shares[next] as number) + 1
  }
  return shares
}
