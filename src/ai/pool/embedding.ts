/** Pools of embedding models: texts in requests of many, as a sliding window under the limits. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { SettledMap } from '../../run/outcome.ts'
import type { AnyEmbeddingModel, CallableEmbeddingModel, EmbedOptions, EmbedResult } from '../model/sdk-model.ts'
import { spanned } from '../telemetry/spans.ts'
import { bindMethods } from './bound.ts'
import type { Dispatcher } from './dispatch.ts'
import {
  embedAll,
  type EmbedAllOptions,
  type Embedding,
  type EmbeddingFace,
  embeddingUsage,
  embedMany,
  type EmbedsAll,
} from './embed-texts.ts'
import { estimateInput } from './estimate.ts'
import { showInside } from './pool-internals.ts'
import { dispatcherOf, membersOf } from './members.ts'
import { mostOfCall } from './spending-bound.ts'
import { needsNothing } from './needs.ts'
import { type PoolMember, type PoolOptions, poolRules } from './pool-options.ts'
import type { Replica } from './replica.ts'
import { type PoolReport, reportOf } from './report.ts'

/** Options of a pool of embedding models. */
export interface EmbeddingPoolOptions extends Omit<
  PoolOptions,
  'hedge' | 'stallTimeout' | 'maxOutputTokens' | 'check' | 'cache' | 'promptCache'
> {
  /** Texts per request; the model's own maximum where that is less. @default 64 */
  readonly batch?: number
}

/** An embedding model again, of the same type as its members. `embedMany` hands it all texts at once, and it does the rest. */
export type EmbeddingPool<M extends AnyEmbeddingModel> = EmbeddingFace<M> &
  EmbedsAll & {
    report(): PoolReport
  }

/** Requests that may be on their way or wait at the limiter; only so that a million texts are not batched at once. */
const requestsAhead = 256

/** Of one request, where nobody says. */
export const textsPerRequest = 64

/** @throws {InvalidOption} */
export function embeddingPool<M extends AnyEmbeddingModel>(
  models: M | PoolMember<M> | readonly (M | PoolMember<M>)[],
  options: EmbeddingPoolOptions = {},
): EmbeddingPool<M> {
  const { hedge: _, stallTimeout: _1, maxOutputTokens: _2, check: _3, cache: _4, promptCache: _5, ...common } = poolRules
  checkOptions<EmbeddingPoolOptions>(options, { ...common, batch: rules.whole(1) }, 'pool.embedding')
  const members = membersOf(models)
  for (const { model } of members) {
    if (typeof model?.doEmbed === 'function') continue
    throw new InvalidOption(`Expected the models of pool.embedding to be embedding models of the AI SDK, got ${describe(model)}`)
  }
  const dispatcher = dispatcherOf(members as unknown as readonly PoolMember<CallableEmbeddingModel>[], options)
  return new Embeddings(dispatcher, options) as unknown as EmbeddingPool<M>
}

class Embeddings {
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  /** All texts in one call of ours. */
  readonly maxEmbeddingsPerCall = Number.POSITIVE_INFINITY
  readonly supportsParallelCalls = true
  readonly #dispatcher: Dispatcher<CallableEmbeddingModel>
  readonly #options: EmbeddingPoolOptions

  constructor(dispatcher: Dispatcher<CallableEmbeddingModel>, options: EmbeddingPoolOptions) {
    const first = dispatcher.replicas[0] as Replica<CallableEmbeddingModel>
    this.#dispatcher = dispatcher
    this.#options = options
    this.specificationVersion = first.model.specificationVersion
    this.provider = first.model.provider
    this.modelId = first.model.modelId
    bindMethods(this, ['doEmbed', 'embedAll', 'report'])
    showInside(this, { first, budget: options.budget, options })
  }

  async doEmbed(options: EmbedOptions): Promise<EmbedResult> {
    return embedMany(await this.#embedding(), options)
  }

  embedAll(texts: readonly string[], options: EmbedAllOptions = {}): Promise<number[][] | SettledMap<number[], string>> {
    return embedAll(texts, options, () => this.#embedding())
  }

  report(): PoolReport {
    return reportOf(this.#dispatcher)
  }

  async #embedding(): Promise<Embedding> {
    const models = this.#dispatcher.replicas.map(({ model }) => model)
    const size = await textsAtMost(models, this.#options.batch ?? textsPerRequest)
    return { size, ahead: requestsAhead, request: (options) => this.#request(options) }
  }

  #request(options: EmbedOptions): Promise<EmbedResult> {
    const { modelId: model, provider } = this
    return spanned(
      () => ({ kind: 'call', operation: 'embeddings', model, provider, options }),
      async (span) => {
        try {
          const result = await this.#call(options)
          span?.end({ usage: embeddingUsage(result) })
          return result
        } catch (error) {
          span?.end({ error })
          throw error
        }
      },
    )
  }

  async #call(options: EmbedOptions): Promise<EmbedResult> {
    const { input, inputAtMost } = estimateInput(options.values)
    const call = {
      demand: { input, maxOutput: 0 },
      needs: needsNothing,
      timed: 'whole' as const,
      most: mostOfCall({}, inputAtMost, 0),
      signal: options.abortSignal,
      budget: this.#options.budget,
    }
    const { attempt, value } = await this.#dispatcher.run(call, async (model, attempt) => {
      const result = await model.doEmbed({ ...options, abortSignal: attempt.signal })
      attempt.headers(result.response?.headers)
      attempt.timed('whole')
      return result
    })
    attempt.succeed(embeddingUsage(value), 0)
    this.#dispatcher.ledger.succeeded++
    return value
  }
}

/** Of one request: as many as asked for, and no more than each model takes. */
export async function textsAtMost(models: readonly CallableEmbeddingModel[], asked: number): Promise<number> {
  const most = await Promise.all(models.map((model) => model.maxEmbeddingsPerCall))
  // A model that says 0 or nothing sensible has no maximum: with batches of nothing this would never end.
  return Math.min(asked, ...most.map((size) => (size !== undefined && size >= 1 ? Math.floor(size) : Number.POSITIVE_INFINITY)))
}
