/** The price of an option by simulation, for a grid of strikes and volatilities. */
import { map, workers } from 'heddle'
import { randomFrom } from './data.mjs'
import { consent } from './program.mjs'

/** @typedef {{ strike: number, volatility: number, seed: number, paths: number }} Point */

/** The average of what a call pays at the end of 32 steps. @param {Point} point */
function price({ strike, volatility, seed, paths }) {
  const random = randomFrom(seed)
  const step = volatility / Math.sqrt(32)
  let paid = 0
  for (let path = 0; path < paths; path++) {
    let value = 100
    // The sum of three uniform numbers is close enough to a normal one.
    for (let i = 0; i < 32; i++) value *= 1 + step * ((random() + random() + random()) / 2 ** 31 - 3)
    paid += Math.max(0, value - strike)
  }
  return paid / paths
}

const contained = workers(import.meta.url, { price }, consent(import.meta.url))
export const byHand = { priceAll: (/** @type {Point[]} */ points) => points.map(price) }

/** @type {Record<string, import('./program.mjs').Program<number, Point[]>>} */
export const programs = {
  'Monte Carlo, 64 points': {
    sizes: { small: 2_000, full: 20_000 },
    prepare: (paths) =>
      Array.from({ length: 64 }, (_, i) => ({ strike: 80 + 5 * (i % 8), volatility: 0.1 + 0.05 * (i >> 3), seed: i, paths })),
    loop: (points) => points.map(price),
    heddle: (points) => map(points, contained.price),
    byHand: async (points, hand) => (await hand.halves('priceAll', points)).flat(),
    wanted: { overLoop: 1.8 },
  },
}
