/** Many calls to language models under their providers' real limits, behind the interface of one model. */
import { durationMs } from '../../base/duration.ts'
import { describe, InvalidOption } from '../../base/errors.ts'
import { checkOptions } from '../../base/options.ts'
import { peek } from '../../base/look.js'
import { type Begun, type OpenSpan, spanned } from '../telemetry/spans.ts'
import { bindMethods } from './bound.ts'
import type { Budget } from './budget.ts'
import type { Call, Dispatcher } from './dispatch.ts'
import { embeddingPool } from './embedding.ts'
import { estimateInput } from './estimate.ts'
import { type PromptCaching, promptCacheOf } from './prompt-cache.ts'
import { showInside } from './pool-internals.ts'
import { checkPriced, dispatcherOf, membersOf } from './members.ts'
import {
  type AnyLanguageModel,
  type CallableModel,
  type CallOptions,
  type GenerateResult,
  type StreamPart,
  type StreamResult,
  type Usage,
} from '../model/sdk-model.ts'
import { type PoolMember, type PoolOptions, poolRules } from './pool-options.ts'
import type { Replica } from './replica.ts'
import type { Timed } from './latency.ts'
import { mostOfCall } from './spending-bound.ts'
import { needsNothing, needsOf } from './needs.ts'
import { type PoolReport, reportOf } from './report.ts'
import { unfitness } from './answer-check.ts'
import { usageOf } from './usage.ts'
import { guardStream, openStream } from './answer-stream.ts'
import { cacheKey } from '../cache/cache-key.ts'
import { keepingParts, streamOf } from '../cache/kept-stream.ts'
import { costOf } from '../prices/prices.ts'

/** A pool is a model again, of the same type as its members. */
export type Pool<M extends AnyLanguageModel> = Pick<
  M,
  'specificationVersion' | 'provider' | 'modelId' | 'supportedUrls' | 'doGenerate' | 'doStream'
> & {
  /** What was done so far. */
  report(): PoolReport
  /** The same pool, limits and report included, whose calls count against another budget: usually a child of the pool's. */
  with(options: { readonly budget: Budget }): Pool<M>
}

/** Where an answer is bounded by nothing. */
export const defaultMaxOutputTokens = 4_096

/**
 * Puts one or several models of the AI SDK behind one, with limits, retries, fallback, hedging and budgets. It is a
 * `LanguageModel` again: pass it to `generateText`, `streamText`, structured output and agents as it is.
 *
 * @param models a model, or several that may stand in for one another; share one pool between all callers of an account, for it is
 *   what knows the account's limits
 * @throws {InvalidOption} for unknown options, no model, or models of different specification versions
 *
 * @example
 * const model = pool(openai('gpt-4.1-mini'), { budget: budget({ usd: 2 }) })
 * const answers = await map(documents, (document) => generateText({ model, prompt: document }), { concurrency: 500 })
 * console.log(model.report())
 */
export function pool<M extends AnyLanguageModel>(
  models: M | PoolMember<M> | readonly (M | PoolMember<M>)[],
  options: PoolOptions = {},
): Pool<M> {
  checkOptions<PoolOptions>(options, poolRules, 'pool')
  const members = membersOf(models)
  for (const { model } of members) {
    if (typeof model?.doGenerate === 'function' && typeof model.doStream === 'function') continue
    throw new InvalidOption(`Expected the models of pool to be language models of the AI SDK, got ${describe(model)}`, {
      hint: typeof model === 'string' ? 'Pass the model object of a provider, such as openai("gpt-4.1-mini").' : undefined,
    })
  }
  const dispatcher = dispatcherOf<CallableModel>(members as unknown as readonly PoolMember<CallableModel>[], options)
  return new ModelPool(dispatcher, options, options.budget, promptCacheOf(options.promptCache)) as unknown as Pool<M>
}

/** The same for embedding models; see {@link EmbeddingPool}. */
pool.embedding = embeddingPool

/** A whole answer, and who gave it. */
interface Answered {
  readonly value: GenerateResult
  readonly usage: Usage | undefined
  readonly replica: Replica<CallableModel> | undefined
}

class ModelPool {
  declare readonly supportedUrls: unknown
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  readonly #dispatcher: Dispatcher<CallableModel>
  readonly #options: PoolOptions
  readonly #budget: Budget | undefined
  readonly #promptCache: PromptCaching | undefined
  readonly #first: CallableModel & { readonly supportedUrls?: unknown }

