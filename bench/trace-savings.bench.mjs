/**
 * What `heddle trace` says a change would save, against what it saves: a service that asks two others over HTTP, one after the other and at once. Its spans, as OTLP, are the only
 * thing that the prediction knows.
 */
import { createServer } from 'node:http'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { map } from 'heddle'
import { explainSpans, readSpans } from 'heddle/trace'

const requests = 20
const items = 12

/** Another service, which takes some time to answer. @param {number} ms */
async function service(ms) {
  const server = createServer((_, response) => setTimeout(() => response.end('{}'), ms * (0.8 + 0.4 * Math.random())))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)))
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return { url: `http://127.0.0.1:${port}`, close: () => server.closeAllConnections() ?? server.close() }
}

/** Spans as an exporter writes them. */
class Spans {
  /** @type {object[]} */
  list = []
  #ids = 0

  /** @param {string} trace @param {string} parent @param {string} name @param {number} kind @param {Record<string, string>} attributes */
  async of(trace, parent, name, kind, attributes, /** @type {(id: string) => Promise<unknown>} */ call) {
    const spanId = (++this.#ids).toString(16).padStart(16, '0')
    const nanos = () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1_000)) * 1_000n
    const startTimeUnixNano = String(nanos())
    await call(spanId)
    const list = Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }))
    this.list.push({
      traceId: trace,
      spanId,
      parentSpanId: parent,
      name,
      kind,
      startTimeUnixNano,
      endTimeUnixNano: String(nanos()),
      attributes: list,
    })
  }
}

/** A page that needs a list, prices for each of its items, and the weather. @param {boolean} atOnce */
async function pages(atOnce) {
  const [prices, weather] = [await service(15), await service(60)]
  const spans = new Spans()
  /** @param {string} trace @param {string} parent @param {string} url */
  const get = (trace, parent, url) =>
    spans.of(trace, parent, 'GET', 3, { 'http.request.method': 'GET', 'url.full': url }, async () => (await fetch(url)).text())
  const times = []
  for (let i = 0; i < requests; i++) {
    const trace = (i + 1).toString(16).padStart(32, '0')
    const before = performance.now()
    await spans.of(trace, '', 'GET /page', 2, {}, async (root) => {
      const all = Array.from({ length: items }, (_, n) => `${prices.url}/price/${n}`)
      if (atOnce) {
        await Promise.all([map(all, (url) => get(trace, root, url), { concurrency: 10 }), get(trace, root, `${weather.url}/now`)])
      } else {
        for (const url of all) await get(trace, root, url)
        await get(trace, root, `${weather.url}/now`)
      }
    })
    times.push(performance.now() - before)
  }
  prices.close()
  weather.close()
  times.sort((a, b) => a - b)
  return { spans: spans.list, median: /** @type {number} */ (times[requests / 2]) }
}

/** @param {object[]} spans */
async function predicted(spans) {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-savings-'))
  try {
    const file = join(folder, 'otlp.json')
    writeFileSync(file, JSON.stringify({ resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ spans }] }] }))
    const [operation] = explainSpans(await readSpans([file])).operations
    return operation?.predicted.p50 ?? 0
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'what a trace says that a change saves, and what it saves',
  unit: 'ms per page',
  reference: 'one after the other',
  rounds: 3,
  warmups: 1,
  cases: { 'a page of 13 calls': {} },
  contenders: {
    'one after the other': () => ({ measure: async () => ({ figure: (await pages(false)).median }) }),
    predicted: () => ({ measure: async () => ({ figure: await predicted((await pages(false)).spans) }) }),
    'at once': () => ({ measure: async () => ({ figure: (await pages(true)).median }) }),
  },
  targets: (results) => {
    const ratio = results.median('predicted', 'a page of 13 calls') / results.median('at once', 'a page of 13 calls')
    return [
      { what: 'predicted, of what it takes at once', got: ratio, atMost: 1.1 },
      { what: 'what it takes at once, of predicted', got: 1 / ratio, atMost: 1.1 },
    ]
  },
}
