/** A language model whose calls go into batches. */
import { InvalidOption } from '../../base/errors.ts'
import type { CallableModel, CallOptions, GenerateResult } from '../model/sdk-model.ts'
import { bindMethods } from '../pool/bound.ts'
import { estimateInput } from '../pool/estimate.ts'
import type { PoolInside } from '../pool/inside.ts'
import { mostOfCall } from '../pool/most.ts'
import { defaultMaxOutputTokens } from '../pool/pool.ts'
import { usageOf } from '../pool/usage.ts'
import type { BatchOptions } from './batch-options.ts'
import { BatchedCalls } from './batched-calls.ts'
import type { BatchReport } from './report.ts'

export class LanguageBatches {
  declare readonly supportedUrls: unknown
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  readonly #inside: PoolInside<CallableModel>
  /** For calls that are made by themselves. */
  readonly #alone: CallableModel
  readonly #calls: BatchedCalls<CallableModel>

  constructor(inside: PoolInside<CallableModel>, alone: CallableModel, options: BatchOptions) {
    const { model } = inside.first as { model: CallableModel & { supportedUrls?: unknown } }
    this.#inside = inside
    this.#alone = alone
    this.#calls = new BatchedCalls(inside, options)
    this.specificationVersion = model.specificationVersion
    this.provider = model.provider
    this.modelId = model.modelId
    Object.defineProperty(this, 'supportedUrls', { enumerable: true, get: () => model.supportedUrls })
    bindMethods(this, ['doGenerate', 'doStream', 'report', 'close'])
  }

  doGenerate(options: CallOptions): Promise<GenerateResult> {
    const { budget, options: settings } = this.#inside
    const { modelId: model, provider } = this
    const { inputAtMost } = estimateInput(options.prompt, options.tools, options.responseFormat, options.providerOptions)
    const unbounded = options.maxOutputTokens === undefined && budget?.countsTokens
    const maxOutput = unbounded ? (settings.maxOutputTokens ?? defaultMaxOutputTokens) : options.maxOutputTokens
    const bounded = maxOutput === undefined ? options : { ...options, maxOutputTokens: maxOutput }
    return this.#calls.call({
      begun: () => ({ kind: 'call', operation: 'chat', model, provider, options }),
      most: mostOfCall(options, inputAtMost, maxOutput),
      signal: options.abortSignal,
      weight: 1,
      run: (captured, abortSignal) => captured.doGenerate({ ...bounded, abortSignal }),
      usageOf,
      alone: () => this.#alone.doGenerate(options),
    })
  }

  doStream(): never {
    throw new InvalidOption('Expected generateText with a batch, got a call that streams', {
      hint: 'A batch answers whole texts, hours later. Stream from the pool that it was made of.',
    })
  }

  report(): BatchReport {
    return this.#calls.ledger.report()
  }

  close(): Promise<void> {
    return this.#calls.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
