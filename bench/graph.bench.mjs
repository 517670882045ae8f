/**
 * What a task of a graph costs that does next to nothing. Layered random graphs: about the square root of the tasks in each layer, and
 * each task needs the one right above it and up to two others of the layer above: so every task is needed, which is kind to Dask
 * (loose ends make its ordering pass several times slower). The graph stands and is run again and again; `+ build` makes it anew each time.
 */
import { graph } from 'heddle'
import { openPython } from './harness/processes.mjs'

/** Needs of each task, from a fixed seed (mulberry32, as in graph.peer.py). @param {number} size */
export function layered(size) {
  let seed = 42
  const random = () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
  const width = Math.round(Math.sqrt(size))
  return Array.from({ length: size }, (_, task) => {
    const above = Math.floor(task / width) * width - width
    if (above < 0) return []
    const others = Array.from({ length: random() % 3 }, () => above + (random() % width))
    return [...new Set([above + (task % width), ...others])]
  })
}

/** @param {readonly (readonly number[])[]} rows */
function build(rows) {
  const g = graph('layered')
  /** @type {import('heddle').TaskRef<number>[]} */
  const refs = []
  for (const [i, needs] of rows.entries()) {
    const wanted = needs.map((need) => refs[need])
    refs.push(g.task(`t${i}`, wanted, async (values) => 1 + (values[0] ?? 0)))
  }
  return g
}

/** @param {number} size @param {number} [rounds] */
async function dask(size, rounds) {
  const python = await openPython(new URL('graph.peer.py', import.meta.url))
  if ('absent' in python) return python
  await python.ask({ size })
  return { measure: async () => ((await python.ask({})) * 1e6) / size, close: python.close, rounds }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'layered random graphs, up to 3 needs per task, trivial async tasks',
  unit: 'µs per task',
  reference: 'heddle',
  figure: (ms, size) => (ms * 1e3) / size,
  rounds: 3,
  cases: { '1 k': 1e3, '10 k': 1e4, '100 k': 1e5, '1 M': 1e6 },
  contenders: {
    heddle: (size) => {
      const g = build(layered(size))
      return { run: () => g.run() }
    },
    'heddle + build': (size) => {
      const rows = layered(size)
      return { run: () => build(rows).run() }
    },
    // A million tasks take Dask two minutes.
    'Dask threaded': (size) => dask(size, size > 1e5 ? 1 : undefined),
  },
  check(/** @type {Record<string, number>} */ results, size) {
    // The last layer may be short; then some tasks of the one above are final too.
    const depth = Math.ceil(size / Math.round(Math.sqrt(size)))
    const values = Object.values(results)
    if (values.every((value) => value === depth || value === depth - 1) && values.includes(depth)) return
    throw new Error(`wrong result: the graph is ${depth} layers deep`)
  },
  targets: (results) =>
    results.sizes.flatMap((size) => [
      { what: `heddle, ${size} tasks, µs`, got: results.median('heddle', size), atMost: 2 },
      { what: `Dask / heddle, ${size} tasks`, got: results.ratio('Dask threaded', 'heddle', size), atLeast: 25 },
    ]),
}
