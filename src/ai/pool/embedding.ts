/** Many texts through an embedding model: in batches, as a sliding window under the limits, keeping what succeeded. */
import { describe, InvalidOption, ModelCallFailed } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { keepPartial } from '../../run/failure.ts'
import { map } from '../../run/map.ts'
import type { SettledMap } from '../../run/outcome.ts'
import { bindMethods } from './bound.ts'
import type { Dispatcher } from './dispatch.ts'
import { estimateInput } from './estimate.ts'
import { dispatcherOf, membersOf } from './members.ts'
import { mostOfCall } from './most.ts'
import { needsNothing } from './needs.ts'
import type { AnyEmbeddingModel, CallableEmbeddingModel, EmbedOptions, EmbedResult } from '../model/sdk-model.ts'
import { type PoolMember, type PoolOptions, poolRules } from './pool-options.ts'
import { type PoolReport, reportOf } from './report.ts'

/** Options of a pool of embedding models. */
export interface EmbeddingPoolOptions extends Omit<
  PoolOptions,
  'hedge' | 'stallTimeout' | 'maxOutputTokens' | 'check' | 'cache'
> {
  /** Texts per request; the model's own maximum where that is less. @default 64 */
  readonly batch?: number
}

/** Options of {@link EmbeddingPool.embedAll}. */
export interface EmbedAllOptions {
  /** `'stop'`: the first failure is what it rejects with. `'settle'`: every text's outcome comes back. @default 'stop' */
  readonly onFailure?: 'stop' | 'settle'
  /** Cancels what is under way, and sends nothing more. */
  readonly signal?: AbortSignal
}

/** An embedding model again, of the same type as its members. `embedMany` hands it all texts at once, and it does the rest. */
export type EmbeddingPool<M extends AnyEmbeddingModel> = Pick<
  M,
  Extract<keyof M, keyof AnyEmbeddingModel | 'maxEmbeddingsPerCall' | 'supportsParallelCalls'>
> & {
  /**
   * The embeddings of all texts, in their order. A request that is refused is split, until only the texts that are at fault fail.
   * @throws the first failure, when all others have settled; `partialResults(error)` has what succeeded
   */
  embedAll(
    texts: readonly string[],
    options: EmbedAllOptions & { readonly onFailure: 'settle' },
  ): Promise<SettledMap<number[], string>>
  embedAll(texts: readonly string[], options?: EmbedAllOptions): Promise<number[][]>
  report(): PoolReport
}

/** Requests that may be on their way or wait at the limiter; only so that a million texts are not batched at once. */
const batchesAhead = 256

/** @throws {InvalidOption} */
export function embeddingPool<M extends AnyEmbeddingModel>(
  models: M | PoolMember<M> | readonly (M | PoolMember<M>)[],
  options: EmbeddingPoolOptions = {},
): EmbeddingPool<M> {
  const { hedge: _, stallTimeout: _1, maxOutputTokens: _2, check: _3, cache: _4, ...common } = poolRules
  checkOptions<EmbeddingPoolOptions>(options, { ...common, batch: rules.whole(1) }, 'pool.embedding')
  const members = membersOf(models)
  for (const { model } of members) {
    if (typeof model?.doEmbed === 'function') continue
    throw new InvalidOption(`Expected the models of pool.embedding to be embedding models of the AI SDK, got ${describe(model)}`)
  }
  const { batch, ...rest } = options
  const dispatcher = dispatcherOf(members as unknown as readonly PoolMember<CallableEmbeddingModel>[], rest)
  return new Embeddings(dispatcher, rest, batch ?? 64) as unknown as EmbeddingPool<M>
}

interface Part {
  readonly at: number
  readonly values: readonly string[]
}

class Embeddings {
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  /** All texts in one call of ours. */
  readonly maxEmbeddingsPerCall = Number.POSITIVE_INFINITY
  readonly supportsParallelCalls = true
  readonly #dispatcher: Dispatcher<CallableEmbeddingModel>
  readonly #options: PoolOptions
  readonly #batch: number

  constructor(dispatcher: Dispatcher<CallableEmbeddingModel>, options: PoolOptions, batch: number) {
    const { model } = dispatcher.replicas[0] as { model: CallableEmbeddingModel }
    this.#dispatcher = dispatcher
    this.#options = options
    this.#batch = batch
    this.specificationVersion = model.specificationVersion
    this.provider = model.provider
    this.modelId = model.modelId
    bindMethods(this, ['doEmbed', 'embedAll', 'report'])
  }

  async doEmbed(options: EmbedOptions): Promise<EmbedResult> {
    const results: PromiseSettledResult<number[]>[] = []
    const rest = { tokens: 0, warnings: [] as unknown[] }
    await this.#embed(options, results, rest)
    const embeddings = valuesOf(results)
    return { embeddings, usage: { tokens: rest.tokens }, warnings: rest.warnings } as EmbedResult
  }

