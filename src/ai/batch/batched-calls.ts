/** One call after the other through the queue: its budget reserved, its request taken from the model's own client, its answer billed. */
import { Cancellation } from '../../base/abort.ts'
import { durationMs } from '../../base/duration.ts'
import { describe, InvalidOption, TimedOut } from '../../base/errors.ts'
import { currentFrame } from '../../base/frame.ts'
import type { Usage } from '../model/sdk-model.ts'
import type { Reservation } from '../pool/budget.ts'
import { judge, toModelError, wasRefused } from '../pool/failure.ts'
import type { PoolInside } from '../pool/pool-internals.ts'
import { type Most, mostOn } from '../pool/spending-bound.ts'
import { costOf } from '../prices/prices.ts'
import { type Begun, spanned } from '../telemetry/spans.ts'
import type { BatchOptions } from './batch-options.ts'
import { type CapturedRequest, captured } from './capture.ts'
import { BatchQueue } from './queue.ts'
import { BatchLedger } from './report.ts'
import { TooLate } from './waiting.ts'

/** A call of the program. */
export interface BatchedCall<M, T> {
  /** For spans. */
  readonly begun: () => Begun
  readonly most: Most
  readonly signal: AbortSignal | undefined
  /** What the provider counts it as: the texts that are embedded, or 1. */
  readonly weight: number
  /** Makes the call with the model whose requests go into batches. */
  readonly run: (model: M, signal: AbortSignal) => PromiseLike<T>
  readonly usageOf: (result: T) => Usage | undefined
  /** Makes it by itself, at the full price. */
  readonly alone: () => PromiseLike<T>
}

const marginMostMs = 3_600_000

export class BatchedCalls<M> {
  readonly ledger = new BatchLedger()
  readonly #inside: PoolInside<M>
  readonly #late: 'one-by-one' | 'fail'
  readonly #withinMs: number
  readonly #queue: BatchQueue

  constructor(inside: PoolInside<M>, options: BatchOptions) {
    this.#inside = inside
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
      this.ledger,
    )
  }

  close(): Promise<void> {
    return this.#queue.close()
  }

  call<T>(call: BatchedCall<M, T>): Promise<T> {
    return spanned(call.begun, async (span) => {
      this.ledger.calls++
      const cancellation = new Cancellation(currentFrame().cancellation, Cancellation.of(call.signal))
      try {
        const result = await this.#course(call, cancellation.signal)
        this.ledger.succeeded++
        span?.end({ usage: call.usageOf(result) })
        return result
      } catch (error) {
        this.ledger.failed++
        span?.end({ error })
        throw call.signal?.aborted ? call.signal.reason : error
      } finally {
        cancellation.close()
      }
    })
  }

  async #course<T>(call: BatchedCall<M, T>, signal: AbortSignal): Promise<T> {
    const { first, budget } = this.#inside
    const worst = mostOn({ ...call.most, tier: 'batch' }, first.price)
    let reservation: Reservation | undefined
    let isLate = false
    let isRestored = false
    const answer = async (request: CapturedRequest) => {
      try {
        const answered = await this.#queue.answer(request, call.weight, async () => {
          reservation = await budget?.reserve({ ...worst, calls: 1 }, signal)
        })
        isRestored = answered.restored === true
        return answered
      } catch (error) {
        isLate = error instanceof TooLate
        throw error
      }
    }
    try {
      const result = await call.run(captured<M>(first.model, signal, answer) as M, signal)
      if (!isRestored) this.#bill(call.usageOf(result), reservation)
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
    this.ledger.oneByOne++
    return call.alone()
  }

  #bill(told: Usage | undefined, reservation: Reservation | undefined): void {
    const { price } = this.#inside.first
    if (!told) return reservation?.settle()
    const usd = told.usd ?? (price && costOf(price, { ...told, tier: 'batch' }))
    const { tokens } = this.ledger
    tokens.input += told.input
    tokens.cached += told.cached
    tokens.output += told.output
    if (usd === undefined) this.ledger.unpriced = true
    else {
      this.ledger.usd += usd
      this.ledger.usdOneByOne += price ? costOf(price, told) : usd
    }
    reservation?.settle({ usd: usd ?? 0, tokens: told.input + told.output, calls: 1 })
  }
}
