/**
 * Calls at half the price: a batch is a model that answers late. Calls gather, go to the provider's batch API together, and each gets its answer when its batch has ended. So
 * everything that takes a model works as before: `generateText`, `ask` with a schema, `embedMany`, `map` with a checkpoint.
 */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions } from '../../base/options.ts'
import { checkCheckpoint } from '../../checkpoint/index.ts'
import type { AnyEmbeddingModel, AnyLanguageModel, CallableEmbeddingModel, CallableModel } from '../model/sdk-model.ts'
import type { EmbeddingFace, EmbedsAll } from '../pool/embed-texts.ts'
import { insideOf, type PoolInside } from '../pool/pool-internals.ts'
import { pool } from '../pool/pool.ts'
import { type BatchOptions, batchRules } from './batch-options.ts'
import { captured } from './capture.ts'
import { EmbeddingBatches } from './embedding-batches.ts'
import { LanguageBatches } from './language-batches.ts'
import type { BatchReport } from './report.ts'
import { TooLate } from './waiting.ts'

/** What all batches can do. */
interface BatchControl {
  /** What was done so far. */
  report(): BatchReport
  /** Ends waiting, and closes the journal. Batches that were sent go on; the next run takes them up. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** A model again, of the same type as the one that it was made of. It answers whole texts only: `streamText` has nothing to stream. */
export type Batch<M extends AnyLanguageModel> = Pick<
  M,
  'specificationVersion' | 'provider' | 'modelId' | 'supportedUrls' | 'doGenerate' | 'doStream'
> &
  BatchControl

/** The same of an embedding model: `embedMany` hands it all texts at once, and it does the rest. */
export type EmbeddingBatch<M extends AnyEmbeddingModel> = EmbeddingFace<M> & EmbedsAll & BatchControl

/**
 * Sends the calls of a model through its provider's batch API, at half the price, within a day. What it gives is a model again; let many calls run at once, because
 * a batch has as many calls as wait for it.
 *
 * @param model a pool, whose budget and prices hold here too, or a model of the AI SDK whose provider has a batch API: OpenAI and those that copy it, Anthropic, Gemini;
 *   language models and embedding models (OpenAI, Gemini)
 * @throws {InvalidOption} for unknown options, and for a model whose client cannot be looked into
 *
 * @example
 * await using model = batch(pool(openai('gpt-4.1-mini'), { budget: budget({ usd: 20 }) }), { within: '24h', checkpoint: 'batches.jsonl' })
 * const answers = await map(records, ({ text }) => ask(model, text), { concurrency: 50_000, checkpoint: 'answers.jsonl' })
 *
 * @example
 * await using embedder = batch(pool.embedding(openai.embeddingModel('text-embedding-3-small'), { batch: 100 }), { checkpoint: 'embeddings.jsonl' })
 * const vectors = await embedder.embedAll(texts)
 */
export function batch<M extends AnyLanguageModel>(model: M, options?: BatchOptions): Batch<M>
export function batch<M extends AnyEmbeddingModel>(model: M, options?: BatchOptions): EmbeddingBatch<M>
export function batch(model: AnyLanguageModel | AnyEmbeddingModel, options: BatchOptions = {}): object {
  checkOptions<BatchOptions>(options, batchRules, 'batch')
  checkCheckpoint(options.checkpoint)
  if (typeof (model as Partial<AnyEmbeddingModel> | undefined)?.doEmbed === 'function') {
    const pooled = insideOf(model) ? model : pool.embedding(model as AnyEmbeddingModel)
    return new EmbeddingBatches(insideToTake<CallableEmbeddingModel>(pooled), pooled as CallableEmbeddingModel, options)
  }
  const pooled = insideOf(model) ? model : pool(model as AnyLanguageModel)
  return new LanguageBatches(insideToTake<CallableModel>(pooled), pooled as unknown as CallableModel, options)
}

/** @throws {InvalidOption} for a model whose requests cannot be taken */
function insideToTake<M>(pooled: unknown): PoolInside<M> {
  const inside = insideOf<M>(pooled)
  if (!inside) throw new InvalidOption(`Expected batch to get a pool or a model of the AI SDK, got ${describe(pooled)}`)
  if (captured(inside.first.model, new AbortController().signal, () => Promise.reject(new TooLate()))) return inside
  throw new InvalidOption(
    `Expected the model of batch to be a provider's own, got ${inside.first.name}, whose requests cannot be looked at`,
    { hint: 'Put middleware around the batch instead of inside it.' },
  )
}