  constructor(
    dispatcher: Dispatcher<CallableModel>,
    options: PoolOptions,
    budget: Budget | undefined,
    promptCache: PromptCaching | undefined,
  ) {
    this.#promptCache = promptCache
    this.#dispatcher = dispatcher
    this.#options = options
    this.#budget = budget
    this.#first = (dispatcher.replicas[0] as Replica<CallableModel>).model
    this.specificationVersion = this.#first.specificationVersion
    this.provider = this.#first.provider
    this.modelId = this.#first.modelId
    const first = this.#first
    Object.defineProperty(this, 'supportedUrls', { enumerable: true, get: () => first.supportedUrls })
    bindMethods(this, ['doGenerate', 'doStream', 'report', 'with'])
    showInside(this, { first: dispatcher.replicas[0] as Replica<CallableModel>, budget, options })
  }

  doGenerate(options: CallOptions): Promise<GenerateResult> {
    return spanned(
      () => this.#begun(options),
      async (span) => {
        try {
          const result = await this.#answer(options)
          span?.end({ usage: usageOf({ ...result, headers: result.response?.headers }), output: peek(result, 'content') })
          return result
        } catch (error) {
          span?.end({ error })
          throw error
        }
      },
    )
  }

  /** From the cache, where there is one. */
  async #answer(options: CallOptions): Promise<GenerateResult> {
    const { cache } = this.#options
    const key = cache && this.#cacheKey('whole', options)
    if (!cache || key === undefined) {
      cache?.skip()
      return (await this.#generate(options)).value
    }
    const answer = await cache.through(key, options.abortSignal, async (abortSignal) => {
      const answered = await this.#generate({ ...options, abortSignal })
      return { value: answered.value, ...this.#keeping(answered) }
    })
    return answer.cached ? this.#hit(answer.value as GenerateResult) : (answer.value as GenerateResult)
  }

  async #generate(options: CallOptions): Promise<Answered> {
    const { dispatcher, call, bounded } = this.#prepare(options, 'whole')
    let filtered: GenerateResult | undefined
    const warmed = await this.#promptCache?.turn(bounded)
    try {
      const { attempt, value } = await dispatcher.run(call, async (model, attempt) => {
        const result = await model.doGenerate({ ...bounded, abortSignal: attempt.signal })
        attempt.headers(result.response?.headers)
        attempt.timed('whole')
        const unfit = await unfitness(result, attempt.replica.name, this.#options.check, dispatcher.replicas.length > 1)
        if (!unfit) return result
        if (unfit.because === 'policy') filtered ??= result
        attempt.unfit(usageOf({ ...result, headers: result.response?.headers }), unfit.because)
        throw unfit
      })
      const usage = usageOf({ ...value, headers: value.response?.headers })
      attempt.succeed(usage)
      warmed?.(true)
      dispatcher.ledger.succeeded++
      if (usage) dispatcher.hedging?.used(usage.input + usage.output)
      return { value, usage, replica: attempt.replica }
    } catch (error) {
      warmed?.(false)
      // No model gave more than what a filter has ended: that is what the first alone would have given.
      if (!filtered || options.abortSignal?.aborted) throw error
      dispatcher.ledger.failed--
      dispatcher.ledger.succeeded++
      return { value: filtered, usage: undefined, replica: undefined }
    }
  }

  doStream(options: CallOptions): Promise<StreamResult> {
    return spanned(
      () => this.#begun(options),
      async (span) => {
        try {
          return await this.#streamed(options, span)
        } catch (error) {
          span?.end({ error })
          throw error
        }
      },
    )
  }

  #begun(options: CallOptions): Begun {
    return { kind: 'call', operation: 'chat', model: this.modelId, provider: this.provider, options }
  }

