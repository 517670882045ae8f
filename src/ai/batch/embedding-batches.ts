/** An embedding model whose requests go into batches: each request has many texts, each batch many requests. */
import { InvalidOption } from '../../base/errors.ts'
import type { SettledMap } from '../../run/outcome.ts'
import type { CallableEmbeddingModel, EmbedOptions, EmbedResult } from '../model/sdk-model.ts'
import { bindMethods } from '../pool/bound.ts'
import { embedAll, type EmbedAllOptions, type Embedding, embeddingUsage, embedMany } from '../pool/embed-texts.ts'
import { type EmbeddingPoolOptions, textsAtMost, textsPerRequest } from '../pool/embedding.ts'
import { estimateInput } from '../pool/estimate.ts'
import type { PoolInside } from '../pool/pool-internals.ts'
import { mostOfCall } from '../pool/spending-bound.ts'
import { apiOf } from './apis/choose-api.ts'
import type { BatchOptions } from './batch-options.ts'
import { BatchedModel } from './batched-model.ts'
import { captured } from './capture.ts'

export class EmbeddingBatches extends BatchedModel<CallableEmbeddingModel> {
  /** All texts in one call of ours. */
  readonly maxEmbeddingsPerCall = Number.POSITIVE_INFINITY
  readonly supportsParallelCalls = true
  readonly #asked: number
  #embedding: Promise<Embedding> | undefined

  constructor(inside: PoolInside<CallableEmbeddingModel>, alone: CallableEmbeddingModel, options: BatchOptions) {
    super(inside, alone, options)
    this.#asked = Math.min(
      (inside.options as EmbeddingPoolOptions).batch ?? textsPerRequest,
      options.maxCalls ?? Number.POSITIVE_INFINITY,
    )
    bindMethods(this, ['doEmbed', 'embedAll', 'report', 'close'])
  }

  async doEmbed(options: EmbedOptions): Promise<EmbedResult> {
    return embedMany(await (this.#embedding ??= this.#how()), options)
  }

  embedAll(texts: readonly string[], options: EmbedAllOptions = {}): Promise<number[][] | SettledMap<number[], string>> {
    return embedAll(texts, options, () => (this.#embedding ??= this.#how()))
  }

  async #how(): Promise<Embedding> {
    const { model } = this.inside.first
    const size = Math.min(await textsAtMost([model], this.#asked), await textsThatBatchesTake(model))
    // All that there are: they leave together.
    return { size, ahead: Number.POSITIVE_INFINITY, request: (options) => this.#request(options) }
  }

  #request(options: EmbedOptions): Promise<EmbedResult> {
    const { modelId: model, provider } = this
    const { inputAtMost } = estimateInput(options.values)
    return this.calls.call({
      begun: () => ({ kind: 'call', operation: 'embeddings', model, provider, options }),
      most: mostOfCall({}, inputAtMost, 0),
      signal: options.abortSignal,
      weight: options.values.length,
      run: (taken, abortSignal) => taken.doEmbed({ ...options, abortSignal }),
      usageOf: embeddingUsage,
      alone: () => this.alone.doEmbed(options),
    })
  }
}

/** Where the model's client would send a text says which API that is, and how many texts its requests have. Nothing is sent. */
async function textsThatBatchesTake(model: CallableEmbeddingModel): Promise<number> {
  const { signal } = new AbortController()
  let url = ''
  const looked = captured(model, signal, (request) => {
    url = request.url
    return Promise.reject(new InvalidOption('Only looked at'))
  })
  await Promise.resolve(looked?.doEmbed({ values: ['text'], abortSignal: signal })).catch(() => {})
  return (url === '' ? undefined : apiOf(url)?.api.texts) ?? Number.POSITIVE_INFINITY
}
