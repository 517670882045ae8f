/**
 * How much memory a mapReduce over a million lazily made items takes: the growth of the resident set from before the run to its
 * peak, in a fresh process each round.
 */
import { fresh } from './harness/processes.mjs'

const script = new URL('memory.child.mjs', import.meta.url)

/** @param {string} source */
const measured = (source) => () => ({
  async measure() {
    const { value } = await fresh(script, { args: [source] })
    return { figure: value.growthMb, 'before MB': value.beforeMb, seconds: value.seconds }
  },
})

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'mapReduce over a lazy source of 1 M items, growth of the resident set to its peak',
  unit: 'MB',
  reference: 'iterable',
  rounds: 5,
  warmups: 0,
  contenders: { iterable: measured('iterable'), 'async iterable': measured('async') },
  targets: (results) =>
    ['iterable', 'async iterable'].map((source) => ({ what: `growth, ${source}, MB`, got: results.median(source), atMost: 50 })),
}
