/**
 * OpenAI's Batch API, which Azure, Groq, Together, Mistral's gateway and others copy: a file of requests is uploaded, a batch is made of it, its results are two files.
 * Limits: 50,000 requests, of embeddings 50,000 texts, and 200 MB (OpenAI's API reference, 2026). A batch carries `metadata`, by which it is found again.
 */
import { isList, peek } from '../../../base/look.js'
import { HttpRefused } from './http.ts'
import type { BatchApi, BatchResult } from './batch-api.ts'

const label = 'heddle_batch'
/** Pages of a hundred batches that are looked through. Chosen. */
const pagesMost = 50
/** Clocks differ: batches that are this much older than ours are not it. */
const slackSeconds = 3_600
const overStatuses = new Set(['completed', 'expired', 'cancelled'])

export const openaiBatch: BatchApi = {
  name: 'openai',
  limits: { requests: 50_000, bytes: 200 * 1_000_000 },

  async submit(http, requests, { endpoint }, key) {
    const lines = requests.map(
      ({ id, body }) => `{"custom_id":${JSON.stringify(id)},"method":"POST","url":${JSON.stringify(endpoint)},"body":${body}}\n`,
    )
    const form = new FormData()
    form.append('purpose', 'batch')
    form.append('file', new Blob(lines, { type: 'application/jsonl' }), `heddle-${key}.jsonl`)
    const file = await http.post('/files', form)
    const made = await http.postOnce(
      '/batches',
      JSON.stringify({ input_file_id: file['id'], endpoint, completion_window: '24h', metadata: { [label]: key } }),
    )
    return String(made['id'])
  },

  async find(http, { key, at }) {
    let after = ''
    let labelled = false
    try {
      for (let page = 0; page < pagesMost; page++) {
        const { data, has_more: more } = await http.get(`/batches?limit=100${after}`)
        if (!isList(data)) return 'unknown'
        for (const batch of data as readonly unknown[]) {
          const metadata = peek(batch, 'metadata')
          if (metadata !== undefined) labelled = true
          if (peek(metadata, label) === key) return { id: String(peek(batch, 'id')) }
        }
        const last: unknown = data.at(-1)
        if (last === undefined) return 'none'
        const created = Number(peek(last, 'created_at'))
        if (more !== true || created < at / 1_000 - slackSeconds) return labelled ? 'none' : 'unknown'
        after = `&after=${encodeURIComponent(String(peek(last, 'id')))}`
      }
      return 'unknown'
    } catch (error) {
      // This provider has no list.
      if (error instanceof HttpRefused && (error.statusCode === 404 || error.statusCode === 405)) return 'unknown'
      throw error
    }
  },

  async state(http, id) {
    const raw = await http.get(`/batches/${encodeURIComponent(id)}`)
    const status = String(raw['status'])
    const counts = raw['request_counts']
    const done = Number(peek(counts, 'completed') ?? 0) + Number(peek(counts, 'failed') ?? 0)
    if (status !== 'failed') return { status: overStatuses.has(status) ? 'ended' : 'running', done, raw }
    const first = peek(peek(raw['errors'], 'data'), 0)
    const problem = {
      code: String(peek(first, 'code') ?? 'failed'),
      message: String(peek(first, 'message') ?? 'The batch failed'),
    }
    return { status: 'failed', done, problem, raw }
  },

  async *results(http, { raw }) {
    for (const file of [raw['output_file_id'], raw['error_file_id']])
      if (typeof file === 'string')
        for await (const line of http.lines(`/files/${encodeURIComponent(file)}/content`)) yield resultOf(line)
  },

  async cancel(http, id) {
    await http.post(`/batches/${encodeURIComponent(id)}/cancel`)
  },
}

function resultOf(line: Readonly<Record<string, unknown>>): BatchResult {
  const id = String(line['custom_id'])
  const status = peek(line['response'], 'status_code')
  if (typeof status === 'number') return { id, status, body: peek(line['response'], 'body') }
  const code = String(peek(line['error'], 'code') ?? 'server_error')
  if (code === 'batch_expired') return { id, lost: 'expired' }
  if (code === 'batch_cancelled') return { id, lost: 'cancelled' }
  return { id, status: 500, body: { error: line['error'] } }
}
