/** Worker functions on a platform that starts machines by itself: each batch is a request. */
import { performance, queueMicrotask, setTimeout } from '../../base/globals.js'
import { type Duration, durationMs } from '../../base/duration.ts'
import { Closed, InvalidOption } from '../../base/errors.ts'
import { checkOptions, type OptionRules, rules } from '../../base/options.ts'
import { openRow } from '../../base/rows.ts'
import type { BulkWork, CallOptions, Executor, FunctionRef, Reach } from '../../run/executor.ts'
import { sizesOf } from '../../run/sizes.ts'
import { ByTimeout } from '../../workers/host/by-timeout.ts'
import { DirectCalls } from '../../workers/host/direct-calls.ts'
import type { JobWork } from '../../workers/host/job.ts'
import { bound } from '../client/bound.ts'
import { refuseAll } from '../client/refuse-all.ts'
import { targetOf } from '../client/target.ts'
import { Sizing } from '../protocol/sizing.ts'
import { HttpRun } from './http-run.ts'
import { type Post, poster } from './post.ts'
import { checkSecret } from './signature.ts'

/** Options of {@link http}. */
export interface HttpOptions {
  /** Where {@link handler} answers. */
  readonly url: string
  /** What both sides sign with, at least 16 characters: keep it in the environment. */
  readonly secret: string
  /** Requests at once: machines that the platform may start. @default 50 */
  readonly concurrency?: number
  /** What becomes of a task whose machine ended, or did not answer: see `lost` of `bullmq`. @default 'again' where the call has a `retry`, else 'fail' */
  readonly lost?: 'again' | 'fail'
  /** Of one request; above what the platform allows. @default '15m' */
  readonly timeout?: Duration
  /** How long a batch is tried again while nothing answers, or the platform has no machine free. @default '60s' */
  readonly patience?: Duration
  /** Sent with each request, for what stands before the handler. @default none */
  readonly headers?: Readonly<Record<string, string>>
}

const optionRules: OptionRules<HttpOptions> = {
  url: rules.string,
  secret: rules.any,
  concurrency: rules.whole(1),
  lost: rules.oneOf('again', 'fail'),
  timeout: rules.duration,
  patience: rules.duration,
  headers: rules.object,
}

/** A request to a machine that runs already; one that starts takes longer. Chosen. */
const reach: Reach = { sharesMemory: false, remote: true, roundTripMs: 20 }

interface Calls {
  readonly work: DirectCalls
  readonly run: HttpRun
}

/** Made by {@link http}. */
export class HttpExecutor implements Executor {
  readonly name: string
  readonly slots: number
  readonly reach = reach
  readonly #lost: 'again' | 'fail' | undefined
  readonly #post: Post
  readonly #runs = new Set<HttpRun>()
  readonly #sizings = new Map<string, Sizing>()
  readonly #calls = [new WeakMap<FunctionRef, ByTimeout<Calls>>(), new WeakMap<FunctionRef, ByTimeout<Calls>>()] as const
  readonly #rows = new Map<string, number>()
  readonly #host: string
  readonly #prefix = `${Date.now().toString(36)}${Math.floor(Math.random() * 36 ** 6).toString(36)}`
  #numbers = 0
  #clock = { offsetMs: 0, errorMs: Number.POSITIVE_INFINITY }
  #scheduled = false
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(options: HttpOptions) {
    const { url, concurrency = 50, lost, timeout = '15m', patience = '60s', headers = {} } = options
    if (!/^https?:\/\//.test(url) || !URL.canParse(url))
      throw new InvalidOption(`Expected \`url\` of http to begin with https:// or http://, got ${JSON.stringify(url)}`)
    this.#host = new URL(url).host
    this.name = `http ${this.#host}`
    this.slots = concurrency
    this.#lost = lost
    this.#post = poster({
      url,
      secret: checkSecret(options.secret, 'http'),
      headers,
      timeoutMs: durationMs(timeout, 'timeout'),
      patienceMs: durationMs(patience, 'patience'),
      clock: (offsetMs, errorMs) => {
        if (errorMs <= this.#clock.errorMs) this.#clock = { offsetMs, errorMs }
      },
    })
  }

