/** OpenAI's files and batches: `/files`, `/batches`. */
import { chat } from './chat.ts'
import { embeddings } from './embedding-wire.ts'
import { type Form, formOf } from './form.ts'
import { responses } from './responses.ts'
import { fields, oneOf, optional, text } from './fields.ts'
import { BadRequest } from './request.ts'
import type { BatchLine, SimulatedBatch } from './simulated-batch.ts'
import type { Batches } from './batches.ts'
import type { BatchAnswer, BatchReply, BatchRequest } from './batch-route.ts'
import { readUpload } from './multipart.ts'

const prefix = 'batch_'
const endpoints = new Map([
  ['/v1/chat/completions', formOf(chat)],
  ['/v1/responses', formOf(responses)],
  ['/v1/embeddings', embeddings],
])
const mostRequests = 50_000
/** Texts of all requests together. */
const mostTexts = 50_000

/** A batch as it was made. */
interface Label {
  readonly metadata: unknown
  readonly file: string
  readonly endpoint: string
  /** Why it was refused after all. */
  readonly wrong: { readonly code: string; readonly message: string; readonly line: number | null } | undefined
}

export async function openaiBatches(asked: BatchRequest, batches: Batches, answer: BatchAnswer): Promise<BatchReply | undefined> {
  const { method, path, query, now, request } = asked
  if (path === '/files' && method === 'POST') {
    const { file } = await readUpload(request)
    const id = `file-${batches.files.size}-${file.length}-${Math.round(now)}`
    batches.files.set(id, file)
    return { json: { id, object: 'file', bytes: file.length, purpose: 'batch', filename: 'batch.jsonl', created_at: 0 } }
  }
  const [, folder, id = '', verb] = /^\/(files|batches)\/([^/]+)(?:\/(content|cancel))?$/.exec(path) ?? []
  if (folder === 'files' && method === 'GET' && verb === 'content') return fileContent(id, batches, answer, now)
  if (path === '/batches' && method === 'POST') return { json: shown(await create(asked, batches), batches, now) }
  if (path === '/batches' && method === 'GET') {
    const { page, more } = batches.list(prefix, Math.min(100, Number(query.get('limit') ?? 20)), query.get('after') ?? undefined)
    const data = page.map((batch) => shown(batch, batches, now))
    return { json: { object: 'list', data, has_more: more, first_id: page[0]?.id ?? null, last_id: page.at(-1)?.id ?? null } }
  }
  if (folder !== 'batches') return undefined
  const batch = batches.get(id)
  if (!batch || !id.startsWith(prefix)) return { status: 404, json: notFound(`No batch found with id '${id.slice(0, 80)}'.`) }
  if (verb === 'cancel' && method === 'POST') batch.cancel(now)
  return { json: shown(batch, batches, now) }
}

async function create({ body, now }: BatchRequest, batches: Batches): Promise<SimulatedBatch> {
  const asked = fields(await body(), 'body')
  const file = text(asked['input_file_id'], 'input_file_id')
  const endpoint = oneOf(...endpoints.keys())(asked['endpoint'], 'endpoint')
  if (asked['completion_window'] !== '24h') throw new BadRequest("Invalid 'completion_window': expected '24h'.")
  const content = batches.files.get(file)
  if (!content) throw new BadRequest(`No such File object: ${file.slice(0, 80)}`)
  const lines: BatchLine[] = []
  const seen = new Set<string>()
  let wrong: Label['wrong']
  for (const [number, line] of content.toString('utf8').split('\n').entries()) {
    if (line === '') continue
    try {
      const entry = fields(JSON.parse(line), 'line')
      const id = text(entry['custom_id'], 'custom_id')
      if (seen.has(id))
        wrong ??= { code: 'duplicate_custom_id', message: `The custom_id '${id}' is used twice.`, line: number + 1 }
      if (entry['url'] !== endpoint)
        wrong ??= { code: 'url_mismatch', message: 'The url is not the endpoint of the batch.', line: number + 1 }
      seen.add(id)
      lines.push({ id, body: entry['body'] })
    } catch {
      wrong ??= { code: 'invalid_json_line', message: 'This line is not parseable as valid JSON.', line: number + 1 }
    }
  }
  if (lines.length === 0) wrong ??= { code: 'empty_file', message: 'The batch file is empty.', line: null }
  if (lines.length > Math.min(mostRequests, batches.settings.maxRequests))
    wrong ??= { code: 'too_many_tasks', message: 'The batch has too many requests.', line: null }
  if (endpoint === '/v1/embeddings' && lines.reduce((sum, { body }) => sum + textsOf(body), 0) > mostTexts)
    wrong ??= { code: 'too_many_embedding_inputs', message: `The batch has more than ${mostTexts} inputs.`, line: null }
  const label: Label = { metadata: optional(asked['metadata'], 'metadata', fields) ?? null, file, endpoint, wrong }
  return batches.create(prefix, wrong ? [] : lines, label, now)
}

