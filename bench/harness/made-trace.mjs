/** A trace of any size, made without running it: six maps, one after the other, on sixteen workers; one task in 5,000 of the second fails. */
import { saveTrace } from 'heddle/trace'

const names = ['parse', 'embed', 'score', 'render', 'index', 'merge']
const means = [0.5, 1.6, 0.2, 0.9, 0.3, 0.7]
const workers = 16

/** @param {string} path @param {number} count */
export function writeMadeTrace(path, count) {
  const random = randomFrom(9)
  const perRun = Math.ceil(count / names.length)
  const tasks = run(count, perRun, random)
  const end = tasks.reduce((last, { to }) => Math.max(last, to), 0)
  const strings = ['', 'map', ...names, JSON.stringify({ name: 'RangeError', message: 'vector of length 0' })]
  const of = (/** @type {(task: (typeof tasks)[number], i: number) => number} */ pick) => tasks.map(pick)
  const runs = names.map((_, g) => tasks.filter(({ group }) => group === g))
  const samples = Array.from({ length: Math.floor(end / 100) }, (_, i) => 100 * (i + 1))
  saveTrace(
    {
      meta: {
        name: 'pipeline.ts',
        epochMs: Date.UTC(2026, 0, 5, 9, 30),
        durationMs: end,
        window: 'runs',
        cores: workers,
        runtime: process.version.replace('v', 'node '),
        complete: true,
      },
      strings,
      tasks: {
        count,
        id: Uint32Array.from(of(({ id }) => id)),
        run: Uint32Array.from(of(({ group }) => group + 1)),
        parent: new Uint32Array(count),
        index: Int32Array.from(of(({ id, group }) => id - 1 - group * perRun)),
        name: new Uint32Array(count),
        needsEnd: new Uint32Array(count),
        row: Uint32Array.from(of(({ row }) => row)),
        queuedAt: Float64Array.from(of(({ ready }) => ready)),
        readyAt: Float64Array.from(of(({ ready }) => ready)),
        startedAt: Float64Array.from(of(({ from }) => from)),
        settledAt: Float64Array.from(of(({ to }) => to)),
        attempts: new Uint16Array(count).fill(1),
        limiterMs: new Float32Array(count),
        retryMs: new Float32Array(count),
        bytes: new Float32Array(count),
        state: Uint8Array.from(of(({ failed }) => (failed ? 3 : 2))),
        error: Uint32Array.from(of(({ failed }) => (failed ? strings.length - 1 : 0))),
      },
      needs: { count: 0, task: new Uint32Array(0) },
      runs: {
        count: names.length,
        id: Uint32Array.from(names, (_, g) => g + 1),
        kind: new Uint32Array(names.length).fill(1),
        name: Uint32Array.from(names, (_, g) => g + 2),
        parentTask: new Uint32Array(names.length),
        parentRun: new Uint32Array(names.length),
        startedAt: Float64Array.from(runs, (tasks) => tasks.reduce((first, { ready }) => Math.min(first, ready), end)),
        settledAt: Float64Array.from(runs, (tasks) => tasks.reduce((last, { to }) => Math.max(last, to), 0)),
        total: Float64Array.from(runs, (tasks) => tasks.length),
        concurrency: new Float64Array(names.length).fill(workers),
        state: new Uint8Array(names.length).fill(1),
      },
      notes: {
        count: 0,
        at: new Float64Array(0),
        run: new Uint32Array(0),
        kind: new Uint32Array(0),
        text: new Uint32Array(0),
        data: new Uint32Array(0),
      },
      samples: {
        count: samples.length,
        at: Float64Array.from(samples),
        busy: Float32Array.from(samples, () => 0.2 + 0.2 * random()),
        delayMs: Float32Array.from(samples, () => 3 * random()),
        cores: Float32Array.from(samples, () => 14 + 2 * random()),
        rssBytes: Float64Array.from(samples, (_, i) => 2e8 + 1e6 * i),
      },
    },
    path,
  )
}

/** In the order in which they settle. @param {number} count @param {number} perRun @param {() => number} random */
function run(count, perRun, random) {
  const free = new Float64Array(workers).fill(40)
  const tasks = []
  let begin = 40
  for (let i = 0; i < count; i++) {
    const group = Math.floor(i / perRun)
    if (i % perRun === 0) free.fill((begin = Math.max(...free) + 3))
    let row = 0
    for (let w = 1; w < workers; w++) if (/** @type {number} */ (free[w]) < /** @type {number} */ (free[row])) row = w
    const from = /** @type {number} */ (free[row]) + (random() < 0.02 ? 0.4 : 0.01)
    const length = 0.1 - /** @type {number} */ (means[group]) * Math.log(1 - random())
    const to = from + (random() < 0.0001 ? 60 : 1) * length
    free[row] = to
    tasks.push({
      id: i + 1,
      group,
      row: row + 1,
      ready: Math.max(begin, from - 4),
      from,
      to,
      failed: group === 1 && random() < 0.0002,
    })
  }
  return tasks.sort((a, b) => a.to - b.to)
}

/** @param {number} seed */
function randomFrom(seed) {
  let state = seed
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}
