/**
 * How a call becomes requests: reserve the budget, choose a model, wait for its limits, send, judge what came, and go again
 * where that helps. Every call settles, with its answer or with one named error.
 *
 * - Refused for the rate limit: the whole bucket pauses, the call queues again in front, and holds no place meanwhile.
 * - Transient failure: another attempt after a jittered pause, on another model where there is one, within the retry budget.
 * - Quota used up: the model is closed at once for everybody; the call goes on elsewhere or fails.
 * - Every breaker is open: the call waits for a model to recover, for as long as an outage may last.
 * - Anything else is the call's own fault, and its error.
 */
import { Cancellation, cancelled, sleep } from '../base/abort.ts'
import { systemClock } from '../base/clock.ts'
import { formatMs } from '../base/duration.ts'
import { CircuitOpen, QuotaExhausted, TimedOut } from '../base/errors.ts'
import { currentFrame } from '../base/frame.ts'
import { Retry } from '../limits/retry.ts'
import { Attempt } from './attempt.ts'
import { acquireAny, candidates } from './choose.ts'
import type { Budget, Reservation, Spend } from './budget.ts'
import { judge, toModelError } from './failure.ts'
import { type HedgeOptions, Hedging } from './hedge.ts'
import { costOf } from './prices.ts'
import { race, type Won } from './race.ts'
import type { Demand, Permit, Replica } from './replica.ts'
import { Ledger } from './report.ts'

export interface DispatchSettings {
  readonly name: string
  readonly prefer: 'least-busy' | 'first'
  readonly retries: number
  readonly timeoutMs: number
  readonly queueTimeoutMs: number
  readonly hedge: HedgeOptions | undefined
  readonly random: () => number
}

/** One call of the program. */
export interface Call {
  readonly demand: Demand
  /** The most input tokens that it can have, for budgets. */
  readonly inputAtMost: number
  readonly signal: AbortSignal | undefined
  readonly budget: Budget | undefined
}

type Send<M, T> = (model: M, attempt: Attempt<M>) => Promise<T>

/** While every breaker is open calls look again about this often, each at another moment. Chosen. */
const recoveryMs = 500
/** An outage that lasts longer than this is no hiccup: then calls fail. Chosen. */
const longestOutageMs = 120_000

export class Dispatcher<M> {
  readonly replicas: readonly Replica<M>[]
  readonly ledger = new Ledger()
  readonly settings: DispatchSettings
  readonly hedging: Hedging | undefined
  readonly #retry: Retry

  constructor(replicas: readonly Replica<M>[], settings: DispatchSettings) {
    this.replicas = replicas
    this.settings = settings
    this.hedging = settings.hedge && new Hedging(settings.hedge)
    const retryIf = (error: unknown): boolean => judge(error).kind === 'transient'
    this.#retry = new Retry({ retries: settings.retries, retryIf, base: 500, cap: '8s', maxRetryAfter: '1h' }, settings.random)
  }

  /** Makes the call: as many requests as it takes. The call stays under way until the attempt that won is ended. */
  async run<T>(call: Call, send: Send<M, T>): Promise<Won<M, T>> {
    const frame = currentFrame()
    const cancellation = new Cancellation(frame.cancellation, Cancellation.of(call.signal))
    this.ledger.calls++
    this.#retry.budget.call(performance.now())
    try {
      return await this.#attempts(call, cancellation, send)
    } catch (error) {
      this.ledger.failed++
      throw error
    } finally {
      // A stream goes on: its attempt stays cancellable through its own parents.
      cancellation.close()
    }
  }

  async #attempts<T>(call: Call, cancellation: Cancellation, send: Send<M, T>): Promise<Won<M, T>> {
    const failedOn = new Set<Replica<M>>()
    const from = performance.now()
    for (let failures = 0, refusals = 0; ;) {
      let used: Replica<M> | undefined
      try {
        if (cancellation.aborted) throw cancelled(cancellation.reason, 'The call')
        const attempt = await this.#begin(call, cancellation, failedOn, failures + refusals > 0 ? 1 : 0)
        used = attempt.replica
        return await this.#send(call, attempt, send)
      } catch (error) {
        if (cancellation.aborted) throw cancelled(cancellation.reason, 'The call')
        // It was closed while the call waited for it.
        if (error instanceof QuotaExhausted && this.#alive.length > 0) continue
        if (error instanceof CircuitOpen && performance.now() - from < Math.min(longestOutageMs, this.settings.queueTimeoutMs)) {
          await this.#wait(recoveryMs * (0.5 + this.settings.random()), 'breaker', cancellation)
          continue
        }
        const verdict = judge(error)
        const name = used?.name ?? this.settings.name
        const attempts = failures + refusals + 1
        // Waiting for the rate limit is waiting for a turn: it goes on as long as that may take.
        if (verdict.kind === 'rate-limited' && ++refusals > 0 && performance.now() - from < this.settings.queueTimeoutMs) continue
        if (verdict.kind === 'quota' && used) {
          used.close(toModelError(error, verdict, name, 1))
          if (this.#alive.length > 0) continue
        }
        const pauseMs = this.#retry.pauseMs(error, ++failures, performance.now())
        if (pauseMs === undefined) throw toModelError(error, verdict, name, attempts)
        if (used) {
          failedOn.add(used)
          this.ledger.wastedAttempts++
        }
        await this.#pause(pauseMs, failedOn, cancellation)
      }
    }
  }

  get #alive(): readonly Replica<M>[] {
    return this.replicas.filter((replica) => !replica.closed)
  }

