/**
 * The load, in a process of its own. Closed: so many clients, each asks again when it is answered. Open: requests come at random moments (Poisson)
 * whatever becomes of the others, and a latency counts from the moment at which the request should have been sent.
 */
import { Agent, request } from 'node:http'
import { random, texts } from './texts.mjs'

const bodies = texts(2_000).map((input) => JSON.stringify({ model: 'minilm', input }))
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })

process.on('message', (/** @type {any} */ order) => void run(order).then((value) => process.send?.(value)))
process.on('disconnect', () => process.exit())

/** @param {string} url @param {string} body @returns {Promise<number>} the status, 0 where there was none */
function post(url, body) {
  return new Promise((resolve) => {
    const sent = request(
      `${url}/v1/embeddings`,
      { method: 'POST', agent, headers: { 'content-type': 'application/json' } },
      (response) => {
        response.on('error', () => resolve(0))
        response.on('end', () => resolve(response.statusCode ?? 0))
        response.resume()
      },
    )
    sent.on('error', () => resolve(0))
    sent.end(body)
  })
}

function health(url) {
  const from = performance.now()
  return new Promise((resolve) => {
    const sent = request(`${url}/health`, (response) => {
      response.on('end', () => resolve(performance.now() - from))
      response.resume()
    })
    sent.on('error', () => resolve(Number.POSITIVE_INFINITY))
    sent.end()
  })
}

/** @param {{ url: string, clients?: number, rate?: number, seconds: number, seed?: number }} order */
async function run({ url, clients, rate, seconds, seed = 3 }) {
  const answered = []
  const refused = []
  const healths = []
  let failed = 0
  let next = 0
  const from = performance.now()
  const until = from + seconds * 1_000
  const one = async (intended) => {
    const status = await post(url, bodies[next++ % bodies.length])
    const ms = performance.now() - intended
    if (status === 200) answered.push([ms, performance.now()])
    else if (status === 429 || status === 503) refused.push(ms)
    else failed++
  }
  const probe = setInterval(() => void health(url).then((ms) => healths.push(ms)), 100)
  let late = []
  if (clients) {
    await Promise.all(
      Array.from({ length: clients }, async () => {
        while (performance.now() < until) await one(performance.now())
      }),
    )
  } else {
    const draw = random(seed)
    const open = []
    for (let at = from; at < until; at += (-Math.log(1 - draw()) / (rate ?? 1)) * 1_000) {
      const wait = at - performance.now()
      if (wait > 0.5) await new Promise((resolve) => setTimeout(resolve, wait))
      late.push(performance.now() - at)
      open.push(one(at))
    }
    await Promise.all(open)
  }
  clearInterval(probe)
  agent.destroy()
  const inTime = answered.filter(([, at]) => at <= until).length
  const times = answered.map(([ms]) => ms)
  return {
    answered: answered.length,
    perSecond: inTime / seconds,
    refused: refused.length,
    failed,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    mean: times.reduce((sum, ms) => sum + ms, 0) / Math.max(1, times.length),
    refusedP99: quantile(refused, 0.99),
    healthP99: quantile(healths, 0.99),
    lateP99: quantile(late, 0.99),
  }
}

function quantile(values, share) {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}
