/** Anthropic's message batches: `/messages/batches`. */
import { fields, list, text } from './fields.ts'
import { BadRequest } from './request.ts'
import { anthropic } from './anthropic.ts'
import { formOf } from './form.ts'
import type { SimulatedBatch } from './simulated-batch.ts'
import type { Batches } from './batches.ts'
import type { BatchAnswer, BatchReply, BatchRequest } from './batch-route.ts'

const prefix = 'msgbatch_'
const mostRequests = 100_000
const root = '/messages/batches'
const form = formOf(anthropic)

export async function anthropicBatches(
  { method, path, query, now, body, url }: BatchRequest,
  batches: Batches,
  answer: BatchAnswer,
): Promise<BatchReply | undefined> {
  if (path === root && method === 'POST') {
    const requests = list(fields(await body(), 'body')['requests'], 'requests').map((raw, i) => {
      const entry = fields(raw, `requests.${i}`)
      const id = text(entry['custom_id'], `requests.${i}.custom_id`)
      if (!/^[\w-]{1,64}$/.test(id))
        throw new BadRequest(`requests.${i}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'`)
      return { id, body: fields(entry['params'], `requests.${i}.params`) }
    })
    if (requests.length === 0) throw new BadRequest('requests: at least one request is required')
    if (requests.length > Math.min(mostRequests, batches.settings.maxRequests))
      throw new BadRequest('requests: too many requests')
    if (new Set(requests.map(({ id }) => id)).size < requests.length)
      throw new BadRequest('requests: custom_id values must be unique')
    return { json: shown(batches.create(prefix, requests, undefined, now), batches, now, url) }
  }
  if (path === root && method === 'GET') {
    const { page, more } = batches.list(
      prefix,
      Math.min(1_000, Number(query.get('limit') ?? 20)),
      query.get('after_id') ?? undefined,
    )
    const data = page.map((batch) => shown(batch, batches, now, url))
    return { json: { data, has_more: more, first_id: page[0]?.id ?? null, last_id: page.at(-1)?.id ?? null } }
  }
  const [, id = '', verb] = /^\/messages\/batches\/([^/]+)(?:\/(results|cancel))?$/.exec(path) ?? []
  if (id === '') return undefined
  const batch = batches.get(id)
  if (!batch || !id.startsWith(prefix)) return { status: 404, json: wrong('not_found_error', 'There is no such batch.') }
  if (verb === 'cancel' && method === 'POST') batch.cancel(now)
  if (verb !== 'results') return { json: shown(batch, batches, now, url) }
  if (!batch.ended(now)) return { status: 404, json: wrong('not_found_error', 'The results are not there yet.') }
  return { lines: resultLines(batch, batches, answer, now) }
}

function shown(batch: SimulatedBatch, batches: Batches, now: number, url: string): object {
  const { done, failed, expired, cancelled, running } = batches.counts(batch, now)
  const isOver = batch.ended(now)
  const ago = (at: number): string => new Date(Date.now() - Math.max(0, now - at)).toISOString()
  return {
    id: batch.id,
    type: 'message_batch',
    processing_status: isOver ? 'ended' : 'in_progress',
    // Until it is over all of them are counted as processing.
    request_counts: isOver
      ? { processing: 0, succeeded: done, errored: failed, canceled: cancelled, expired }
      : { processing: running + done + failed, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    ended_at: isOver ? ago(batch.endsAt) : null,
    created_at: batch.createdOn.toISOString(),
    expires_at: new Date(Date.now() + Math.max(0, batch.expiresAt - now)).toISOString(),
    archived_at: null,
    cancel_initiated_at: batch.cancelled ? ago(batch.endsAt) : null,
    results_url: isOver ? `${url}/v1${root}/${batch.id}/results` : null,
  }
}

function* resultLines(batch: SimulatedBatch, batches: Batches, answer: BatchAnswer, now: number): Generator<string> {
  for (const [index, { id: custom_id, body }] of batch.lines.entries()) {
    const outcome = batch.outcome(index, now, batches.fails(batch, index))
    if (outcome === 'expired' || outcome === 'cancelled') {
      yield JSON.stringify({ custom_id, result: { type: outcome === 'expired' ? 'expired' : 'canceled' } })
      continue
    }
    const { status, body: said } = answer(form, body, outcome === 'failed')
    const result = status === 200 ? { type: 'succeeded', message: said } : { type: 'errored', error: said }
    yield JSON.stringify({ custom_id, result })
  }
}

function wrong(type: string, message: string): object {
  return { type: 'error', error: { type, message }, request_id: null }
}
