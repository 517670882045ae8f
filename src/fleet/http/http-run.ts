/** One run of the push executor: its batches as requests, tried again where nothing can have begun, or where it may run again. */
import { clearTimeout, performance, setTimeout } from '../../base/globals.js'
import { cancelled } from '../../base/abort.ts'
import { HeddleError, Unserializable } from '../../base/errors.ts'
import { markSpent } from '../../base/final-errors.ts'
import { fromText } from '../../encoding/tagged.ts'
import type { JobWork } from '../../workers/host/job.ts'
import { batchText } from '../client/batch-text.ts'
import { Batches, type Posted } from '../client/batches.ts'
import { BroadcastNames } from '../client/broadcasts.ts'
import type { DeliveryHost } from '../client/delivery.ts'
import { Queueing } from '../client/queueing.ts'
import { machineLost, mostInline } from '../client/refusals.ts'
import { traceCarrier } from '../client/telemetry.ts'
import type { Verdict } from '../protocol/ledger.ts'
import { type FunctionName, type Outcome, readOutcome } from '../protocol/message.ts'
import type { Sizing } from '../protocol/sizing.ts'
import type { Answer, Post } from './post.ts'

export interface HttpRunHost extends DeliveryHost {
  readonly concurrency: number
  readonly post: Post
  ended(run: HttpRun): void
}

export interface HttpTarget {
  readonly fns: readonly FunctionName[]
  readonly build: string
  readonly again: boolean
}

export class HttpRun {
  readonly #id: string
  readonly #host: HttpRunHost
  readonly #target: HttpTarget
  readonly #work: JobWork
  readonly #sizing: Sizing
  readonly #batches: Batches
  readonly #queueing: Queueing
  readonly #requests = new Map<number, AbortController>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #cancelReason: { readonly reason: unknown } | undefined
  #over = false
  readonly #unsubscribe: () => void

  constructor(id: string, host: HttpRunHost, target: HttpTarget, work: JobWork, sizing: Sizing) {
    this.#id = id
    this.#host = host
    this.#target = target
    this.#work = work
    this.#sizing = sizing
    this.#queueing = new Queueing(work.run, this.#name)
    const broadcasts = new BroadcastNames(() => {
      throw new Unserializable('A broadcast value does not cross by HTTP', {
        hint: 'Load what is large in the setup of the module, or use a fleet, where it goes to each machine once.',
      })
    })
    const post = (posted: Posted): void => void this.#send(posted)
    this.#batches = new Batches({ work, sizing, again: target.again, mostText: mostInline, host, broadcasts, post })
    this.#unsubscribe = work.cancellation.subscribe((reason) => this.cancel(reason))
    if (work.cancellation.aborted) this.cancel(work.cancellation.reason)
  }

  get idle(): boolean {
    return this.#batches.idle && this.#work.remaining() === 0
  }

  feed(): void {
    while (!this.#over && !this.#cancelReason && this.#batches.ledger.batches < this.#host.concurrency)
      if (!this.#batches.next(Number.POSITIVE_INFINITY, this.#host.concurrency)) break
    this.#finishIfOver()
  }

  async #send({ number, range, items, extra }: Posted): Promise<void> {
    const { fns, build, again } = this.#target
    const head = { run: this.#id, fns, again, offsetMs: 0, trace: traceCarrier() }
    const batch = batchText(this.#work, head, range, items, extra)
    const request = new AbortController()
    this.#requests.set(number, request)
    const began = performance.now()
    const answer = await this.#host.post(`{"build":${JSON.stringify(build)},"batch":${batch}}`, request.signal)
    this.#requests.delete(number)
    if (!this.#batches.get(number)) return
    this.#take(number, range.count, answer, performance.now() - began)
  }

  #take(number: number, count: number, answer: Answer, ms: number): void {
    const { ledger } = this.#batches
    if (answer.kind === 'error') return this.#apply(ledger.giveUp(number), number, () => answer.error)
    if (answer.kind === 'lost') {
      const losses = (ledger.get(number)?.losses ?? 0) + 1
      return this.#apply(ledger.missing(number), number, (index) => this.#lost(index, answer.why), undefined, losses)
    }
    let outcome: Outcome
    try {
      outcome = readOutcome(fromText(answer.text), count)
    } catch (cause) {
      const why = `its answer cannot be read: ${(cause as Error).message}`
      return this.#apply(ledger.giveUp(number), number, (index) => this.#lost(index, why))
    }
    if (outcome.kind === 'done') {
      // The trip counts: it is what a batch is to be long against.
      this.#sizing.took(outcome.values.length, Math.max(outcome.tookMs, Math.min(ms, 2 * outcome.tookMs)))
      this.#queueing.note(outcome)
    }
    this.#apply(ledger.settle(number, outcome), number, (index) => this.#lost(index, 'the platform ended its machine'), outcome)
  }

  #lost(index: number, why: string): unknown {
    if (this.#cancelReason) return cancelled(this.#cancelReason.reason)
    const error = machineLost(index, this.#name, why, this.#target.again)
    if (this.#target.again) markSpent(error)
    return error
  }

  /** @param losses before it is sent again: longer each time */
  #apply(verdict: Verdict | undefined, number: number, lost: (index: number) => unknown, outcome?: Outcome, losses = 0): void {
    this.#batches.report(verdict, number, lost, outcome)
    if (losses === 0) return this.feed()
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer)
        this.feed()
      },
      200 * 2 ** losses,
    )
    this.#timers.add(timer)
  }

  /** A platform is told by its request, which is aborted, and cannot say what it had begun. */
  cancel(reason: unknown): void {
    if (this.#cancelReason || this.#over) return
    this.#cancelReason = { reason }
    this.#batches.ledger.cancel()
    this.#batches.dropResends((index) => this.#batches.delivery.skip(index))
    this.#giveUpAll((index) => this.#batches.delivery.doomOf(index) ?? cancelled(reason))
  }

  #giveUpAll(error: (index: number) => unknown): void {
    for (const number of this.#batches.ledger.numbers()) {
      const request = this.#requests.get(number)
      this.#batches.report(this.#batches.ledger.giveUp(number), number, error)
      request?.abort()
    }
    this.#finishIfOver()
  }

  /** One call of several: it is not waited for any more. */
  giveUp(index: number, error: unknown): void {
    const { delivery } = this.#batches
    delivery.doom(index, error)
    if (this.#batches.dropResend(index)) return delivery.skip(index)
    const number = this.#batches.holding(index)
    // Alone in its request: then that can be ended.
    if (number !== undefined && this.#batches.ledger.get(number)?.count === 1) {
      const request = this.#requests.get(number)
      this.#batches.report(this.#batches.ledger.giveUp(number), number, () => error)
      request?.abort()
      return this.feed()
    }
    this.#work.fail(index, error, 0)
  }

  refuse(error: HeddleError): void {
    if (this.#over) return
    this.#batches.dropResends((index) => this.#batches.delivery.fail(index, error))
    this.#giveUpAll(() => error)
    this.#batches.failRest(error)
    this.#finishIfOver()
  }

  #finishIfOver(): void {
    if (this.#over || this.#work.endless || !this.#batches.idle) return
    if (!this.#cancelReason && !this.#work.exhausted()) return
    this.end()
    this.#work.finished()
  }

  end(): void {
    if (this.#over) return
    this.#over = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#unsubscribe()
    this.#queueing.end()
    this.#host.ended(this)
  }

  get #name(): string {
    return this.#target.fns.map(({ name }) => name).join(' → ')
  }
}