  /** From the cache, where there is one. */
  async #streamed(options: CallOptions, span: OpenSpan | undefined): Promise<StreamResult> {
    const { cache } = this.#options
    const key = cache && this.#cacheKey('stream', options)
    if (!cache || key === undefined) {
      cache?.skip()
      return this.#stream(options, span)
    }
    const parts = await cache.find(key)
    if (parts !== undefined) {
      const { ledger } = this.#dispatcher
      ledger.calls++
      ledger.succeeded++
      span?.end({})
      return { stream: streamOf(parts as readonly StreamPart[]) }
    }
    cache.missed()
    return this.#stream(options, span, (kept, answered) => void cache.keep(key, { value: kept, ...this.#keeping(answered) }))
  }

  async #stream(
    options: CallOptions,
    span: OpenSpan | undefined,
    keep?: (parts: readonly StreamPart[], answered: Answered) => void,
  ): Promise<StreamResult> {
    const { dispatcher, call, bounded } = this.#prepare(options, 'stream')
    const warmed = await this.#promptCache?.turn(bounded)
    const { attempt, value } = await dispatcher
      .run(call, (model, attempt) => openStream(model, bounded, attempt))
      .finally(() => warmed?.(false))
    warmed?.(true)
    span?.firstChunk()
    const stallTimeoutMs = durationMs(this.#options.stallTimeout ?? '1m', 'stallTimeout')
    const outcome = {
      ended: (usage: Usage) => {
        dispatcher.ledger.succeeded++
        dispatcher.hedging?.used(usage.input + usage.output)
        span?.end({ usage })
      },
      failed: (error?: unknown) => {
        dispatcher.ledger.failed++
        span?.end(error === undefined ? { abandoned: true } : { error })
      },
    }
    const stream = guardStream(value, attempt, { stallTimeoutMs, signal: options.abortSignal, outcome })
    if (!keep) return { ...value.result, stream }
    const headers = value.result.response?.headers
    const kept = keepingParts(stream, (parts, last) => {
      keep(parts, { value: {}, usage: usageOf({ ...last, headers }), replica: attempt.replica })
    })
    return { ...value.result, stream: kept }
  }

  /** Which models may answer is part of what is asked. */
  #cacheKey(kind: Timed, options: CallOptions): string | undefined {
    return cacheKey(kind, this.#cachedFor(), options, mostOfCall(options, 0, undefined).openInput)
  }

  #cachedFor(): readonly string[] {
    const { replicas, settings } = this.#dispatcher
    const names = replicas.map(({ modelId }) => `${(replicas[0] as Replica<CallableModel>).model.provider}/${modelId}`)
    return settings.preference.prefer === 'first' ? names.slice(0, 1) : [...new Set(names)].toSorted()
  }

  /** The answer of a model that stood in for the first one is not kept as the answer of the first. */
  #keeping({ usage, replica }: Answered): { readonly usd: number | undefined; readonly keeps: boolean } {
    const { replicas, settings } = this.#dispatcher
    const isMeant = replica !== undefined && (settings.preference.prefer !== 'first' || replica.modelId === replicas[0]?.modelId)
    return { usd: usage && (usage.usd ?? (replica?.price && costOf(replica.price, usage))), keeps: isMeant }
  }

  /** An answer that was not asked for again: a call that succeeded, and says where it comes from. */
  #hit(value: GenerateResult): GenerateResult {
    const { ledger } = this.#dispatcher
    ledger.calls++
    ledger.succeeded++
    return { ...value, providerMetadata: { ...(value.providerMetadata as object | undefined), heddle: { cached: true } } }
  }

  report(): PoolReport {
    const { cache } = this.#options
    return { ...reportOf(this.#dispatcher), ...(cache && { cache: cache.report() }) }
  }

  with(options: { readonly budget: Budget }): ModelPool {
    checkOptions(options, { budget: poolRules.budget }, 'with')
    for (const { price, name } of this.#dispatcher.replicas) if (!price) checkPriced(name, options.budget)
    return new ModelPool(this.#dispatcher, this.#options, options.budget, this.#promptCache)
  }

  #prepare(asked: CallOptions, timed: Timed): { dispatcher: Dispatcher<CallableModel>; call: Call; bounded: CallOptions } {
    const options = this.#promptCache?.marked(asked) ?? asked
    const { input, inputAtMost } = estimateInput(options.prompt, options.tools, options.responseFormat, options.providerOptions)
    const unbounded = options.maxOutputTokens === undefined && this.#budget?.countsTokens
    const maxOutput = unbounded ? (this.#options.maxOutputTokens ?? defaultMaxOutputTokens) : options.maxOutputTokens
    const bounded = maxOutput === undefined ? options : { ...options, maxOutputTokens: maxOutput }
    const most = mostOfCall(options, inputAtMost, maxOutput)
    const needs = this.#dispatcher.replicas.length > 1 ? needsOf(options) : needsNothing
    const call = { demand: { input, maxOutput }, needs, timed, most, signal: options.abortSignal, budget: this.#budget }
    return { dispatcher: this.#dispatcher, call, bounded }
  }
}
