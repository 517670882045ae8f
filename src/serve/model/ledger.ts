/** What a model learns of its calls: counts for people, lengths and speed for its own decisions. Each call is settled here, once. */
import type { Answer } from '../served.ts'
import { TokenEstimate } from '../queue/estimate.ts'
import type { Refusal } from '../stats.ts'
import type { Call } from './call.ts'
import { Meter } from './meter.ts'

/** Of throughput: about as many of the latest batches decide. */
const memory = 20

export class Ledger {
  readonly meter: Meter
  readonly estimate: TokenEstimate
  /** Of one replica: tokens and milliseconds of the latest batches. */
  #rateTokens = 0
  #rateMs = 0

  constructor(counted: boolean, nowMs: number) {
    this.meter = new Meter(nowMs)
    this.estimate = new TokenEstimate(counted)
  }

  /** The call did not get an answer, for a reason outside of the model. */
  refuse(call: Call, cause: Refusal, error: unknown): void {
    if (call.fail(error)) this.meter.refuse(call.tenant, cause)
  }

  /** The model rejected it. */
  fail(call: Call, error: unknown): void {
    if (call.fail(error)) this.meter.failed++
  }

  answer(call: Call, answer: Omit<Answer<unknown>, 'queuedMs'>, nowMs: number): void {
    const queuedMs = (call.startedAtMs ?? nowMs) - call.arrivedAtMs
    if (call.succeed({ ...answer, queuedMs })) this.meter.answer(call.tenant, answer.tokens, nowMs - call.arrivedAtMs, nowMs)
  }

  /** A batch was computed, in `ms` of its replica; `tokens` is what it counted for. */
  computed(calls: readonly Call[], tokens: number, ms: number, slots: number): void {
    this.meter.batch(calls.length, tokens)
    this.meter.served.add(ms)
    const keep = 1 - 1 / memory
    // By the guesses of the queue, because it is they that wait.
    const guessed = calls.reduce((sum, call) => sum + call.tokens, 0)
    this.#rateTokens = this.#rateTokens * keep + guessed
    this.#rateMs = this.#rateMs * keep + ms / slots
  }

  /** How long one replica takes for so many tokens. 0 while nothing is known. */
  msFor(tokens: number): number {
    return this.#rateTokens === 0 ? 0 : tokens * (this.#rateMs / this.#rateTokens)
  }
}
