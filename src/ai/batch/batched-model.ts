/** A model whose calls go into batches, whatever kind of model it is. */
import type { PoolInside } from '../pool/pool-internals.ts'
import type { BatchOptions } from './batch-options.ts'
import { BatchedCalls } from './batched-calls.ts'
import type { BatchReport } from './report.ts'

interface AnyModel {
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
}

export class BatchedModel<M extends AnyModel> {
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  protected readonly inside: PoolInside<M>
  /** For calls that are made by themselves. */
  protected readonly alone: M
  protected readonly calls: BatchedCalls<M>

  constructor(inside: PoolInside<M>, alone: M, options: BatchOptions) {
    const { model } = inside.first
    this.inside = inside
    this.alone = alone
    this.calls = new BatchedCalls(inside, options)
    this.specificationVersion = model.specificationVersion
    this.provider = model.provider
    this.modelId = model.modelId
    // They are not part of what a model shows.
    for (const name of ['inside', 'alone', 'calls']) Object.defineProperty(this, name, { enumerable: false })
  }

  report(): BatchReport {
    return this.calls.ledger.report()
  }

  close(): Promise<void> {
    return this.calls.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
