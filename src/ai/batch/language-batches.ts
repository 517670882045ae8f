/** A language model whose calls go into batches. */
import { InvalidOption } from '../../base/errors.ts'
import type { CallableModel, CallOptions, GenerateResult } from '../model/sdk-model.ts'
import { bindMethods } from '../pool/bound.ts'
import { estimateInput } from '../pool/estimate.ts'
import type { PoolInside } from '../pool/pool-internals.ts'
import { mostOfCall } from '../pool/spending-bound.ts'
import { defaultMaxOutputTokens } from '../pool/pool.ts'
import { usageOf } from '../pool/usage.ts'
import type { BatchOptions } from './batch-options.ts'
import { BatchedModel } from './batched-model.ts'

export class LanguageBatches extends BatchedModel<CallableModel> {
  declare readonly supportedUrls: unknown

  constructor(inside: PoolInside<CallableModel>, alone: CallableModel, options: BatchOptions) {
    super(inside, alone, options)
    const { model } = inside.first as { model: CallableModel & { supportedUrls?: unknown } }
    Object.defineProperty(this, 'supportedUrls', { enumerable: true, get: () => model.supportedUrls })
    bindMethods(this, ['doGenerate', 'doStream', 'report', 'close'])
  }

  doGenerate(options: CallOptions): Promise<GenerateResult> {
    const { budget, options: settings } = this.inside
    const { modelId: model, provider } = this
    const { inputAtMost } = estimateInput(options.prompt, options.tools, options.responseFormat, options.providerOptions)
    const unbounded = options.maxOutputTokens === undefined && budget?.countsTokens
    const maxOutput = unbounded ? (settings.maxOutputTokens ?? defaultMaxOutputTokens) : options.maxOutputTokens
    const bounded = maxOutput === undefined ? options : { ...options, maxOutputTokens: maxOutput }
    return this.calls.call({
      begun: () => ({ kind: 'call', operation: 'chat', model, provider, options }),
      most: mostOfCall(options, inputAtMost, maxOutput),
      signal: options.abortSignal,
      weight: 1,
      run: (captured, abortSignal) => captured.doGenerate({ ...bounded, abortSignal }),
      usageOf,
      alone: () => this.alone.doGenerate(options),
    })
  }

  doStream(): never {
    throw new InvalidOption('Expected generateText with a batch, got a call that streams', {
      hint: 'A batch answers whole texts, hours later. Stream from the pool that it was made of.',
    })
  }
}
