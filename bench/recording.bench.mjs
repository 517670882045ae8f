/** What it costs to record: the same map with nobody watching, recorded, and recorded with the tasks under way as `heddle run` does. */
import { map } from 'heddle'
import { record, Recorder } from 'heddle/trace'

const concurrency = 16

/** Holds the thread for so many microseconds. @param {number} us */
function compute(us) {
  const until = performance.now() + us / 1_000
  while (performance.now() < until);
}

/** @param {{ tasks: number, us: number }} options */
function program({ tasks, us }) {
  const items = Array.from({ length: tasks }, (_, i) => i)
  const fn =
    us === 0
      ? async (/** @type {number} */ x) => x * 2
      : async (/** @type {number} */ x) => {
          compute(us)
          return x * 2
        }
  return () => map(items, fn, { concurrency })
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `map with ${concurrency} at once: nobody records, record(), and a live recording`,
  unit: 'ns per task',
  figure: (ms, { tasks }) => (ms * 1e6) / tasks,
  reference: 'not recorded',
  // Hundredths of a task of 10 µs need more rounds than the usual seven, and more processes than one.
  rounds: 30,
  processes: 6,
  cases: {
    'trivial tasks': { tasks: 200_000, us: 0 },
    'tasks of 10 µs': { tasks: 50_000, us: 10 },
    // Beginning and ending a recording takes about a millisecond, which shows in a tenth of a second.
    'only 10,000 of them': { tasks: 10_000, us: 10 },
  },
  contenders: {
    'not recorded': (options) => ({ run: program(options) }),
    recorded: (options) => {
      const run = program(options)
      return { run: async () => (await record(run)).value }
    },
    'recorded live': (options) => {
      const run = program(options)
      return {
        run: async () => {
          const recorder = new Recorder({ name: 'bench', live: true })
          try {
            return await run()
          } finally {
            recorder.end()
          }
        },
      }
    },
  },
  check(/** @type {number[]} */ results, { tasks }) {
    if (results.length !== tasks || results.at(-1) !== (tasks - 1) * 2) throw new Error('wrong results')
  },
  targets: (results) => {
    const trivial = (/** @type {string} */ who) => results.median(who, 'trivial tasks')
    const [plain, recorded] = [trivial('not recorded'), trivial('recorded')]
    return [
      {
        what: 'recorded − not recorded, trivial tasks (ns)',
        got: plain === undefined || recorded === undefined ? undefined : recorded - plain,
        atMost: 250,
      },
      {
        what: 'recorded / not recorded, tasks of 10 µs',
        got: results.ratio('recorded', 'not recorded', 'tasks of 10 µs'),
        atMost: 1.02,
      },
      {
        what: 'recorded live / not recorded, tasks of 10 µs',
        got: results.ratio('recorded live', 'not recorded', 'tasks of 10 µs'),
        atMost: 1.02,
      },
    ]
  },
}
