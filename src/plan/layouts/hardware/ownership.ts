/** Rent, buy or call an API: what a million output tokens come to. */

/** What is owned or rented, and how busy it is. */
export interface OwnershipOptions {
  /** Output tokens a second that the GPUs give when busy. */
  readonly tokensPerSecond: number
  /** GPUs that give it. */
  readonly gpus: number
  /** Share of the time in which they are busy, from above 0 to 1. */
  readonly busy: number
  /** US dollars per GPU and hour. */
  readonly rent: number
  /** US dollars per GPU, with its share of server and network. */
  readonly buy: number
  /** Watts of a GPU under load; the server around it draws about half as much again. */
  readonly watts: number
  /** @default 3 */
  readonly years?: number
  /** Share of the price that is left at the end. @default 0.3 */
  readonly residual?: number
  /** US dollars per kilowatt and month for space, power and cooling. @default 200 */
  readonly colocation?: number
  /** US dollars a year for people and spare parts, per GPU. @default 1,500 */
  readonly upkeep?: number
}

/** What a million tokens cost when GPUs are rented, bought, or a provider is paid. */
export interface Ownership {
  /** US dollars per million output tokens. */
  readonly rented: number
  readonly bought: number
  /** Share of busy time from which on buying is cheaper than renting by the hour for all hours; above 1: never. */
  readonly breakEven: number
}

const hoursPerYear = 8766

/**
 * Compares renting and buying GPUs. The defaults are those of docs/models-cost.md, with their sources. Never throws.
 *
 * @example
 * const { rented, bought } = ownership({ tokensPerSecond: 2_400, gpus: 1, busy: 0.5, rent: 2.5, buy: 30_000, watts: 700 })
 */
export function ownership(options: OwnershipOptions): Ownership {
  const { tokensPerSecond, gpus, busy, rent, buy, watts, years = 3, residual = 0.3, colocation = 200, upkeep = 1500 } = options
  const tokensPerHour = tokensPerSecond * 3600
  const perGpuHour =
    (buy * (1 - residual)) / years / hoursPerYear +
    ((watts * 1.5) / 1000) * ((colocation * 12) / hoursPerYear) +
    upkeep / hoursPerYear
  return {
    // Rented GPUs are given back when idle; bought ones are not.
    rented: (gpus * rent * 1e6) / tokensPerHour,
    bought: (gpus * perGpuHour * 1e6) / (tokensPerHour * busy),
    breakEven: perGpuHour / rent,
  }
}
