/**
 * What it costs that expressions are compiled when they run: the first evaluation of an expression of 20 operations that no other one of
 * the process had the form of, on one element, and the same again.
 */
import * as da from 'heddle/array'

/** @type {((x: da.NDArray, k: number) => da.NDArray)[]} */
const operations = [
  (x, k) => x.add(k),
  (x, k) => x.multiply(k),
  (x, k) => x.subtract(k),
  (x, k) => x.divide(k),
  (x) => x.sqrt(),
  (x) => x.abs(),
  (x) => x.sin(),
  (x) => x.exp(),
  (x, k) => x.minimum(k),
  (x) => da.where(x.greater(0.5), x, x.negative()),
]
const here = { threads: 0 }
let form = 0

/** Another one each time: the operations in the order of the digits of a running number. @param {da.NDArray} x */
function expression(x, number = form++) {
  let result = x
  for (let i = 0, digits = number; i < 20; i++, digits = Math.floor(digits / operations.length)) {
    const operation = operations[(digits + i) % operations.length]
    if (operation) result = operation(result, i + 1)
  }
  return result
}

/** @param {da.NDArray} x */
async function timed(x) {
  const startedAt = performance.now()
  await x.compute(here)
  return performance.now() - startedAt
}

/** What the first evaluation takes beyond one that finds its kernel. @param {number | undefined} first @param {number | undefined} again */
const compiling = (first, again) => (first === undefined || again === undefined ? undefined : first - again)

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'an expression of 20 operations: compiled, and found compiled',
  unit: 'ms',
  reference: 'first time',
  rounds: 15,
  warmups: 3,
  contenders: {
    'first time': () => {
      const x = da.from([0.5])
      return { measure: () => timed(expression(x)) }
    },
    again: () => {
      const x = da.from([0.5])
      return {
        async measure() {
          const number = form++
          await timed(expression(x, number))
          return timed(expression(x, number))
        },
      }
    },
  },
  targets: (results) => [
    {
      what: 'compiling: first time − again, ms',
      got: compiling(results.median('first time'), results.median('again')),
      atMost: 5,
    },
    { what: 'again / first time', got: results.ratio('again', 'first time'), atMost: 0.5 },
  ],
}