  /** Waits before the next attempt; not when there is another model that has not failed yet. */
  async #pause(pauseMs: number, failedOn: ReadonlySet<Replica<M>>, cancellation: Cancellation): Promise<void> {
    if (this.replicas.some((replica) => replica.usable && !failedOn.has(replica))) return
    await this.#wait(pauseMs, 'retry', cancellation)
  }

  async #wait(ms: number, cause: 'retry' | 'breaker', cancellation: Cancellation): Promise<void> {
    const from = performance.now()
    try {
      await sleep(ms, cancellation.signal)
    } finally {
      this.ledger.waitedMs[cause] += performance.now() - from
    }
  }

  /** Reserves, chooses, waits. */
  async #begin(call: Call, cancellation: Cancellation, failedOn: ReadonlySet<Replica<M>>, priority: number): Promise<Attempt<M>> {
    const from = performance.now()
    const { signal } = cancellation
    const pending = call.budget?.reserve(this.#worst(call), signal)
    const waits = pending instanceof Promise
    const reservation = waits ? await pending : pending
    const admitted = waits ? performance.now() : from
    this.ledger.waitedMs.budget += admitted - from
    try {
      const { prefer, name } = this.settings
      const choice = candidates(this.replicas, failedOn, prefer, name)
      const [replica, permit] = await acquireAny(choice, call.demand, cancellation, priority)
      this.#countWait(replica, admitted)
      return this.#open(call, replica, permit, reservation)
    } catch (error) {
      reservation?.settle({ usd: 0, tokens: 0, calls: 0 })
      throw error
    }
  }

  #open(call: Call, replica: Replica<M>, permit: Permit, reservation: Reservation | undefined): Attempt<M> {
    // Its parents are those of the call, not the call itself: a stream outlives the call that opened it.
    const { cancellation } = currentFrame()
    return new Attempt(replica, call.demand, permit, reservation, this.ledger, cancellation, Cancellation.of(call.signal))
  }

  #countWait(replica: Replica<M>, from: number): void {
    const until = performance.now()
    const paused = Math.max(0, Math.min(until, replica.pausedUntil) - from)
    this.ledger.waitedMs.rateLimit += paused
    this.ledger.waitedMs.limiter += until - from - paused
  }

  /** The most that a request of this call can cost, on whichever model it runs. */
  #worst({ inputAtMost, demand, budget }: Call): Spend {
    const output = demand.maxOutput ?? 0
    const usage = { input: inputAtMost, cached: 0, output }
    const usd = budget?.countsUsd ? Math.max(...this.#alive.map(({ price }) => (price ? costOf(price, usage) : 0)), 0) : 0
    return { usd, tokens: inputAtMost + output, calls: 1 }
  }

  /** Sends one request within its timeout. The attempt is ended here when it fails. */
  #try<T>(attempt: Attempt<M>, send: Send<M, T>): Promise<Won<M, T>> {
    const { timeoutMs } = this.settings
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        settled()
        attempt.fail(error)
        reject(error as Error)
      }
      const timer = systemClock.schedule(timeoutMs, () => {
        const message = `${attempt.replica.name} gave no answer within the timeout of ${formatMs(timeoutMs)}`
        attempt.cancellation.abort(new TimedOut(message, { clock: 'timeout', limitMs: timeoutMs }))
      })
      // Clients that ignore their signal are not waited for.
      const unsubscribe = attempt.cancellation.subscribe((reason) => fail(cancelled(reason, 'The call')))
      const settled = (): void => {
        systemClock.cancel(timer)
        unsubscribe()
      }
      send(attempt.replica.model, attempt).then((value) => {
        settled()
        resolve({ attempt, value })
      }, fail)
    })
  }

  /** Sends the request, and a second copy when it is slow to begin. */
  #send<T>(call: Call, first: Attempt<M>, send: Send<M, T>): Promise<Won<M, T>> {
    const { hedging } = this
    if (!hedging) return this.#try(first, send)
    return race(hedging, {
      first,
      send: (attempt) => this.#try(attempt, send),
      second: () => this.#beginHedge(hedging, call, first),
      settled: (second, secondWon, wastedTokens) => {
        if (secondWon) this.ledger.hedges.won++
        hedging.settle(hedgeCost(call, second), wastedTokens)
      },
    })
  }

  /** A second copy, if there is room for it right now; preferably on another model. */
  #beginHedge(hedging: Hedging, call: Call, first: Attempt<M>): Attempt<M> | undefined {
    const cost = hedgeCost(call, first)
    if (!hedging.spend(cost)) return undefined
    const reservation = call.budget?.tryReserve(this.#worst(call))
    if (!call.budget || reservation) {
      for (const replica of [...this.replicas.filter((other) => other !== first.replica), first.replica]) {
        const permit = replica.tryAcquire(call.demand)
        if (!permit) continue
        this.ledger.hedges.started++
        return this.#open(call, replica, permit, reservation)
      }
    }
    reservation?.settle({ usd: 0, tokens: 0, calls: 0 })
    hedging.settle(cost, 0)
    return undefined
  }
}

/** Tokens that a second copy probably costs. */
function hedgeCost<M>({ demand }: Call, { replica }: Attempt<M>): number {
  return demand.input + replica.expectedOutput(demand)
}
