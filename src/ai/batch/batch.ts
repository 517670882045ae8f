/**
 * Calls at half the price: a batch is a model that answers late. Calls gather, go to the provider's batch API together, and each gets its answer when its batch has ended. So
 * everything that takes a model works as before: `generateText`, `ask` with a schema, `map` with a checkpoint.
 */
import { Cancellation } from '../../base/abort.ts'
import { type Duration, durationMs } from '../../base/duration.ts'
import { describe, InvalidOption, TimedOut } from '../../base/errors.ts'
import { currentFrame } from '../../base/frame.ts'
import { checkOptions, type OptionRules, rules } from '../../base/options.ts'
import { checkCheckpoint, type Checkpoint, checkpointRule } from '../../checkpoint/index.ts'
import type { AnyLanguageModel, CallableModel, CallOptions, GenerateResult } from '../model/sdk-model.ts'
import { bindMethods } from '../pool/bound.ts'
import type { Reservation } from '../pool/budget.ts'
import { estimateInput } from '../pool/estimate.ts'
import { judge, toModelError, wasRefused } from '../pool/failure.ts'
import { mostOfCall, mostOn } from '../pool/most.ts'
import { defaultMaxOutputTokens, insideOf, pool, type PoolInside } from '../pool/pool.ts'
import { usageOf } from '../pool/usage.ts'
import { costOf } from '../prices/prices.ts'
import { captured } from './capture.ts'
import { BatchQueue } from './queue.ts'
import { BatchLedger, type BatchReport } from './report.ts'
import { TooLate } from './waiting.ts'

/** Options of {@link batch}. */
export interface BatchOptions {
  /** How long an answer may take. @default '24h' */
  readonly within?: Duration
  /**
   * A journal of what was sent and answered: after a crash the same program finds its batches again, and nothing is paid for twice. The path of a file, the same with
   * options, or a part of an open journal. @default none
   */
  readonly checkpoint?: Checkpoint
  /** What becomes of calls that no batch has answered when the time is nearly over: they are made one by one, at the full price, or fail. @default 'one-by-one' */
  readonly late?: 'one-by-one' | 'fail'
  /** So long before the end of `within` that begins. @default a tenth of `within`, an hour at most */
  readonly margin?: Duration
  /** Calls gather until none has come for so long, or a batch is full. @default '1s' */
  readonly collect?: Duration
  /** How often a batch is looked at, at most. @default '1m' */
  readonly poll?: Duration
  /** How often a call that failed for a reason that passes goes into another batch. @default 2 */
  readonly retry?: number
  /** Calls of one batch; smaller ones give answers earlier. @default the provider's limit */
  readonly maxCalls?: number
  /**
   * What is done with a batch of a program that died between sending and recording it, where the provider cannot say whether it has it: the calls fail with
   * `BatchInDoubt`, or are sent again. @default 'fail'
   */
  readonly inDoubt?: 'fail' | 'resend'
}

/** A model again, of the same type as the one that it was made of. It answers whole texts only: `streamText` has nothing to stream. */
export type Batch<M extends AnyLanguageModel> = Pick<
  M,
  'specificationVersion' | 'provider' | 'modelId' | 'supportedUrls' | 'doGenerate' | 'doStream'
