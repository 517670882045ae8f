/**
 * Anthropic's Message Batches. Limits: 100,000 requests and 256 MB (its guide, 2026). A batch has no field for a name, so one that may have been sent is known by
 * the ids of its requests, which its results give when it has ended; those that still run are waited for.
 */
import { isList, peek } from '../../../base/look.js'
import type { BatchHttp } from './http.ts'
import type { BatchApi, BatchResult, Intent } from './batch-api.ts'

const root = '/messages/batches'
const pagesMost = 50
const slackMs = 600_000

/** Statuses of errors, from its reference. */
const statuses: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
}

export const anthropicBatch: BatchApi = {
  name: 'anthropic',
  limits: { requests: 100_000, bytes: 256 * 1_000_000 },

  async submit(http, requests) {
    const body = requests.map(({ id, body }) => `{"custom_id":${JSON.stringify(id)},"params":${body}}`).join(',')
    const made = await http.postOnce(root, `{"requests":[${body}]}`)
    return String(made['id'])
  },

  async find(http, intent, pause) {
    for (;;) {
      const { match, running } = await look(http, intent)
      if (match !== undefined) return { id: match }
      if (!running) return 'none'
      await pause()
    }
  },

  async state(http, id) {
    const raw = await http.get(`${root}/${encodeURIComponent(id)}`)
    const counts = raw['request_counts']
    const done = ['succeeded', 'errored', 'canceled', 'expired'].reduce((sum, name) => sum + Number(peek(counts, name) ?? 0), 0)
    return { status: raw['processing_status'] === 'ended' ? 'ended' : 'running', done, raw }
  },

  async *results(http, { raw }) {
    const url = raw['results_url']
    if (typeof url === 'string') for await (const line of http.lines(url)) yield resultOf(line)
  },

  async cancel(http, id) {
    await http.post(`${root}/${encodeURIComponent(id)}/cancel`)
  },
}

/** Batches of the same size that are not older: one with our ids, and whether some cannot be known yet. */
async function look(http: BatchHttp, { ids, at }: Intent): Promise<{ match: string | undefined; running: boolean }> {
  const ours = new Set(ids)
  let running = false
  let after = ''
  for (let page = 0; page < pagesMost; page++) {
    const { data, has_more: more } = await http.get(`${root}?limit=100${after}`)
    const batches = isList(data) ? (data as readonly unknown[]) : []
    for (const batch of batches) {
      const counts = peek(batch, 'request_counts')
      const size = ['processing', 'succeeded', 'errored', 'canceled', 'expired'].reduce(
        (sum, name) => sum + Number(peek(counts, name) ?? 0),
        0,
      )
      const isOlder = Date.parse(String(peek(batch, 'created_at'))) < at - slackMs
      if (size !== ids.length || isOlder) continue
      const url = peek(batch, 'results_url')
      if (peek(batch, 'processing_status') !== 'ended') running = true
      else if (typeof url === 'string' && (await firstId(http, url, ours))) return { match: String(peek(batch, 'id')), running }
    }
    const last = batches.at(-1)
    if (more !== true || last === undefined || Date.parse(String(peek(last, 'created_at'))) < at - slackMs) break
    after = `&after_id=${encodeURIComponent(String(peek(last, 'id')))}`
  }
  return { match: undefined, running }
}

async function firstId(http: BatchHttp, url: string, ours: ReadonlySet<string>): Promise<boolean> {
  for await (const line of http.lines(url)) return ours.has(String(line['custom_id']))
  return false
}

function resultOf(line: Readonly<Record<string, unknown>>): BatchResult {
  const id = String(line['custom_id'])
  const result = line['result']
  const type = peek(result, 'type')
  if (type === 'succeeded') return { id, status: 200, body: peek(result, 'message') }
  if (type === 'expired') return { id, lost: 'expired' }
  if (type === 'canceled') return { id, lost: 'cancelled' }
  const error = peek(result, 'error')
  const kind = String(peek(peek(error, 'error'), 'type') ?? peek(error, 'type'))
  return { id, status: statuses[kind] ?? 500, body: error }
}