  call(ref: FunctionRef, args: readonly unknown[], options: CallOptions = {}): Promise<unknown> {
    if (this.#closing) return Promise.reject(this.#closedError())
    let calls: Calls
    try {
      calls = this.#callsOf(ref, options)
    } catch (error) {
      return Promise.reject(error as Error)
    }
    const result = calls.work.add(args, options)
    this.#feedSoon()
    return result
  }

  #callsOf(ref: FunctionRef, { timeoutMs = -1, again, onWaiting }: CallOptions): Calls {
    const kinds = this.#calls[again === true ? 1 : 0]
    let byTimeout = kinds.get(ref)
    if (!byTimeout) kinds.set(ref, (byTimeout = new ByTimeout()))
    return byTimeout.get(timeoutMs, (idle) => {
      const giveUp = (index: number, error: Error): void => calls.run.giveUp(index, error)
      const bounded = onWaiting !== undefined
      const work: DirectCalls = new DirectCalls(timeoutMs === -1 ? undefined : timeoutMs, giveUp, idle, sizesOf(ref), { bounded })
      const calls: Calls = { work, run: this.#start(ref, work, again === true) }
      return calls
    })
  }

  bulk(ref: FunctionRef, work: BulkWork): void {
    const job = Object.assign(work, { spread: false }) as JobWork
    try {
      if (this.#closing) throw this.#closedError()
      const run = this.#start(ref, job, false)
      work.onMore(() => this.#feedSoon())
      run.feed()
    } catch (error) {
      refuseAll(job, error as Error)
    }
  }

  #start(ref: FunctionRef, work: JobWork, retried: boolean): HttpRun {
    const { module, fns } = targetOf(ref)
    const again = this.#lost === undefined ? retried : this.#lost === 'again'
    const key = JSON.stringify([module, fns])
    let sizing = this.#sizings.get(key)
    if (!sizing) this.#sizings.set(key, (sizing = new Sizing()))
    const offset = (): number => this.#clock.offsetMs
    const host = {
      concurrency: this.slots,
      post: this.#post,
      get offsetMs() {
        return offset()
      },
      rowOf: (worker: string, slot: number) => this.#rowOf(worker, slot),
      ended: (run: HttpRun) => void this.#runs.delete(run),
    }
    const run = new HttpRun(`${this.#prefix}-${this.#numbers++}`, host, { fns, build: module.build, again }, work, sizing)
    this.#runs.add(run)
    return run
  }

  /** Machines come and go by the hundred: a row for each slot of a process, as far as their number says. */
  #rowOf(worker: string, slot: number): number {
    const key = `${worker} ${slot}`
    let row = this.#rows.get(key)
    if (row === undefined) {
      row = openRow('remote', { machine: this.#host, name: `instance ${worker}, slot ${slot + 1}` })
      this.#rows.set(key, row)
    }
    return row
  }

  #feedSoon(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      for (const run of this.#runs) run.feed()
    })
  }

  /** A worker function as one that runs there wherever it is called: see `Fleet.bind`. */
  bind<F extends (...args: never[]) => Promise<unknown>>(fn: F): F {
    return bound(fn, this)
  }

  close({ graceMs = 0 }: { readonly graceMs?: number } = {}): Promise<void> {
    return (this.#closing ??= this.#close(graceMs))
  }

  async #close(graceMs: number): Promise<void> {
    await undefined
    const until = performance.now() + graceMs
    while ([...this.#runs].some((run) => !run.idle) && performance.now() < until)
      await new Promise<void>((resolve) => void setTimeout(resolve, Math.min(10, graceMs)))
    for (const run of this.#runs) {
      if (!run.idle) run.refuse(this.#closedError())
      run.end()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #closedError(): Closed {
    return new Closed(`The executor "${this.name}" has been closed`)
  }
}

/**
 * Runs worker functions on a platform that starts machines by itself (AWS Lambda, Cloud Run, Azure Functions, Knative): `on: http({ … })` sends batches as signed requests
 * to what {@link handler} answers.
 *
 * @throws {InvalidOption} for a wrong option
 * @example
 * await using lambda = http({ url: process.env.LAMBDA_URL, secret: process.env.HEDDLE_SECRET, concurrency: 100 })
 * const found = await map(texts, entities, { on: lambda, retry: 3 })
 */
export function http(options: HttpOptions): HttpExecutor {
  checkOptions<HttpOptions>(options, optionRules, 'http')
  return new HttpExecutor(options)
}
