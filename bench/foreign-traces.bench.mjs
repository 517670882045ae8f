/** A million spans of another system: how long it takes to read them, and to say what ran one after the other, and how much memory. */
import { closeSync, existsSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { explainSpans, readSpans } from 'heddle/trace'

const spans = 1_000_000
const perTrace = 25
const perResource = 1_000

/** @param {number} value */
function varint(value) {
  const bytes = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128)
  return Buffer.from([...bytes, value])
}
/** @param {number} field @param {Buffer | string} content */
const bytesField = (field, content) =>
  Buffer.concat([varint(8 * field + 2), varint(Buffer.byteLength(content)), Buffer.from(content)])
/** @param {number} field @param {bigint} nanos */
function timeField(field, nanos) {
  const bytes = Buffer.alloc(9)
  bytes[0] = 8 * field + 1
  bytes.writeBigUInt64LE(nanos, 1)
  return bytes
}
/** @param {number} field @param {string} key @param {string} value */
const attribute = (field, key, value) =>
  bytesField(field, Buffer.concat([bytesField(1, key), bytesField(2, bytesField(1, value))]))

/** @param {number} n */
function spanOf(n) {
  const [trace, place] = [Math.floor(n / perTrace), n % perTrace]
  const start = 1_764_540_000_000_000_000n + BigInt(trace) * 1_000_000n + BigInt(place) * 9_000_000n
  return {
    traceId: (trace + 1).toString(16).padStart(32, '0'),
    spanId: (n + 1).toString(16).padStart(16, '0'),
    parentSpanId: place === 0 ? '' : (trace * perTrace + 1).toString(16).padStart(16, '0'),
    name: place === 0 ? 'GET /checkout' : 'SELECT items',
    kind: place === 0 ? 2 : 3,
    start,
    end: start + (place === 0 ? 300_000_000n : 8_000_000n),
    /** @type {[string, string][]} */
    attributes:
      place === 0
        ? [['http.route', '/checkout']]
        : [
            ['db.system', 'postgresql'],
            ['db.statement', 'SELECT * FROM items WHERE id = $1 AND shop = $2'],
            ['net.peer.name', 'db.internal.example'],
            ['thread.name', 'worker-1'],
          ],
  }
}

const forms = {
  protobuf: (/** @type {number} */ from) => {
    const list = Array.from({ length: perResource }, (_, i) => {
      const { traceId, spanId, parentSpanId, name, kind, start, end, attributes } = spanOf(from + i)
      return bytesField(
        2,
        Buffer.concat([
          bytesField(1, Buffer.from(traceId, 'hex')),
          bytesField(2, Buffer.from(spanId, 'hex')),
          ...(parentSpanId ? [bytesField(4, Buffer.from(parentSpanId, 'hex'))] : []),
          bytesField(5, name),
          Buffer.from([48, kind]),
          timeField(7, start),
          timeField(8, end),
          ...attributes.map(([key, value]) => attribute(9, key, value)),
        ]),
      )
    })
    return bytesField(1, Buffer.concat([bytesField(1, attribute(1, 'service.name', 'shop')), bytesField(2, Buffer.concat(list))]))
  },
  json: (/** @type {number} */ from) => {
    const list = Array.from({ length: perResource }, (_, i) => {
      const { start, end, attributes, ...span } = spanOf(from + i)
      return {
        ...span,
        startTimeUnixNano: String(start),
        endTimeUnixNano: String(end),
        attributes: attributes.map(([key, stringValue]) => ({ key, value: { stringValue } })),
        status: {},
      }
    })
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] }
    return Buffer.from(`${JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ scope: {}, spans: list }] }] })}\n`)
  },
}

/** @param {keyof typeof forms} form */
function fileOf(form) {
  const path = join(tmpdir(), `heddle-bench-spans-${process.pid}.${form}`)
  if (existsSync(path)) return path
  const file = openSync(path, 'w')
  for (let from = 0; from < spans; from += perResource) writeSync(file, forms[form](from))
  closeSync(file)
  process.once('exit', () => rmSync(path, { force: true }))
  return path
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'a million spans of another system',
  unit: 'ms',
  reference: 'read',
  rounds: 3,
  warmups: 0,
  cases: { protobuf: { form: 'protobuf' }, JSON: { form: 'json' } },
  contenders: {
    read: (/** @type {{ form: keyof typeof forms }} */ { form }) => {
      const path = fileOf(form)
      return {
        measure: async () => {
          const before = performance.now()
          const { rows } = await readSpans([path])
          const figure = performance.now() - before
          if (rows.count !== spans) throw new Error(`${rows.count} spans`)
          return { figure, 'MB/s': statSync(path).size / 1e3 / figure, 'peak MB': process.resourceUsage().maxRSS / 1e3 }
        },
      }
    },
    'read and explain': (/** @type {{ form: keyof typeof forms }} */ { form }) => {
      const path = fileOf(form)
      return {
        measure: async () => {
          const before = performance.now()
          const { findings } = explainSpans(await readSpans([path]))
          if (findings.length === 0) throw new Error('nothing was found')
          return { figure: performance.now() - before, 'peak MB': process.resourceUsage().maxRSS / 1e3 }
        },
      }
    },
  },
  targets: (results) => [
    { what: 'read 1 M spans as protobuf (ms)', got: results.median('read', 'protobuf'), atMost: 3_000 },
    { what: 'peak memory (MB)', got: results.median('read and explain', 'protobuf', 'peak MB'), atMost: 400 },
    { what: 'JSON (MB/s)', got: results.median('read', 'JSON', 'MB/s'), atLeast: 60 },
  ],
}
