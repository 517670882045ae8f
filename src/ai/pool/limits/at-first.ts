/** How many calls to a model may be under way before anything was learned. */

/** Calls under way at first and at most. Chosen: few enough to begin with for a small server; a large provider takes a thousand. */
const fewestAtFirst = 32
export const mostAtOnce = 1_024
/** A provider with a limit per minute accepts the requests of six seconds at once, because answers last about that long. Chosen. */
const shareAtFirst = 0.1

/** How many calls may be under way at first, by the limit of requests. */
export function atFirst(requestsPerMinute: number): number {
  return Math.min(mostAtOnce, Math.max(fewestAtFirst, Math.round(shareAtFirst * requestsPerMinute)))
}
