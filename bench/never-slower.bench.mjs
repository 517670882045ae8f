/**
 * A map over a worker function, from one item to a hundred thousand and from 0.1 µs to 1 ms each, with a warm pool. Of a module that consents
 * to run on the caller's thread it must never cost more than the plain loop; of any other, never more than the same work sent by hand to
 * bare workers. Both must use the cores where there is work for them.
 */
import { map } from 'heddle'
import { spin as consenting } from './workers/consenting.mjs'
import { openByHand } from './workers/hand.mjs'
import { spin as contained } from './workers/heddle.mjs'
import { spin } from './workers/plain.mjs'

/** Steps of `spin` for about one microsecond. */
const stepsPerUs = 770
const counts = [1, 10, 100, 1_000, 10_000, 100_000]
const costsUs = [0.1, 1, 10, 100, 1_000]
/** Longer runs show nothing new. */
const longestMs = 600

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
  const end = performance.now() + 60
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
  about: 'a map over a worker function against the plain loop, and against bare workers',
  unit: 'ms',
  reference: 'loop',
  rounds: 3,
  warmups: 0,
  cases,
  contenders: {
    loop: (size) => {
      const items = itemsOf(size)
      return { measure: () => measure(() => items.map((steps) => spin(steps))) }
    },
    consenting: (size) => heddle(consenting, size),
    'by hand': async (size) => {
      const items = itemsOf(size)
      const hand = await openByHand()
      for (let i = 0; i < 5; i++) await hand.map('spin', items.slice(0, 2_000))
      return { measure: () => measure(() => hand.map('spin', items)), close: hand.close }
    },
    contained: (size) => heddle(contained, size),
  },
  targets: (results) =>
    Object.keys(cases).flatMap((name) => {
      const loopMs = results.median('loop', name) ?? Number.NaN
      const handMs = results.median('by hand', name) ?? Number.NaN
      const most =
        loopMs >= 100
          ? [{ what: `${name}: consenting / loop`, got: results.ratio('consenting', 'loop', name), atMost: 1 / 1.8 }]
          : []
      return [
        { what: `${name}: consenting, ms`, got: results.median('consenting', name), atMost: 1.05 * loopMs + 1 },
        // Below a tenth of a millisecond the clock and the scheduler decide.
        { what: `${name}: contained, ms`, got: results.median('contained', name), atMost: 1.1 * handMs + 0.1 },
        ...most,
        ...['consenting', 'contained'].map((who) => ({
          what: `${name}: ${who}, event loop held, ms`,
          got: results.median(who, name, 'loop held ms'),
          atMost: 10,
        })),
      ]
    }),
}

/** @param {typeof contained} fn @param {{ n: number, us: number }} size */
async function heddle(fn, size) {
  const items = itemsOf(size)
  for (let i = 0; i < 5; i++) await map(items.slice(0, 2_000), fn)
  return { measure: () => measure(() => map(items, fn)) }
}
