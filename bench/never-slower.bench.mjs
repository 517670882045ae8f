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
const costsUs = [0.1, 10, 1_000]
/** Longer runs show nothing new. */
const longestMs = 120
/** As long as the compilers need for the path of a map, and as often at least. Chosen. */
const [warmUpMs, warmUpRuns] = [300, 20]
const sampleMs = 60

/** @type {Record<string, { n: number, us: number }>} */
const cases = {}
for (const n of counts) {
  for (const us of costsUs) if ((n * us) / 1e3 <= longestMs) cases[`${n} × ${us} µs`] = { n, us }
}

/** @param {{ n: number, us: number }} size */
const itemsOf = ({ n, us }) => Array.from({ length: n }, () => Math.round(us * stepsPerUs))

/**
 * Warm when it is opened. A sample is the median of as many runs as fit into a moment; the event loop is looked at in a run of its own, so
 * that no timer is in the way of the others.
 * @param {() => unknown} run @param {() => unknown} [close]
 */
async function contender(run, close) {
  const end = performance.now() + warmUpMs
  for (let i = 0; i < warmUpRuns; i++) await run()
  while (performance.now() < end) await run()
  return { measure: async () => ({ figure: await medianMs(run), 'loop held ms': await heldMs(run) }), ...(close && { close }) }
}

/** @param {() => unknown} run */
async function medianMs(run) {
  const times = []
  const end = performance.now() + sampleMs
  for (let i = 0; i < 3 || (performance.now() < end && i < 500); i++) {
    const began = performance.now()
    await run()
    times.push(performance.now() - began)
  }
  return times.sort((a, b) => a - b)[times.length >> 1]
}

/** The longest time for which a run held the event loop. @param {() => unknown} run */
async function heldMs(run) {
  let held = 0
  let last = performance.now()
  const look = () => {
    held = Math.max(held, performance.now() - last)
    last = performance.now()
  }
  const ticks = setInterval(look, 1)
  await run()
  look()
  clearInterval(ticks)
  return held
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
      return contender(() => items.map((steps) => spin(steps)))
    },
    consenting: (size) => heddle(consenting, size),
    'by hand': async (size) => {
      const items = itemsOf(size)
      const hand = await openByHand()
      return contender(() => hand.map('spin', items), hand.close)
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
function heddle(fn, size) {
  const items = itemsOf(size)
  return contender(() => map(items, fn))
}
