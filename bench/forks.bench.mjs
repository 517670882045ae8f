/**
 * Forks inside worker functions, on a warm pool: n queens by nested maps, a quicksort in shared memory by nested forks, and recursion down to trivial
 * leaves. The reference is the same work as one plain call on one worker.
 */
import { warmUp } from 'heddle'
import { functions } from './workers/forks.mjs'

const numbers = 20_000_000

/** @type {Int32Array | undefined} */
let cells

/** The same numbers each time. */
function shuffled() {
  cells ??= new Int32Array(new SharedArrayBuffer(4 * numbers))
  let state = 1
  for (let i = 0; i < numbers; i++) cells[i] = state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
  return cells
}

/** @param {() => Promise<unknown>} run @param {() => void} [prepare] */
async function warm(run, prepare) {
  await warmUp([functions.queens])
  prepare?.()
  await run()
  return {
    measure: async () => {
      prepare?.()
      const began = performance.now()
      await run()
      return performance.now() - began
    },
  }
}

/** @type {Record<string, { plain: () => Promise<unknown>, forks: () => Promise<unknown>, prepare?: () => void }>} */
const programs = {
  'queens 12': {
    plain: () => functions.queensPlain({ n: 12 }),
    forks: () => functions.queens({ n: 12, board: [] }),
  },
  'queens 13': {
    plain: () => functions.queensPlain({ n: 13 }),
    forks: () => functions.queens({ n: 13, board: [] }),
  },
  'quicksort of 20 M': {
    plain: () => functions.sortPlain(/** @type {Int32Array} */ (cells), 0, numbers),
    forks: () => functions.sort(/** @type {Int32Array} */ (cells), 0, numbers),
    prepare: shuffled,
  },
  'fib(25), a fork at every level': { plain: () => functions.fibCalls(25), forks: () => functions.fibForks(25) },
  'map of 100 k trivial items': { plain: () => functions.leavesPlain(1e5), forks: () => functions.leaves(1e5) },
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'divide and conquer inside worker functions against one plain call on one worker',
  unit: 'ms',
  reference: 'plain',
  rounds: 5,
  warmups: 1,
  cases: Object.fromEntries(Object.keys(programs).map((program) => [program, { program }])),
  contenders: {
    plain: ({ program }) => {
      const { plain, prepare } = programs[program]
      return warm(plain, prepare)
    },
    forks: ({ program }) => {
      const { forks, prepare } = programs[program]
      return warm(forks, prepare)
    },
  },
  targets: (results) => [
    { what: 'queens 13, forks / plain', got: results.ratio('forks', 'plain', 'queens 13'), atMost: 1 / 1.8 },
    { what: 'quicksort, forks / plain', got: results.ratio('forks', 'plain', 'quicksort of 20 M'), atMost: 1 / 1.6 },
    {
      what: 'fib(25), forks / plain nested calls',
      got: results.ratio('forks', 'plain', 'fib(25), a fork at every level'),
      atMost: 1.2,
    },
    {
      what: '100 k trivial items, worker function / plain function',
      got: results.ratio('forks', 'plain', 'map of 100 k trivial items'),
      atMost: 1.2,
    },
  ],
}
