/** A queue as textbooks have it: Poisson arrivals, servers that take who is first, and service times drawn from measured ones. */
import { random } from './texts.mjs'

/** @param {{ rate: number, servers: number, serviceMs: readonly number[], calls?: number }} queue @returns {number} the 99th percentile of waiting and service */
export function simulatedP99({ rate, servers, serviceMs, calls = 20_000 }) {
  const draw = random(11)
  const freeAt = Array.from({ length: servers }, () => 0)
  const times = []
  let now = 0
  for (let i = 0; i < calls; i++) {
    now += (-Math.log(1 - draw()) / rate) * 1_000
    let first = 0
    for (let s = 1; s < servers; s++) if (freeAt[s] < freeAt[first]) first = s
    const start = Math.max(now, freeAt[first])
    freeAt[first] = start + serviceMs[Math.floor(draw() * serviceMs.length)]
    times.push(freeAt[first] - now)
  }
  times.sort((a, b) => a - b)
  return times[Math.ceil(0.99 * calls) - 1]
}
