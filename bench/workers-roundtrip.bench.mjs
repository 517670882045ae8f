/** One call after the other: the time from a call to its result. A single call always goes to a worker, whatever its module consents to. */
import { openByHand } from './workers/hand.mjs'
import { double } from './workers/heddle.mjs'
import { peers } from './workers/peers.mjs'

const calls = 2_000

/** @param {(x: unknown) => Promise<unknown>} call */
async function oneByOne(call) {
  let sum = 0
  for (let i = 0; i < calls; i++) sum += /** @type {number} */ (await call(i))
  return sum
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `${calls.toLocaleString('en')} calls, each awaited before the next`,
  unit: 'µs per call',
  figure: (ms) => (ms * 1e3) / calls,
  reference: 'piscina',
  contenders: {
    heddle: () => ({ run: () => oneByOne((x) => double(/** @type {number} */ (x))) }),
    'by hand': async () => {
      const hand = await openByHand()
      const call = async (/** @type {unknown} */ x) => (await hand.map('double', [x]))[0]
      return { run: () => oneByOne(call), close: hand.close }
    },
    ...Object.fromEntries(
      Object.entries(peers).map(([name, open]) => [
        name,
        async () => {
          const { call, close } = await open('double', 1)
          return { run: () => oneByOne(call), close }
        },
      ]),
    ),
  },
  check(/** @type {number} */ sum) {
    if (sum !== calls * (calls - 1)) throw new Error('wrong results')
  },
  targets: (results) => [
    { what: 'heddle / piscina', got: results.ratio('heddle', 'piscina'), atMost: 1 },
    { what: 'heddle / by hand', got: results.ratio('heddle', 'by hand'), atMost: 1.1 },
  ],
}
