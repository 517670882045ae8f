/**
 * A map over a worker function, from one item to a hundred thousand and from 0.1 µs to 1 ms each, with a warm pool. Of a module that consents
 * to run on the caller's thread it must never cost more than the plain loop; of any other, never more than the same work sent by hand to
 * bare workers. Both must use the cores where there is work for them. `--shapes` measures arguments and results of all sizes instead.
 */
import { map } from 'heddle'
import { spin as consenting } from './workers/consenting.mjs'
import { openByHand } from './workers/hand.mjs'
import { spin as contained } from './workers/heddle.mjs'
import { spin } from './workers/plain.mjs'
import { contender } from './never-slower/contender.mjs'
import { promises } from './never-slower/promises.mjs'
import { byShape } from './never-slower/by-shape.mjs'

/** Steps of `spin` for about one microsecond. */
const stepsPerUs = 770
const counts = [1, 10, 100, 1_000, 10_000, 100_000]
const costsUs = [0.1, 1, 10, 100, 1_000]
/** Longer runs show nothing new. */
const longestMs = 120

/** @type {Record<string, { n: number, us: number }>} */
const cases = {}
for (const n of counts) {
  for (const us of costsUs) if ((n * us) / 1e3 <= longestMs) cases[`${n} × ${us} µs`] = { n, us }
}

/** @param {{ n: number, us: number }} size */
const itemsOf = ({ n, us }) => Array.from({ length: n }, () => Math.round(us * stepsPerUs))

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
    promises(results, (name, loopMs) =>
      loopMs >= 100
        ? [{ what: `${name}: consenting / loop`, got: results.ratio('consenting', 'loop', name), atMost: 1 / 1.8 }]
        : [],
    ),
  variants: { shapes: byShape },
}

/** @param {typeof contained} fn @param {{ n: number, us: number }} size */
function heddle(fn, size) {
  const items = itemsOf(size)
  return contender(() => map(items, fn))
}
