/** Calls of a worker function that does next to nothing: what a pool itself costs. */
import { map } from 'heddle'
import { double as consenting } from './workers/consenting.mjs'
import { openByHand } from './workers/hand.mjs'
import { double } from './workers/heddle.mjs'
import { peers } from './workers/peers.mjs'

const calls = 100_000
const items = Array.from({ length: calls }, (_, i) => i)
/** Peers pay the same for each of fewer calls: the whole number takes them four seconds a round on a busy machine. */
const peerItems = items.slice(0, 10_000)
/** How many calls a pool may send to a worker ahead; the best of 1, 10, 100 for each that has the setting. */
const together = 10

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `${calls.toLocaleString('en')} calls of a worker function that doubles a number`,
  unit: 'ns per call',
  figure: (ms) => (ms * 1e6) / calls,
  reference: 'piscina',
  contenders: {
    'heddle map': () => ({ run: () => map(items, double) }),
    'heddle map, consenting': () => ({ run: () => map(items, consenting) }),
    'by hand': async () => {
      const hand = await openByHand()
      return { run: () => hand.map('double', items), close: hand.close }
    },
    'heddle Promise.all': () => ({ run: () => Promise.all(items.map((x) => double(x))) }),
    ...Object.fromEntries(
      Object.entries(peers).map(([name, open]) => [
        name,
        async () => {
          const { call, close } = await open('double', together)
          const measure = async () => {
            const began = performance.now()
            const results = await Promise.all(peerItems.map((x) => call(x)))
            const ms = performance.now() - began
            if (results.at(-1) !== 2 * (peerItems.length - 1)) throw new Error('wrong results')
            return (ms * 1e6) / peerItems.length
          }
          return { measure, close }
        },
      ]),
    ),
  },
  check(/** @type {number[]} */ results) {
    if (results.length !== calls || results[calls - 1] !== 2 * (calls - 1)) throw new Error('wrong results')
  },
  targets: (results) => [
    { what: 'heddle map / piscina', got: results.ratio('heddle map', 'piscina'), atMost: 1 / 20 },
    { what: 'heddle map / by hand', got: results.ratio('heddle map', 'by hand'), atMost: 1.1 },
    { what: 'heddle map, consenting / piscina', got: results.ratio('heddle map, consenting', 'piscina'), atMost: 1 / 20 },
    { what: 'heddle Promise.all / piscina', got: results.ratio('heddle Promise.all', 'piscina'), atMost: 1 / 10 },
  ],
}
