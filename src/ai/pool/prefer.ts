/**
 * Which of the models that fit a call are asked, by what is preferred: pure, from figures to an order.
 *
 * - `'least-busy'`: the one with the most room first; the call waits for any.
 * - `'first'`: the first alone. The others are for when it fails.
 * - `'cheapest'`: the one on which this call costs least, alone, as with `'first'`; of equal ones the least busy.
 * - `'fastest'`: by the median of the latest answers and what waits in front; the call waits for any. One that was not measured lately is tried, with one call.
 * - a function: the order that it gives.
 *
 * `within` puts those outside of a bound behind: a latency, or dollars for the call. When none is inside, the nearest one is asked.
 */
import { describe, InvalidOption } from '../../base/errors.ts'
import { isList } from '../../base/look.js'

/** A model as a function of `prefer` sees it. */
export interface PreferredModel {
  /** As in reports: the member's `name`, or `provider/model`. */
  readonly name: string
  readonly modelId: string
  /** Calls under way and waiting, for each that may be under way. */
  readonly load: number
  /** Calls under way now. */
  readonly running: number
  /** Median of the latest answers, or of the times to first content where the call is a stream; undefined where it was not measured within a minute. */
  readonly latencyMs: number | undefined
  /** How long this call would probably take: the wait for a pause and for those in front, and the latency. */
  readonly expectedMs: number | undefined
  /** What this call will probably cost, in US dollars; undefined without a price. */
  readonly usd: number | undefined
  /** Tokens that fit; `Infinity` where that is not known. */
  readonly contextWindow: number
}

/** A call as a function of `prefer` sees it. */
export interface PreferredCall {
  readonly inputTokens: number
  readonly maxOutputTokens: number | undefined
  readonly stream: boolean
}

/** Gives the models to ask, the best first: their names, or one name. Those that it leaves out are asked when no other is left. Called for every attempt. */
export type PreferFunction = (models: readonly PreferredModel[], call: PreferredCall) => string | readonly string[]

/** Which model a call goes to. */
export type Prefer = 'least-busy' | 'first' | 'cheapest' | 'fastest' | PreferFunction

/** Bounds that `prefer` keeps to, where it can. */
export interface Within {
  readonly latencyMs?: number | undefined
  readonly usd?: number | undefined
}

/** The models to ask, the best first; a call waits for the first that has room. @param models at least one @throws {InvalidOption} for a name that there is not */
export function preferred(
  models: readonly PreferredModel[],
  call: PreferredCall,
  prefer: Prefer,
  within: Within,
): readonly PreferredModel[] {
  if (typeof prefer === 'function') return chosenBy(prefer, models, call)
  const inside = insideOf(models, within)
  switch (prefer) {
    case 'first':
      return inside.slice(0, 1)
    case 'cheapest': {
      const least = Math.min(...inside.map(costOf))
      return byLoad(inside.filter((model) => costOf(model) <= least)).slice(0, 1)
    }
    case 'fastest':
      return inside.toSorted((a, b) => speedOf(a) - speedOf(b) || a.load - b.load)
    case 'least-busy':
      return inside.length === 1 ? inside : byLoad(inside)
  }
}

function byLoad(models: readonly PreferredModel[]): readonly PreferredModel[] {
  return models.toSorted((a, b) => a.load - b.load)
}

function costOf({ usd }: PreferredModel): number {
  return usd ?? Number.POSITIVE_INFINITY
}

/** A model that was not measured lately is tried with one call, and asked last while that is under way. */
function speedOf({ expectedMs, running }: PreferredModel): number {
  return expectedMs ?? (running === 0 ? 0 : Number.MAX_VALUE)
}

function insideOf(models: readonly PreferredModel[], { latencyMs, usd }: Within): readonly PreferredModel[] {
  if (latencyMs === undefined && usd === undefined) return models
  const inside = models.filter(
    (model) => (latencyMs === undefined || speedOf(model) <= latencyMs) && (usd === undefined || costOf(model) <= usd),
  )
  if (inside.length > 0) return inside
  const nearest = latencyMs === undefined ? costOf : speedOf
  const least = Math.min(...models.map(nearest))
  return models.filter((model) => nearest(model) <= least)
}

function chosenBy(prefer: PreferFunction, models: readonly PreferredModel[], call: PreferredCall): readonly PreferredModel[] {
  const given = prefer(models, call)
  const names = typeof given === 'string' ? [given] : given
  if (!isList(names))
    throw new InvalidOption(`Expected the function \`prefer\` of pool to give names of models, got ${describe(given)}`)
  const chosen = names.map((name) => {
    const found = models.find((model) => model.name === name)
    // A model that is closed or has failed this call is not among those that it was given.
    if (found === undefined && typeof name !== 'string')
      throw new InvalidOption(
        `Expected the function \`prefer\` of pool to give names of models, got ${describe(name)} among them`,
      )
    return found
  })
  const known = chosen.filter((model) => model !== undefined)
  return known.length > 0 ? known : models
}
