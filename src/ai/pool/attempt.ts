/** One request to one model: holds a permit of its limiter and a part of the budget until it is over, and then accounts for it. */
import { performance, setImmediate } from '../../base/globals.js'
import { Cancellation } from '../../base/abort.ts'
import { type FailureClass, toError } from '../../base/errors.ts'
import type { Reservation, Spend } from './budget.ts'
import { headersOf } from './answer.ts'
import { judge, notReached, type Verdict, wasRefused } from './failure.ts'
import type { Timed } from './latency.ts'
import type { HeaderBag } from './limits/headers.ts'
import type { Usage } from '../model/sdk-model.ts'
import { costOf } from '../prices/prices.ts'
import type { Demand } from './charges.ts'
import type { Permit, Replica } from './replica.ts'
import type { Ledger } from './report.ts'
import { attemptSpan } from '../telemetry/spans.ts'
import { expectSignal, wasSent } from './wire.ts'

/** Turns of the event loop, as far as attempts began in them: in the turn in which it began, nothing can have been sent and answered. */
let turn = 0
let turning = false

function currentTurn(): number {
  if (!turning) {
    turning = true
    setImmediate(() => {
      turning = false
      turn++
    })
  }
  return turn
}

export class Attempt<M> {
  readonly replica: Replica<M>
  readonly demand: Demand
  readonly cancellation: Cancellation
  readonly startedAt = performance.now()
  readonly #permit: Permit
  readonly #reservation: Reservation | undefined
  readonly #ledger: Ledger
  #open = true
  readonly #turn = currentTurn()
  readonly #span: ReturnType<typeof attemptSpan>

  constructor(
    replica: Replica<M>,
    demand: Demand,
    permit: Permit,
    reservation: Reservation | undefined,
    ledger: Ledger,
    ...parents: readonly (Cancellation | undefined)[]
  ) {
    this.replica = replica
    this.demand = demand
    this.#permit = permit
    this.#reservation = reservation
    this.#ledger = ledger
    this.cancellation = new Cancellation(...parents)
    replica.counts.attempts++
    this.#span = attemptSpan(replica.name)
  }

  /** For the request. */
  get signal(): AbortSignal {
    return expectSignal(this.replica.model, this.cancellation.signal)
  }

  /** The headers of the answer have come. */
  headers(headers: HeaderBag | undefined): void {
    this.replica.understood()
    this.replica.read(this.#permit, headers, false)
  }

  /** The answer, or the first content of a stream, is there. */
  timed(kind: Timed): void {
    const now = performance.now()
    this.replica.latency.add(kind, now - this.startedAt, now)
  }

  /** Answered in full. `usage` is undefined where the provider did not say; then `outputTokens` is an estimate of the answer. */
  succeed(usage: Usage | undefined, outputTokens = this.replica.expectedOutput(this.demand)): void {
    if (!this.#end()) return
    this.#span?.end({ usage })
    const { replica } = this
    replica.counts.succeeded++
    this.#bill(usage ?? this.estimated(outputTokens), usage === undefined)
    replica.settle(this.#permit, { kind: 'answered', usage })
  }

  /** Answered and paid for, and not good enough: nobody gets the answer. */
  unfit(usage: Usage | undefined, because: FailureClass): void {
    if (!this.#open) return
    this.succeed(usage)
    const { counts } = this.replica
    counts.succeeded--
    counts.failed++
    counts.fail(because)
    const { input, output } = usage ?? this.estimated(this.replica.expectedOutput(this.demand))
    this.#ledger.wastedTokens += input + output
  }

  /** Failed. Says what that means, and has done what it means for everybody else: paused, closed, counted. */
  fail(error: unknown, outputTokens = 0): Verdict {
    const verdict = judge(error)
    if (!this.#end()) return verdict
    this.#span?.end({ error })
    const { replica } = this
    const refused = verdict.kind === 'rate-limited' || verdict.kind === 'quota'
    if (refused) replica.counts.refused++
    else replica.counts.failed++
    replica.counts.fail(verdict.because)
    if (verdict.kind === 'rate-limited' || (verdict.kind === 'refused' && verdict.dead === undefined)) replica.understood()
    if (this.#maybeBilled(error, refused, outputTokens)) this.#waste(outputTokens)
    else if (this.#isUnsent(error)) this.#unsent()
    else this.#reservation?.settle({ usd: 0, tokens: 0, calls: 1 })
    replica.read(this.#permit, headersOf(error), refused)
    if (verdict.kind === 'rate-limited') {
      this.#ledger.rateLimited++
      replica.pause(this.#permit, verdict.waitMs)
    }
    replica.settle(this.#permit, { kind: refused ? 'refused' : 'failed', error: toError(error) })
    return verdict
  }

  /** Nobody wants the answer any more: cancelled, or the other copy of a hedge was first. Gives the tokens that it wasted. */
  abandon(outputTokens: number, reason: Error): number {
    if (!this.#end()) return 0
    this.#span?.end({ abandoned: true })
    const wasted = this.#mayBeSent ? this.#waste(outputTokens) : this.#unsent()
    this.replica.settle(this.#permit, { kind: 'abandoned' })
    this.cancellation.abort(reason)
    return wasted
  }

  /** What it probably used. */
  estimated(outputTokens: number): Usage {
    return { input: this.demand.input, cached: 0, output: outputTokens }
  }

  /** A provider that answers with an error does not bill; what broke on the way, or took too long, may be billed. */
  #maybeBilled(error: unknown, refused: boolean, outputTokens: number): boolean {
    if (outputTokens > 0) return true
    return !refused && !wasRefused(error) && !this.#isUnsent(error) && !isOverloaded(judge(error))
  }

  /** The requests that the client's `fetch` has seen; without one, nothing is sent and answered within a turn of the event loop. */
  get #mayBeSent(): boolean {
    return wasSent(this.replica.model, this.signal) ?? this.#turn !== turn
  }

  #isUnsent(error: unknown): boolean {
    return notReached(error) || (!wasRefused(error) && !this.#mayBeSent)
  }

  #end(): boolean {
    if (!this.#open) return false
    this.#open = false
    this.cancellation.close()
    return true
  }

  #unsent(): number {
    this.#reservation?.settle({ usd: 0, tokens: 0, calls: 0 })
    return 0
  }

  /** The bill is not known: the budget counts it as the most that it can be, the report as what it probably is. */
  #waste(outputTokens: number): number {
    const usage = this.estimated(outputTokens)
    this.#bill(usage, true)
    this.#ledger.wastedTokens += usage.input + usage.output
    return usage.input + usage.output
  }

  #bill(usage: Usage, estimated: boolean): void {
    const { counts, price } = this.replica
    counts.input += usage.input
    counts.cached += usage.cached
    counts.written += usage.written ?? 0
    counts.output += usage.output
    counts.usd += this.#ledger.bill(usage, price)
    this.#reservation?.settle(estimated ? undefined : spendOf(usage, usage.usd ?? (price && costOf(price, usage))))
  }
}

function spendOf(usage: Usage, usd: number | undefined): Spend {
  return { usd: usd ?? 0, tokens: usage.input + usage.output, calls: 1 }
}

function isOverloaded(verdict: Verdict): boolean {
  return verdict.kind === 'transient' && verdict.failure === 'overloaded'
}