function textsOf(body: unknown): number {
  const input = (body as { input?: unknown } | null)?.input
  return Array.isArray(input) && typeof input[0] !== 'number' ? input.length : 1
}

function shown(batch: SimulatedBatch, batches: Batches, now: number): object {
  const { metadata, file, endpoint, wrong } = batch.label as Label
  const counts = batches.counts(batch, now)
  const isOver = batch.ended(now)
  const lost = counts.expired + counts.cancelled
  const status = wrong
    ? 'failed'
    : !isOver
      ? 'in_progress'
      : batch.cancelled
        ? 'cancelled'
        : batch.expired(now)
          ? 'expired'
          : 'completed'
  return {
    id: batch.id,
    object: 'batch',
    endpoint,
    errors: wrong ? { object: 'list', data: [{ ...wrong, param: null }] } : null,
    input_file_id: file,
    completion_window: '24h',
    status,
    output_file_id: isOver && !wrong && counts.done > 0 ? `out-${batch.id}` : null,
    error_file_id: isOver && !wrong && counts.failed + lost > 0 ? `err-${batch.id}` : null,
    created_at: Math.floor(batch.createdOn.getTime() / 1_000),
    expires_at: Math.floor(batch.createdOn.getTime() / 1_000) + 86_400,
    request_counts: { total: batch.lines.length, completed: counts.done, failed: counts.failed },
    metadata,
  }
}

function fileContent(id: string, batches: Batches, answer: BatchAnswer, now: number): BatchReply {
  const file = batches.files.get(id)
  if (file) return { lines: [file.toString('utf8').trimEnd()] }
  const batch = batches.get(id.slice(4))
  if (!batch || !/^(?:out|err)-/.test(id)) return { status: 404, json: notFound(`No such File object: ${id.slice(0, 80)}`) }
  return { lines: resultLines(batch, id.startsWith('out'), batches, answer, now) }
}

function* resultLines(
  batch: SimulatedBatch,
  good: boolean,
  batches: Batches,
  answer: BatchAnswer,
  now: number,
): Generator<string> {
  const form = endpoints.get((batch.label as Label).endpoint) as Form
  for (const [index, { id: custom_id, body }] of batch.lines.entries()) {
    const outcome = batch.outcome(index, now, batches.fails(batch, index))
    if ((outcome === 'done') !== good) continue
    const id = `batch_req_${batch.id}_${index}`
    if (outcome === 'done' || outcome === 'failed') {
      const { status, body: said } = answer(form, body, outcome === 'failed')
      yield JSON.stringify({ id, custom_id, response: { status_code: status, request_id: id, body: said }, error: null })
    } else {
      const error =
        outcome === 'expired'
          ? { code: 'batch_expired', message: 'This request could not be executed before the completion window expired.' }
          : { code: 'batch_cancelled', message: 'This request was not executed because the batch was cancelled.' }
      yield JSON.stringify({ id, custom_id, response: null, error })
    }
  }
}

function notFound(message: string): object {
  return { error: { message, type: 'invalid_request_error', param: 'id', code: null } }
}
