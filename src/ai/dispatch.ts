/**
 * How a call becomes requests: reserve the budget, choose a model, wait for its limits, send, judge what came, and go again
 * where that helps. Every call settles, with its answer or with one named error.
 *
 * - Refused for the rate limit: the whole bucket pauses, the call queues again in front, and holds no place meanwhile.
 * - Transient failure: another attempt after a jittered pause, on another model where there is one, within the retry budget.
 * - Quota used up: the model is closed at once for everybody; the call goes on elsewhere or fails.
 * - Anything else is the call's own fault, and its error.
 */
import { Cancellation, cancelled, sleep } from '../base/abort.ts'
import { systemClock } from '../base/clock.ts'
import { formatMs } from '../base/duration.ts'
import { Cancelled, CircuitOpen, QuotaExhausted, TimedOut, toError } from '../base/errors.ts'
import { currentFrame } from '../base/frame.ts'
import { Retry } from '../limits/retry.ts'
import { Attempt } from './attempt.ts'
import type { Budget, Reservation, Spend } from './budget.ts'
import { judge, toModelError } from './failure.ts'
import { type HedgeOptions, Hedging } from './hedge.ts'
import { costOf } from './prices.ts'
import type { Demand, Permit, Replica } from './replica.ts'
import { Ledger } from './report.ts'