> & {
  /** What was done so far. */
  report(): BatchReport
  /** Ends waiting, and closes the journal. Batches that were sent go on; the next run takes them up. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

const batchRules: OptionRules<BatchOptions> = {
  within: rules.duration,
  checkpoint: checkpointRule,
  late: rules.oneOf('one-by-one', 'fail'),
  margin: rules.duration,
  collect: rules.duration,
  poll: rules.duration,
  retry: rules.whole(0),
  maxCalls: rules.whole(1),
  inDoubt: rules.oneOf('fail', 'resend'),
}

/**
 * Sends the calls of a model through its provider's batch API, at half the price, within a day. What it gives is a model again; let many calls run at once, because
 * a batch has as many calls as wait for it.
 *
 * @param model a pool, whose budget and prices hold here too, or a model of the AI SDK whose provider has a batch API: OpenAI and those that copy it, Anthropic, Gemini
 * @throws {InvalidOption} for unknown options, and for a model whose client cannot be looked into
 *
 * @example
 * await using model = batch(pool(openai('gpt-4.1-mini'), { budget: budget({ usd: 20 }) }), { within: '24h', checkpoint: 'batches.jsonl' })
 * const answers = await map(records, ({ text }) => ask(model, text), { concurrency: 50_000, checkpoint: 'answers.jsonl' })
 */
export function batch<M extends AnyLanguageModel>(model: M, options: BatchOptions = {}): Batch<M> {
  checkOptions<BatchOptions>(options, batchRules, 'batch')
  checkCheckpoint(options.checkpoint)
  const inside = insideOf(model) ?? insideOf(pool(model))
  if (!inside) throw new InvalidOption(`Expected batch to get a pool or a model of the AI SDK, got ${describe(model)}`)
  const alone = (insideOf(model) ? model : pool(model)) as unknown as CallableModel
  if (!captured(inside.first.model, new AbortController().signal, () => Promise.reject(new TooLate())))
    throw new InvalidOption(
      `Expected the model of batch to be a provider's own, got ${inside.first.name}, whose requests cannot be looked at`,
      {
        hint: 'Put middleware around the batch instead of inside it.',
      },
    )
  return new BatchModel(inside, alone, options) as unknown as Batch<M>
}

const marginMostMs = 3_600_000

class BatchModel {
  declare readonly supportedUrls: unknown
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  readonly #inside: PoolInside
  /** For calls that are made by themselves. */
  readonly #alone: CallableModel
  readonly #late: 'one-by-one' | 'fail'
  readonly #withinMs: number
  readonly #queue: BatchQueue
  readonly #ledger = new BatchLedger()

  constructor(inside: PoolInside, alone: CallableModel, options: BatchOptions) {
    this.#inside = inside
    this.#alone = alone
    const { model } = inside.first as { model: CallableModel & { supportedUrls?: unknown } }
    this.specificationVersion = model.specificationVersion
    this.provider = model.provider
    this.modelId = model.modelId
    Object.defineProperty(this, 'supportedUrls', { enumerable: true, get: () => model.supportedUrls })
    this.#late = options.late ?? 'one-by-one'
    const withinMs = (this.#withinMs = durationMs(options.within ?? '24h', 'within'))
    const pollMs = durationMs(options.poll ?? '1m', 'poll')
    const marginMs = options.margin === undefined ? Math.min(marginMostMs, withinMs / 10) : durationMs(options.margin, 'margin')
    if (marginMs >= withinMs)
      throw new InvalidOption(`Expected \`margin\` of batch to be shorter than \`within\`, got ${describe(options.margin)}`)
    this.#queue = new BatchQueue(
      {
        checkpoint: options.checkpoint,
        withinMs,
        marginMs,
        collectMs: durationMs(options.collect ?? '1s', 'collect'),
        pollMs,
        retries: options.retry ?? 2,
        most: options.maxCalls ?? Number.POSITIVE_INFINITY,
        resendsInDoubt: options.inDoubt === 'resend',
      },
      this.#ledger,
    )
    bindMethods(this, ['doGenerate', 'doStream', 'report', 'close'])
  }

  async doGenerate(options: CallOptions): Promise<GenerateResult> {
    this.#ledger.calls++
    const cancellation = new Cancellation(currentFrame().cancellation, Cancellation.of(options.abortSignal))
    try {
      const result = await this.#generate(options, cancellation.signal)
      this.#ledger.succeeded++
      return result
    } catch (error) {
      this.#ledger.failed++
      throw options.abortSignal?.aborted ? options.abortSignal.reason : error
    } finally {
      cancellation.close()
    }
  }

  doStream(): never {
    throw new InvalidOption('Expected generateText with a batch, got a call that streams', {
      hint: 'A batch answers whole texts, hours later. Stream from the pool that it was made of.',
    })
  }

  report(): BatchReport {
    return this.#ledger.report()
  }

  close(): Promise<void> {
    return this.#queue.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #generate(options: CallOptions, signal: AbortSignal): Promise<GenerateResult> {
    const { first, budget, options: settings } = this.#inside
    const { inputAtMost } = estimateInput(options.prompt, options.tools, options.responseFormat, options.providerOptions)
    const unbounded = options.maxOutputTokens === undefined && budget?.countsTokens
    const maxOutput = unbounded ? (settings.maxOutputTokens ?? defaultMaxOutputTokens) : options.maxOutputTokens
    const bounded = maxOutput === undefined ? options : { ...options, maxOutputTokens: maxOutput }
    const worst = mostOn({ ...mostOfCall(options, inputAtMost, maxOutput), tier: 'batch' }, first.price)
    let reservation: Reservation | undefined
    let isLate = false
    let isRestored = false
    const model = captured(first.model, signal, async (request) => {
      try {
        const answer = await this.#queue.answer(request, async () => {
          reservation = await budget?.reserve({ ...worst, calls: 1 }, signal)
        })
        isRestored = answer.restored === true
        return answer
      } catch (error) {
        isLate = error instanceof TooLate
        throw error
      }
    }) as CallableModel
    try {
      const result = await model.doGenerate({ ...bounded, abortSignal: signal })
      if (!isRestored) this.#bill(result, reservation)
      return result
    } catch (error) {
      // Answered with an error, or never run: not billed. What was broken off after it was sent may be.
      const unbilled = isLate || wasRefused(error) || !signal.aborted
      reservation?.settle(unbilled ? { usd: 0, tokens: 0, calls: isLate ? 0 : 1 } : undefined)
      if (!isLate) throw toModelError(error, judge(error), first.name, 1)
    }
    if (this.#late === 'fail')
      throw new TimedOut(`No batch gave an answer within ${this.#withinMs / 1_000} s`, {
        clock: 'deadline',
        limitMs: this.#withinMs,
      })
    this.#ledger.oneByOne++
    return this.#alone.doGenerate(options)
  }

  #bill(result: GenerateResult, reservation: Reservation | undefined): void {
    const { price } = this.#inside.first
    const told = usageOf(result)
    if (!told) return reservation?.settle()
    const usd = told.usd ?? (price && costOf(price, { ...told, tier: 'batch' }))
    const { tokens } = this.#ledger
    tokens.input += told.input
    tokens.cached += told.cached
    tokens.output += told.output
    if (usd === undefined) this.#ledger.unpriced = true
    else {
      this.#ledger.usd += usd
      this.#ledger.usdOneByOne += price ? costOf(price, told) : usd
    }
    reservation?.settle({ usd: usd ?? 0, tokens: told.input + told.output, calls: 1 })
  }
}
