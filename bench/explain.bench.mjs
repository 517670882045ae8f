/** A recording of a million tasks: how much memory it holds, and how long it takes to explain, to write and to read. */
import { rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { graph, map } from 'heddle'
import { explain, readTrace, record, saveTrace } from 'heddle/trace'

const file = join(tmpdir(), `heddle-bench-${process.pid}.heddle`)
/** @type {Record<string, (tasks: number) => Promise<unknown>>} */
const programs = {
  'a map': (tasks) =>
    map(
      Array.from({ length: tasks }, (_, i) => i),
      async (x) => x,
    ),
  'a graph': (tasks) => {
    const g = graph('million')
    /** @type {any[]} */
    const made = []
    for (let i = 0; i < tasks; i++) {
      const needs = i < 100 ? {} : { a: made[i - 100], b: made[i - 1 - (i % 99)] }
      made.push(g.task(`task ${i}`, needs, async () => i))
    }
    return g.run(made.at(-1))
  },
}

/** @param {{ tasks: number, shape: string }} options */
async function recorded({ tasks, shape }) {
  return (await record(() => /** @type {any} */ (programs[shape])(tasks))).trace
}

/** Bytes that a trace holds; the columns of a table share a buffer. @param {import('heddle/trace').Trace} trace */
function bytesOf(trace) {
  const buffers = new Set()
  for (const table of [trace.tasks, trace.needs, trace.runs, trace.notes, trace.samples]) {
    for (const column of Object.values(table)) if (typeof column === 'object') buffers.add(column.buffer)
  }
  const columns = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0)
  return columns + trace.strings.reduce((sum, text) => sum + 16 + text.length, 0)
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'a recording of a million tasks',
  unit: 'ms',
  reference: 'explain',
  rounds: 3,
  warmups: 1,
  cases: {
    'a map': { tasks: 1_000_000, shape: 'a map' },
    'a graph': { tasks: 1_000_000, shape: 'a graph' },
  },
  contenders: {
    explain: async (options) => {
      const trace = await recorded(options)
      return {
        measure: () => {
          const before = performance.now()
          explain(trace)
          return { figure: performance.now() - before, 'trace MB': bytesOf(trace) / 1e6, tasks: trace.tasks.count }
        },
      }
    },
    'write and read': async (options) => {
      const trace = await recorded(options)
      return {
        measure: () => {
          const before = performance.now()
          saveTrace(trace, file)
          const written = performance.now()
          readTrace(file)
          const read = performance.now()
          const megabytes = statSync(file).size / 1e6
          rmSync(file)
          return { figure: read - before, 'write ms': written - before, 'read ms': read - written, 'file MB': megabytes }
        },
      }
    },
  },
  targets: (results) => [
    { what: 'explain a map of 1 M (ms)', got: results.median('explain', 'a map'), atMost: 2_000 },
    { what: 'explain a graph of 1 M (ms)', got: results.median('explain', 'a graph'), atMost: 2_000 },
    { what: 'memory of a map of 1 M (MB)', got: results.median('explain', 'a map', 'trace MB'), atMost: 100 },
    { what: 'memory of a graph of 1 M with its names (MB)', got: results.median('explain', 'a graph', 'trace MB'), atMost: 150 },
  ],
}