  async embedAll(texts: readonly string[], options: EmbedAllOptions = {}): Promise<number[][] | SettledMap<number[], string>> {
    checkOptions<EmbedAllOptions>(options, { onFailure: rules.oneOf('stop', 'settle'), signal: rules.signal }, 'embedAll')
    if (!Array.isArray(texts)) throw new InvalidOption(`Expected embedAll to get a list of texts, got ${describe(texts)}`)
    const results: PromiseSettledResult<number[]>[] = []
    await this.#embed({ values: texts, abortSignal: options.signal }, results, { tokens: 0, warnings: [] })
    if (options.onFailure !== 'settle') return valuesOf(results)
    const ok = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    const failed = results.flatMap((result, index) =>
      result.status === 'rejected' ? [{ index, item: texts[index] as string, error: result.reason as unknown }] : [],
    )
    return { results, ok, failed }
  }

  report(): PoolReport {
    return reportOf(this.#dispatcher)
  }

  async #embed(
    options: EmbedOptions,
    results: PromiseSettledResult<number[]>[],
    rest: { tokens: number; warnings: unknown[] },
  ): Promise<void> {
    const size = await this.#batchSize()
    const parts: Part[] = []
    for (let at = 0; at < options.values.length; at += size) parts.push({ at, values: options.values.slice(at, at + size) })
    const one = async ({ at, values }: Part): Promise<void> => {
      try {
        const { embeddings, usage } = await this.#request({ ...options, values })
        if (embeddings.length !== values.length) throw wrongCount(values.length, embeddings.length)
        rest.tokens += tokensOf({ usage }) ?? 0
        embeddings.forEach((value, i) => (results[at + i] = { status: 'fulfilled', value: value as number[] }))
      } catch (error) {
        if (values.length > 1 && isRejected(error)) {
          const half = Math.ceil(values.length / 2)
          await Promise.all([one({ at, values: values.slice(0, half) }), one({ at: at + half, values: values.slice(half) })])
        } else values.forEach((_, i) => (results[at + i] = { status: 'rejected', reason: error }))
      }
    }
    await map(parts, one, {
      concurrency: batchesAhead,
      name: 'embed',
      ...(options.abortSignal && { signal: options.abortSignal }),
    })
  }

  async #request(options: EmbedOptions): Promise<EmbedResult> {
    const { input, inputAtMost } = estimateInput(options.values)
    const most = mostOfCall({}, inputAtMost, 0)
    const demand = { input, maxOutput: 0 }
    const call = {
      demand,
      needs: needsNothing,
      timed: 'whole' as const,
      most,
      signal: options.abortSignal,
      budget: this.#options.budget,
    }
    const { attempt, value } = await this.#dispatcher.run(call, async (model, attempt) => {
      const result = await model.doEmbed({ ...options, abortSignal: attempt.signal })
      attempt.headers(result.response?.headers)
      attempt.timed('whole')
      return result
    })
    const tokens = tokensOf(value)
    attempt.succeed(tokens === undefined ? undefined : { input: tokens, cached: 0, output: 0 }, 0)
    this.#dispatcher.ledger.succeeded++
    return value
  }

  async #batchSize(): Promise<number> {
    const most = await Promise.all(this.#dispatcher.replicas.map(({ model }) => model.maxEmbeddingsPerCall))
    // A model that says 0 or nothing sensible has no maximum: with batches of nothing this would never end.
    return Math.min(
      this.#batch,
      ...most.map((size) => (size !== undefined && size >= 1 ? Math.floor(size) : Number.POSITIVE_INFINITY)),
    )
  }
}

/** The provider has read the request and does not want it: some text in it is at fault. */
function isRejected(error: unknown): boolean {
  return (
    error instanceof ModelCallFailed &&
    error.failure === 'rejected' &&
    error.statusCode !== 401 &&
    error.statusCode !== 403 &&
    error.statusCode !== 404
  )
}

function tokensOf({ usage }: { readonly usage?: { readonly tokens?: number } | undefined }): number | undefined {
  const tokens = usage?.tokens
  return tokens !== undefined && tokens >= 0 && Number.isFinite(tokens) ? tokens : undefined
}

function wrongCount(asked: number, got: number): ModelCallFailed {
  return new ModelCallFailed(`The provider gave ${got} embeddings for ${asked} texts`, { failure: 'rejected' })
}

function valuesOf(results: readonly PromiseSettledResult<number[]>[]): number[][] {
  const at = results.findIndex((result) => result.status === 'rejected')
  const values = results.map((result) => (result.status === 'fulfilled' ? result.value : undefined))
  if (at === -1) return values as number[][]
  const { reason } = results[at] as PromiseRejectedResult
  keepPartial(reason, { results: values, completed: values.filter((value) => value !== undefined).length, failed: at })
  throw reason
}
