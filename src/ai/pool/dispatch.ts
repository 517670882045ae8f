/**
 * How a call becomes requests: reserve the budget, choose a model, wait for its limits, send, judge what came, and go again
 * where that helps. Every call settles, with its answer or with one named error.
 *
 * - Refused for the rate limit: the whole bucket pauses, the call queues again in front, and holds no place meanwhile.
 * - Transient failure: another attempt after a jittered pause, on another model where there is one, within the retry budget. Where the
 *   caller has written a `retry` around the call, other models are tried here, and the rest is left to that: one layer retries.
 * - Quota used up, key refused, no such model: the model is closed for everybody until a probe is answered; the call goes on elsewhere or fails.
 * - Refused for what it is (too long, against a policy, not understood): each other model is asked once.
 * - Every breaker is open: the call waits for a model to recover, for as long as an outage may last.
 * - Anything else is the program's own fault, and its error.
 */
import { performance } from '../../base/globals.js'
import { Cancellation, cancelled, sleep } from '../../base/abort.ts'
import { systemClock } from '../../base/clock.ts'
import { formatMs } from '../../base/duration.ts'
import { CircuitOpen, type FailureClass, TimedOut } from '../../base/errors.ts'
import { currentFrame } from '../../base/frame.ts'
import { isSpent, markSpent } from '../../base/final-errors.ts'
import { note } from '../../base/observer.ts'
import { isRetriedOutside, isTransient } from '../../limits/index.ts'
import { Retry } from '../../limits/retry.ts'
import { Attempt } from './attempt.ts'
import { acquireAny, candidates, type Preference } from './choose.ts'
import { CallProgress } from './call-progress.ts'
import type { Budget, Reservation, Spend } from './budget.ts'
import { judge, saidBy, toModelError, type Verdict } from './failure.ts'
import { type HedgeOptions, Hedging } from './hedge.ts'
import { type Most, mostOn } from './spending-bound.ts'
import { nextStep } from './next-step.ts'
import type { Timed } from './latency.ts'
import { lacking, type Needs } from './needs.ts'
import type { PoolOptions } from './pool-options.ts'
import { race, type Won } from './race.ts'
import type { Demand } from './charges.ts'
import type { Permit, Replica } from './replica.ts'
import { Ledger } from './report.ts'

export interface DispatchSettings {
  readonly name: string
  readonly preference: Preference
  readonly fallback: NonNullable<PoolOptions['fallback']>
  readonly retries: number
  readonly timeoutMs: number
  readonly queueTimeoutMs: number
  readonly hedge: HedgeOptions | undefined
  readonly random: () => number
}

/** One call of the program. */
export interface Call {
  readonly demand: Demand
  readonly needs: Needs
  readonly timed: Timed
  /** The most that it can spend, for budgets. */
  readonly most: Most
  readonly signal: AbortSignal | undefined
  readonly budget: Budget | undefined
}

type Send<M, T> = (model: M, attempt: Attempt<M>) => Promise<T>

/** While every breaker is open calls look again about this often, each at another moment. Chosen. */
const recoveryMs = 500
const leftAlone =
  'The model is left alone for a while, and then asked again. Until then calls go to the other models, or fail at once.'
