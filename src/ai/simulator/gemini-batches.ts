/** Gemini's batches, with the requests inside the call that makes them: `MODEL:batchGenerateContent`, `MODEL:asyncBatchEmbedContent`, `/batches`. */
import type { BatchAnswer, BatchReply, BatchRequest } from './batch-route.ts'
import type { Batches } from './batches.ts'
import { fields, list, optional, text } from './fields.ts'
import { formOf } from './form.ts'
import { gemini } from './gemini.ts'
import { geminiEmbedding } from './gemini-embedding.ts'
import { BadRequest } from './request.ts'
import type { SimulatedBatch } from './simulated-batch.ts'

const prefix = 'batches/'
const mostBytes = 20 * 1_000_000
const type = 'type.googleapis.com/google.ai.generativelanguage.v1beta'

/** A batch as it was made. */
interface Label {
  readonly displayName: string
  readonly model: string
  readonly embeds: boolean
  readonly metadata: readonly unknown[]
}

/** @param path without the version */
export async function geminiBatches(asked: BatchRequest, batches: Batches, answer: BatchAnswer): Promise<BatchReply | undefined> {
  const { method, path, query, now } = asked
  const [, model, verb] = /^\/models\/([^/:]{1,200}):(batchGenerateContent|asyncBatchEmbedContent)$/.exec(path) ?? []
  if (model !== undefined && method === 'POST')
    return {
      json: shown(await create(asked, batches, decodeURIComponent(model), verb === 'asyncBatchEmbedContent'), batches, now),
    }
  if (path === '/batches' && method === 'GET') {
    const { page, more } = batches.list(
      prefix,
      Math.min(100, Number(query.get('pageSize') ?? 50)),
      query.get('pageToken') ?? undefined,
    )
    return {
      json: { operations: page.map((batch) => shown(batch, batches, now)), ...(more && { nextPageToken: page.at(-1)?.id }) },
    }
  }
  const [, id, cancels] = /^\/(batches\/[^/:]{1,100})(:cancel)?$/.exec(path) ?? []
  if (id === undefined) return undefined
  const batch = batches.get(id)
  if (!batch)
    return { status: 404, json: { error: { code: 404, message: 'Requested entity was not found.', status: 'NOT_FOUND' } } }
  if (cancels !== undefined) {
    batch.cancel(now)
    return { json: {} }
  }
  return { json: shown(batch, batches, now, answer) }
}

async function create({ body, now }: BatchRequest, batches: Batches, model: string, embeds: boolean): Promise<SimulatedBatch> {
  const raw = await body()
  if (JSON.stringify(raw).length > mostBytes) throw new BadRequest('Request payload size exceeds the limit: 20971520 bytes.')
  const batch = fields(fields(raw, 'body')['batch'], 'batch')
  const config = fields(batch['inputConfig'] ?? batch['input_config'], 'batch.inputConfig')
  const requests = list(fields(config['requests'], 'batch.inputConfig.requests')['requests'], 'requests').map((one, i) => {
    const entry = fields(one, `requests[${i}]`)
    return { id: String(i), body: fields(entry['request'], `requests[${i}].request`), metadata: entry['metadata'] }
  })
  if (requests.length === 0) throw new BadRequest('* BatchGenerateContentRequest.batch.input_config: no requests')
  if (requests.length > batches.settings.maxRequests) throw new BadRequest('The batch has too many requests.')
  const label: Label = {
    displayName: optional(batch['displayName'], 'batch.displayName', text) ?? '',
    model: `models/${model}`,
    embeds,
    metadata: requests.map(({ metadata }) => metadata),
  }
  return batches.create(prefix, requests, label, now, false)
}

/** An operation. @param answer with the responses, once it is done */
function shown(batch: SimulatedBatch, batches: Batches, now: number, answer?: BatchAnswer): object {
  const { displayName, model, embeds, metadata } = batch.label as Label
  const counts = batches.counts(batch, now)
  const isOver = batch.ended(now)
  const state = !isOver ? 'RUNNING' : batch.cancelled ? 'CANCELLED' : batch.expired(now) ? 'EXPIRED' : 'SUCCEEDED'
  const list =
    answer && state === 'SUCCEEDED' ? { inlinedResponses: responsesOf(batch, batches, answer, now, metadata) } : undefined
  const kind = embeds ? 'EmbedContentBatch' : 'GenerateContentBatch'
  return {
    name: batch.id,
    metadata: {
      '@type': `${type}.${kind}`,
      name: batch.id,
      model,
      displayName,
      createTime: batch.createdOn.toISOString(),
      updateTime: new Date().toISOString(),
      ...(isOver && { endTime: new Date().toISOString() }),
      state: `BATCH_STATE_${state}`,
      // Numbers of 64 bits are texts.
      batchStats: {
        requestCount: String(batch.lines.length),
        successfulRequestCount: String(counts.done),
        failedRequestCount: String(counts.failed),
        pendingRequestCount: String(counts.running),
      },
      ...(list && { output: { inlinedResponses: list } }),
    },
    done: isOver,
    ...(isOver && state !== 'SUCCEEDED' && { error: { code: 13, message: `The batch was ${state.toLowerCase()}.` } }),
    ...(list && { response: { '@type': `${type}.${kind}Output`, inlinedResponses: list } }),
  }
}

function responsesOf(
  batch: SimulatedBatch,
  batches: Batches,
  answer: BatchAnswer,
  now: number,
  metadata: readonly unknown[],
): object[] {
  const { model, embeds } = batch.label as Label
  const name = model.slice('models/'.length)
  const form = embeds ? geminiEmbedding(name, false) : formOf(gemini(name, false))
  return batch.lines.map(({ body }, index) => {
    const outcome = batch.outcome(index, now, batches.fails(batch, index))
    const { status, body: said } = answer(form, body, outcome === 'failed')
    const beside = metadata[index] === undefined ? {} : { metadata: metadata[index] }
    return status === 200 ? { response: said, ...beside } : { ...said, ...beside }
  })
}