export interface DispatchSettings {
  readonly name: string
  readonly prefer: 'least-busy' | 'first'
  readonly retries: number
  readonly timeoutMs: number
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

/** A first result, and the attempt that it came from and that must be ended by whoever takes it. */
export interface Won<M, T> {
  readonly attempt: Attempt<M>
  readonly value: T
}

type Send<M, T> = (model: M, attempt: Attempt<M>) => Promise<T>

/**
 * A refused call goes again as long as it takes, but not for ever: a provider that refuses everything is not waited for.
 * Chosen: with pauses that double up to a minute this is about half an hour.
 */
const mostRefusals = 30

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
    const retryIf = (error: unknown): boolean => error instanceof CircuitOpen || judge(error).kind === 'transient'
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
    for (let failures = 0, refusals = 0; ;) {
      let used: Replica<M> | undefined
      try {
        if (cancellation.aborted) throw cancelled(cancellation.reason, 'The call')
        const attempt = await this.#begin(call, cancellation, failedOn, failures + refusals > 0 ? 1 : 0)
        used = attempt.replica
        return await this.#hedged(call, attempt, send)
      } catch (error) {
        if (cancellation.aborted) throw cancelled(cancellation.reason, 'The call')
        // It was closed while the call waited for it.
        if (error instanceof QuotaExhausted && this.#alive.length > 0) continue
        const verdict = judge(error)
        const name = used?.name ?? this.settings.name
        const attempts = failures + refusals + 1
        if (verdict.kind === 'rate-limited' && ++refusals <= mostRefusals) continue
        if (verdict.kind === 'quota' && used) {
          used.close(toModelError(error, verdict, name, 1))
          if (this.#alive.length > 0) continue
        }
        const pauseMs = this.#retry.pauseMs(error, ++failures, performance.now())
        if (pauseMs === undefined) throw toModelError(error, verdict, name, attempts)
        if (used) failedOn.add(used)
        this.ledger.wastedAttempts++
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
    this.ledger.waitedMs.retry += pauseMs
    await sleep(pauseMs, cancellation.signal)
  }

  /** Reserves, chooses, waits. */
  async #begin(call: Call, cancellation: Cancellation, failedOn: ReadonlySet<Replica<M>>, priority: number): Promise<Attempt<M>> {
    const from = performance.now()
    const { signal } = cancellation
    const pending = call.budget?.reserve(this.#worst(call), signal)
    const reservation = pending instanceof Promise ? await pending : pending
    const admitted = performance.now()
    this.ledger.waitedMs.budget += admitted - from
    try {
      const [replica, permit] = await this.#acquire(this.#candidates(failedOn), call.demand, cancellation, priority)
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

  /** Those that may be asked, the best first. @throws what closed the last of them */
  #candidates(failedOn: ReadonlySet<Replica<M>>): readonly Replica<M>[] {
    const alive = this.#alive
    if (alive.length === 0) throw this.replicas.findLast((replica) => replica.closed)?.closed as Error
    const usable = alive.filter((replica) => replica.usable)
    if (usable.length === 0)
      throw new CircuitOpen(`Every model of ${this.settings.name} has failed too often; its breaker is open`)
    const fresh = usable.filter((replica) => !failedOn.has(replica))
    const choice = fresh.length > 0 ? fresh : usable
    if (this.settings.prefer === 'first') return choice.slice(0, 1)
    return choice.length === 1 ? choice : choice.toSorted((a, b) => a.load - b.load)
  }

  async #acquire(
    candidates: readonly Replica<M>[],
    demand: Demand,
    cancellation: Cancellation,
    priority: number,
  ): Promise<readonly [Replica<M>, Permit]> {
    const [only] = candidates
    if (candidates.length === 1 && only) return [only, await only.acquire(demand, { signal: cancellation.signal, priority })]
    for (const replica of candidates) {
      const permit = replica.tryAcquire(demand)
      if (permit) return [replica, permit]
    }
    return this.#firstOf(candidates, demand, cancellation, priority)
  }

  /** Waits in every queue, and leaves the others when the first lets it in. */
  #firstOf(
    candidates: readonly Replica<M>[],
    demand: Demand,
    cancellation: Cancellation,
    priority: number,
  ): Promise<readonly [Replica<M>, Permit]> {
    const waiting = new Cancellation(cancellation)
    return new Promise((resolve, reject) => {
      let left = candidates.length
      let won = false
      for (const replica of candidates) {
        replica.acquire(demand, { signal: waiting.signal, priority }).then(
          (permit) => {
            if (won) return replica.refund(permit)
            won = true
            waiting.abort(new Cancelled('another model was free first'))
            resolve([replica, permit])
          },
          (error: unknown) => {
            left--
            if (won || left > 0) return
            waiting.close()
            reject(error as Error)
          },
        )
      }
    })
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

  /** Sends the request, and a second copy elsewhere when the first is slow; the first that answers wins. */
  #hedged<T>(call: Call, first: Attempt<M>, send: Send<M, T>): Promise<Won<M, T>> {
    const { hedging } = this
    const afterMs = hedging?.afterMs()
    const main = this.#try(first, send)
    if (!hedging) return main
    const sample = (): void => hedging.sample(performance.now() - first.startedAt)
    if (afterMs === undefined) return main.finally(sample)
    return new Promise((resolve, reject) => {
      let second: Attempt<M> | undefined
      let running = 1
      let over = false
      const settle = (finish: () => void): void => {
        over = true
        systemClock.cancel(timer)
        sample()
        finish()
      }
      const win = (won: Won<M, T>): void => {
        if (over) return void won.attempt.abandon(0, lost)
        settle(() => resolve(won))
        if (!second) return
        if (won.attempt === second) this.ledger.hedges.won++
        const loser = won.attempt === second ? first : second
        hedging.settle(this.#hedgeCost(call, second), loser.abandon(0, lost))
      }
      const lose = (error: unknown): void => {
        if (--running > 0 || over) return
        settle(() => reject(toError(error)))
      }
      const timer = systemClock.schedule(afterMs, () => {
        second = this.#beginHedge(call, first)
        if (!second) return
        running++
        this.#try(second, send).then(win, lose)
      })
      main.then(win, lose)
    })
  }

  #hedgeCost({ demand }: Call, { replica }: Attempt<M>): number {
    return demand.input + replica.expectedOutput(demand)
  }

  /** A second copy, if there is room for it right now; preferably on another model. */
  #beginHedge(call: Call, first: Attempt<M>): Attempt<M> | undefined {
    if (!this.hedging?.spend(this.#hedgeCost(call, first))) return undefined
    const others = this.replicas.filter((replica) => replica !== first.replica)
    const reservation = call.budget?.tryReserve(this.#worst(call))
    if (!call.budget || reservation) {
      for (const replica of [...others, first.replica]) {
        const permit = replica.tryAcquire(call.demand)
        if (!permit) continue
        this.ledger.hedges.started++
        return this.#open(call, replica, permit, reservation)
      }
    }
    reservation?.settle({ usd: 0, tokens: 0, calls: 0 })
    this.hedging.settle(this.#hedgeCost(call, first), 0)
    return undefined
  }
}

const lost = new Cancelled('the other copy answered first')