/** Longer hints are cut. Chosen. */
const longestHint = 1_000
/** An outage that lasts longer than this is more than a hiccup: then calls fail. Chosen. */
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
    this.#retry = new Retry(
      { retries: settings.retries, budget: 0.1, retryIf, base: 500, cap: '8s', maxRetryAfter: '1h' },
      settings.random,
    )
  }

  /** Makes the call: as many requests as it takes. The call stays under way until the attempt that won is ended. */
  async run<T>(call: Call, send: Send<M, T>): Promise<Won<M, T>> {
    const frame = currentFrame()
    const cancellation = new Cancellation(frame.cancellation, Cancellation.of(call.signal))
    this.ledger.calls++
    this.#retry.budget?.call(performance.now())
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
    const course = new CallProgress<M>(call.demand, call.needs, call.timed)
    for (;;) {
      let used: Replica<M> | undefined
      try {
        if (cancellation.aborted) throw stopped(call, cancellation)
        const attempt = await this.#begin(call, cancellation, course)
        used = attempt.replica
        const won = await this.#send(call, attempt, course, send)
        this.#answered(course)
        return won
      } catch (error) {
        if (cancellation.aborted) throw stopped(call, cancellation)
        if (used === undefined) await this.#notBegun(error, course, cancellation)
        else await this.#failed(error, used, course, cancellation)
      }
    }
  }

  /** The call could not be sent. Returns when it is to try again. @throws why it is not */
  async #notBegun(error: unknown, course: CallProgress<M>, cancellation: Cancellation): Promise<void> {
    // It was closed while the call waited for it.
    if (this.replicas.some(({ closure }) => closure.causes(error)) && this.#open(course).length > 0) return
    if (course.refusedBy.size > 0 && this.#open(course).length === 0) throw this.#final(this.#refusal(course))
    if (error instanceof CircuitOpen && course.ms < Math.min(longestOutageMs, this.settings.queueTimeoutMs)) {
      await this.#wait(recoveryMs * (0.5 + this.settings.random()), 'breaker', cancellation)
      return
    }
    throw toModelError(error, judge(error), this.settings.name, course.attempts)
  }

  /** An attempt has failed. Returns when the call is to be repeated. @throws the error of the call */
  async #failed(error: unknown, used: Replica<M>, course: CallProgress<M>, cancellation: Cancellation): Promise<void> {
    const verdict = judge(error)
    course.attempts++
    course.last = { replica: used, because: verdict.because }
    this.#bar(verdict.because, used, course)
    const named = toModelError(error, verdict, used.name, course.attempts)
    this.#noteFailure(error, verdict, used, course)
    const fresh = this.#isFresh(course)
    const step = nextStep(verdict, {
      ms: course.ms,
      queueTimeoutMs: this.settings.queueTimeoutMs,
      open: this.#open(course).length,
      fresh,
      isLeft: () => this.#isLeft(error, named),
      pauseMs: () => this.#pauseMs(error, named, ++course.failures, fresh),
    })
    switch (step.type) {
      case 'queue':
        return
      case 'retry':
        this.ledger.wastedAttempts++
        return step.pauseMs > 0 ? this.#wait(step.pauseMs, 'retry', cancellation) : undefined
      case 'leave':
        throw named
      case 'refuse':
        throw this.#final(this.#refusal(course))
      case 'fail':
        throw this.#final(named, verdict)
    }
  }

  /** The failure's verdict on the model that was used. */
  #noteFailure(error: unknown, verdict: Verdict, used: Replica<M>, course: CallProgress<M>): void {
    if (verdict.kind === 'refused') this.#refused(error, verdict, used, course)
    else if (verdict.kind === 'transient') course.failedOn.add(used)
    else if (verdict.kind === 'quota') {
      used.close(toModelError(error, verdict, used.name, 1))
      course.refusedBy.set(used, error)
    }
  }

  /** Where a call may not go after such a failure: as `fallback` says, and to no context that is known to be too small as well. */
  #bar(because: FailureClass, used: Replica<M>, { barred }: CallProgress<M>): void {
    const targets = because === 'program' ? true : (this.settings.fallback[because] ?? true)
    for (const other of this.replicas) {
      if (other === used) continue
      const isAllowed = typeof targets === 'boolean' ? targets : targets.includes(other.name) || targets.includes(other.modelId)
      if (!isAllowed || (because === 'window' && other.isSmallerThan(used))) barred.add(other)
    }
  }

  /** A model does not take the call: perhaps it takes none. */
  #refused(error: unknown, verdict: Verdict & { kind: 'refused' }, used: Replica<M>, course: CallProgress<M>): void {
    course.refusedBy.set(used, error)
    if (verdict.because === 'window') used.tooLong(course.input)
    // Alone, it is asked all the same: then nobody is drawn away from others, and each call gets the answer to itself.
    const likely = verdict.dead === 'likely' && this.replicas.length > 1 && used.refusedAgain()
    if (verdict.dead === 'surely' || likely) used.close(toModelError(error, verdict, used.name, 1, leftAlone))
  }

  /** The models that refused what another one answers are at fault, if that goes on so. */
  #answered({ refusedBy }: CallProgress<M>): void {
    for (const [replica, error] of refusedBy) {
      const verdict = judge(error)
      if (verdict.kind !== 'refused' || verdict.dead === 'surely' || ofTheCall.has(verdict.because) || !replica.outdone())
        continue
      replica.close(toModelError(error, verdict, replica.name, 1, leftAlone))
    }
  }

  /** The error of a call that no model takes: what the first said that understood it, else the first. */
  #refusal({ refusedBy, attempts }: CallProgress<M>): Error {
    const said = [...refusedBy].map(([replica, error]) => ({ replica, error, verdict: judge(error) }))
    const telling = said.find(({ verdict }) => verdict.kind === 'refused' && verdict.dead === undefined) ?? said[0]
    const { replica, error, verdict } = telling as (typeof said)[number]
    const others = said.filter((other) => other.replica !== replica)
    const hint =
      others.length > 0
        ? `The other models refused it, too: ${others.map((o) => `${o.replica.name}: ${saidBy(o.error)}`).join('; ')}`
        : undefined
    return toModelError(error, verdict, replica.name, attempts, hint?.slice(0, longestHint))
  }

  /** The models that the call may still be sent to. */
  #open({ refusedBy, barred }: CallProgress<M>): readonly Replica<M>[] {
    return this.replicas.filter((replica) => replica.closure.ready && !refusedBy.has(replica) && !barred.has(replica))
  }

  /** As `Retry.pauseMs`; what a pool inside this one has tried again may only go to another model. */
  #pauseMs(error: unknown, named: Error, failures: number, elsewhere: boolean): number | undefined {
    if (!isSpent(error)) return this.#retry.pauseMs(named, failures, performance.now())
    return elsewhere && failures <= this.settings.retries ? 0 : undefined
  }

  /** Whether there is another model that has not failed yet. */
  #isFresh(course: CallProgress<M>): boolean {
    return this.#open(course).some((replica) => replica.usable && !course.failedOn.has(replica))
  }

  /**
   * Whether to leave another attempt to the `retry` that the caller wrote around the call. A pool inside this one may have retried already; then no other layer does.
   */
  #isLeft(error: unknown, named: Error): boolean {
    if (isSpent(error) || !isRetriedOutside(named)) return false
    const frame = currentFrame()
    const text = `${this.settings.name} left a failure to the \`retry\` of ${frame.label()}`
    note('limit', frame.run, text, { leftToRetry: 1 })
    return true
  }

  /** The error of a call that this pool has done for what it can: policies around it do not repeat that. */
  #final(error: Error, verdict?: Verdict): Error {
    if (verdict?.kind === 'transient' && this.settings.retries === 0) return error
    if (isTransient(error)) markSpent(error)
    return error
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
  async #begin(call: Call, cancellation: Cancellation, course: CallProgress<M>): Promise<Attempt<M>> {
    const from = performance.now()
    const { signal } = cancellation
    const pending = call.budget?.reserve(this.#worst(call), signal, this.settings.queueTimeoutMs)
    const waits = pending instanceof Promise
    const reservation = waits ? await pending : pending
    const admitted = waits ? performance.now() : from
    this.ledger.waitedMs.budget += admitted - from
    try {
      const { preference, name } = this.settings
      const choice = candidates(this.replicas, course, preference, name)
      // A call that was sent before goes before those that were not.
      const [replica, permit] = await acquireAny(choice, call.demand, cancellation, course.attempts > 0 ? 1 : 0)
      this.#countWait(replica, admitted)
      const { last } = course
      if (last && last.replica !== replica) this.ledger.fellBack(last.replica.name, replica.name, last.because)
      return this.#attempt(call, replica, permit, reservation)
    } catch (error) {
      reservation?.settle({ usd: 0, tokens: 0, calls: 0 })
      throw error
    }
  }

  #attempt(call: Call, replica: Replica<M>, permit: Permit, reservation: Reservation | undefined): Attempt<M> {
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
  #worst({ most, budget }: Call): Spend {
    if (!budget) return { usd: 0, tokens: 0, calls: 1 }
    const each = this.replicas.map(({ price }) => mostOn(most, price))
    return { usd: Math.max(...each.map(({ usd }) => usd)), tokens: Math.max(...each.map(({ tokens }) => tokens)), calls: 1 }
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
  #send<T>(call: Call, first: Attempt<M>, course: CallProgress<M>, send: Send<M, T>): Promise<Won<M, T>> {
    const { hedging } = this
    if (!hedging) return this.#try(first, send)
    return race(hedging, {
      first,
      send: (attempt) => this.#try(attempt, send),
      second: () => this.#beginHedge(hedging, call, first, course),
      settled: (second, secondWon, wastedTokens) => {
        if (secondWon) this.ledger.hedges.won++
        hedging.settle(hedgeCost(call, second), wastedTokens)
      },
    })
  }

  /** A second copy, if there is room for it right now; preferably on another model. */
  #beginHedge(hedging: Hedging, call: Call, first: Attempt<M>, course: CallProgress<M>): Attempt<M> | undefined {
    const cost = hedgeCost(call, first)
    if (!hedging.spend(cost)) return undefined
    const reservation = call.budget?.tryReserve(this.#worst(call))
    if (!call.budget || reservation) {
      const others = this.#open(course).filter(
        (other) => other !== first.replica && other.holds(course.input) && lacking(other.can, course.needs) === 0,
      )
      for (const replica of [...others, first.replica]) {
        const permit = replica.tryAcquire(call.demand)
        if (!permit) continue
        this.ledger.hedges.started++
        return this.#attempt(call, replica, permit, reservation)
      }
    }
    reservation?.settle({ usd: 0, tokens: 0, calls: 0 })
    hedging.settle(cost, 0)
    return undefined
  }
}

/** What is wrong with a call and not with a model, even where another model does better. */
const ofTheCall: ReadonlySet<FailureClass> = new Set(['window', 'policy', 'quality'])

/** The reason of the caller's signal as it is, as the model itself rejects with it; else {@link Cancelled}. */
function stopped({ signal }: Call, { reason }: Cancellation): unknown {
  return signal?.aborted ? signal.reason : cancelled(reason, 'The call')
}

/** Tokens that a second copy probably costs. */
function hedgeCost<M>({ demand }: Call, { replica }: Attempt<M>): number {
  return demand.input + replica.expectedOutput(demand)
}
