/** What one writes first: one session, the engine's own threads, each request computed when it comes. No bound, no queue. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const { onnx, minilm } = JSON.parse(process.env.HEDDLE_BENCH_SERVING ?? '{}')
const require = createRequire(join(onnx, 'package.json'))
const ort = require('onnxruntime-node')
const { Tokenizer } = require('@huggingface/tokenizers')
const tokenizer = new Tokenizer(JSON.parse(readFileSync(minilm.tokenizer, 'utf8')), {})
const session = await ort.InferenceSession.create(minilm.model)

async function embed(text) {
  const ids = tokenizer.encode(text).ids.slice(0, 128)
  const row = (value) => new ort.Tensor('int64', BigInt64Array.from(ids, value), [1, ids.length])
  const feeds = { input_ids: row((id) => BigInt(id)), attention_mask: row(() => 1n), token_type_ids: row(() => 0n) }
  const { data, dims } = (await session.run(feeds)).last_hidden_state
  const vector = new Float32Array(dims[2])
  for (let token = 0; token < dims[1]; token++) for (let i = 0; i < dims[2]; i++) vector[i] += data[token * dims[2] + i] / dims[1]
  const length = Math.hypot(...vector)
  return Array.from(vector, (value) => value / length)
}

const server = createServer((request, response) => {
  if (request.url === '/health') return response.end('{}')
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', async () => {
    const { input } = JSON.parse(Buffer.concat(chunks).toString())
    const embedding = await embed(input)
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ object: 'list', data: [{ object: 'embedding', index: 0, embedding }], model: 'minilm' }))
  })
})
await embed('warm')
server.listen(0, '127.0.0.1', () => process.send?.({ url: `http://127.0.0.1:${server.address().port}`, health: '/health' }))
process.on('message', (/** @type {any} */ { id }) => process.send?.({ id, value: { rss: process.memoryUsage.rss() } }))
process.on('disconnect', () => process.exit())
