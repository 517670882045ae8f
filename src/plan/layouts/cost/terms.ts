/** Where time goes: one number per cause, in seconds. Everything that has a duration here is a sum of these. */
export const termNames = ['computing', 'weights', 'cache', 'allReduce', 'allToAll', 'pipeline', 'overhead'] as const
/** A cause of time. */
export type Term = (typeof termNames)[number]
/** Seconds by cause. */
export type Terms = Readonly<Record<Term, number>>

/** What each term is called in reports. */
export const termLabels: Readonly<Record<Term, string>> = {
  computing: 'computing',
  weights: 'reading weights',
  cache: 'reading the KV cache',
  allReduce: 'all-reduce',
  allToAll: 'all-to-all',
  pipeline: 'pipeline bubble and hops',
  overhead: 'kernels and engine',
}

export const noTerms: Terms = { computing: 0, weights: 0, cache: 0, allReduce: 0, allToAll: 0, pipeline: 0, overhead: 0 }

/** The sum of several, each times its factor. */
export function combine(...parts: readonly (readonly [terms: Terms, factor: number])[]): Terms {
  const sum: Record<Term, number> = { ...noTerms }
  for (const [terms, factor] of parts) for (const name of termNames) sum[name] += terms[name] * factor
  return sum
}

export function totalOf(terms: Terms): number {
  let sum = 0
  for (const name of termNames) sum += terms[name]
  return sum
}

/** The largest one. */
export function decisive(terms: Terms): Term {
  let best: Term = 'computing'
  for (const name of termNames) if (terms[name] > terms[best]) best = name
  return best
}
