/**
 * A map over a worker function against the plain loop, from one item to a hundred thousand and from 0.1 µs to 1 ms each: with a warm
 * pool it must never cost more than the loop, and it must use the cores where there is work for them.
 */
import { map } from 'heddle'
import { spin as spinOnWorkers } from './workers/heddle.mjs'
import { spin } from './workers/plain.mjs'

/** Steps of `spin` for about one microsecond. */
const stepsPerUs = 770
const counts = [1, 10, 100, 1_000, 10_000, 100_000]
const costsUs = [0.1, 1, 10, 100, 1_000]
/** Longer runs show nothing new. */
const longestMs = 1_100

/** @type {Record<string, { n: number, us: number }>} */
const cases = {}
for (const n of counts) {
  for (const us of costsUs) if ((n * us) / 1e3 <= longestMs) cases[`${n} × ${us} µs`] = { n, us }
}

/** @param {{ n: number, us: number }} size */
const itemsOf = ({ n, us }) => Array.from({ length: n }, () => Math.round(us * stepsPerUs))

/**
 * The median of as many runs as fit into a moment, and the longest time that the event loop was held.
 * @param {() => unknown} run
 */
async function measure(run) {
  const times = []
  let heldMs = 0
  const end = performance.now() + 120
  for (let i = 0; i < 3 || (performance.now() < end && i < 200); i++) {
    let last = performance.now()
    const ticks = setInterval(() => {
      heldMs = Math.max(heldMs, performance.now() - last)
      last = performance.now()
    }, 1)
    const began = performance.now()
    await run()
    times.push(performance.now() - began)
    heldMs = Math.max(heldMs, performance.now() - last)
    clearInterval(ticks)
  }
  return { figure: times.sort((a, b) => a - b)[times.length >> 1], 'loop held ms': heldMs }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'a map over a worker function against the plain loop',
  unit: 'ms',
  reference: 'loop',
  rounds: 3,
  warmups: 1,
  cases,
  contenders: {
    loop: (size) => {
      const items = itemsOf(size)
      return { measure: () => measure(() => items.map((steps) => spin(steps))) }
    },
    heddle: async (size) => {
      const items = itemsOf(size)
      for (let i = 0; i < 5; i++) await map(items.slice(0, 2_000), spinOnWorkers)
      return { measure: () => measure(() => map(items, spinOnWorkers)) }
    },
  },
  targets: (results) =>
    Object.entries(cases).flatMap(([name]) => {
      const loopMs = results.median('loop', name)
      const ms = results.median('heddle', name)
      if (loopMs === undefined || ms === undefined) return [{ what: name, got: undefined, atMost: 1 }]
      return [
        { what: `${name}: ms`, got: ms, atMost: 1.05 * loopMs + 0.5 },
        ...(loopMs >= 100 ? [{ what: `${name}: heddle / loop`, got: ms / loopMs, atMost: 1 / 1.8 }] : []),
        { what: `${name}: event loop held, ms`, got: results.median('heddle', name, 'loop held ms'), atMost: 10 },
      ]
    }),
}
