/** What it costs to record: the same map with nobody watching, recorded, and recorded with the tasks under way as `heddle run` does. */
import { map } from 'heddle'
import { record, Recorder } from 'heddle/trace'
import { spin } from './workers/recorded.mjs'

const concurrency = 16

/** Holds the thread for so many microseconds. @param {number} us */
function compute(us) {
  const until = performance.now() + us / 1_000
  while (performance.now() < until);
}

/** @param {{ tasks: number, us: number, workers?: boolean }} options */
function program({ tasks, us, workers = false }) {
  const items = Array.from({ length: tasks }, (_, i) => i)
  if (workers) return () => map(items, spin)
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
    'worker tasks of 20 µs': { tasks: 30_000, us: 20, workers: true },
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
    /** @param {string} name */
    const more = (name) => {
      const [plain, recorded] = [results.median('not recorded', name), results.median('recorded', name)]
      return plain === undefined || recorded === undefined ? undefined : recorded - plain
    }
    return [
      { what: 'recorded − not recorded, trivial tasks (ns)', got: more('trivial tasks'), atMost: 250 },
      { what: 'recorded − not recorded, worker tasks of 20 µs (ns)', got: more('worker tasks of 20 µs'), atMost: 1_000 },
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
