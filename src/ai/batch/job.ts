/**
 * One batch from its intent to its last answer:
 *
 *     intent recorded → sent → recorded → polled until it ends, or until it is late and is cancelled → results, as they come → done
 *
 * Between the first two records it is in doubt whether the provider has it. Then its list is asked, here after a lost connection as after a crash; nothing is sent
 * again before that is known.
 */
import { performance } from '../../base/globals.js'
import { sleep } from '../../base/abort.ts'
import { BatchInDoubt, ModelCallFailed, toError } from '../../base/errors.ts'
import type { BatchApi, BatchedRequest, BatchResult, BatchState } from './apis/batch-api.ts'
import { type BatchHttp, HttpRefused, passes } from './apis/http.ts'
import type { BatchRecords, Unfinished } from './records.ts'
import type { Row } from './report.ts'
import type { Waiting } from './waiting.ts'

/** What a job needs beside its calls. */
export interface JobSetting {
  readonly api: BatchApi
  readonly http: BatchHttp
  readonly records: BatchRecords
  readonly row: Row
  readonly signal: AbortSignal
  readonly pollMs: number
  /** After it was cancelled because it was late, so long is waited for what was done. */
  readonly graceMs: number
  readonly retries: number
  readonly resendsInDoubt: boolean
  /** The call is to go into another batch. */
  readonly again: (waiting: Waiting) => void
  /** The provider takes less at once than calls of this weight. */
  readonly tooMany: (weight: number) => void
}

/** Records that are on their way to the disk at once. Chosen. */
const unrecordedMost = 1_000
const firstPollMs = 2_000
/** The provider has as many tokens queued as the account may have. */
const tooManyCodes = new Set([
  'token_limit_exceeded',
  'enqueued_token_limit_exceeded',
  'too_many_tasks',
  'request_limit_exceeded',
])

export class Job {
  readonly intent: Omit<Unfinished, 'sentAs'>
  readonly #setting: JobSetting
  readonly #ids: ReadonlySet<string>
  readonly #calls = new Map<string, Waiting>()
  /** Results that nobody has asked for yet: the program that sent the batch has died, and this one is not there yet. */
  readonly #unclaimed = new Map<string, { readonly status: number; readonly body: unknown }>()
  #id: string | undefined
  #isOver = false

  /** @param sentAs the id of a batch that an earlier run has sent */
  constructor(intent: Omit<Unfinished, 'sentAs'>, calls: readonly Waiting[], setting: JobSetting, sentAs?: string) {
    this.intent = intent
    this.#ids = new Set(intent.ids)
    this.#setting = setting
    this.#id = sentAs
    for (const call of calls) this.#calls.set(call.id, call)
  }

  /** The call is one of this batch. */
  attach(call: Waiting): void {
    const result = this.#unclaimed.get(call.id)
    this.#unclaimed.delete(call.id)
    if (result) call.resolve(result)
    else if (this.#isOver) this.#setting.again(call)
    else this.#calls.set(call.id, call)
  }

  /** Sends it and sees it through. Never rejects: its calls do. */
  run(): Promise<void> {
    return this.#guarded(async () => {
      const { records } = this.#setting
      await records.intend(this.intent)
      this.#id = await this.#submit()
      await records.sent(this.intent.key, this.#id)
      await this.#follow(this.#id)
    })
  }

  /** Goes on with a batch of an earlier run. Never rejects. */
  resume(): Promise<void> {
    return this.#guarded(async () => {
      const { records } = this.#setting
      if (this.#id === undefined) {
        this.#id = await this.#find()
        // It never arrived: its calls are sent anew.
        if (this.#id === undefined) return this.#end()
        await records.sent(this.intent.key, this.#id)
      }
      await this.#follow(this.#id)
    })
  }

  async #guarded(body: () => Promise<void>): Promise<void> {
    try {
      await body()
    } catch (error) {
      this.#isOver = true
      if (!this.#setting.signal.aborted) this.#setting.row.status = 'failed'
      for (const call of this.#take()) call.reject(toError(error))
    }
  }

  /** Gives the id. @throws {BatchInDoubt} @throws {HttpRefused} what no other try would mend */
  async #submit(): Promise<string> {
    const { api, http, signal, pollMs } = this.#setting
    const requests: BatchedRequest[] = [...this.#calls.values()].map(({ id, body }) => ({ id, body }))
    for (;;) {
      try {
        return await api.submit(http, requests, this.intent, this.intent.key)
      } catch (error) {
        if (signal.aborted || !passes(error)) throw error
        await sleep(pollMs, signal)
        // An answer says that nothing was made. Without one, the list does.
        const found = error instanceof HttpRefused && error.statusCode < 500 ? undefined : await this.#find()
        if (found !== undefined) return found
        if (this.#lateAt <= performance.now()) throw error
      }
    }
  }

  /** The id of a batch that may have been sent; undefined where it was not. @throws {BatchInDoubt} */
  async #find(): Promise<string | undefined> {
    const { api, http, signal, pollMs, resendsInDoubt } = this.#setting
    const found = await api.find(http, this.intent, () => sleep(pollMs, signal))
    if (found === 'none' || (found === 'unknown' && resendsInDoubt)) return undefined
    if (found !== 'unknown') return found.id
    throw new BatchInDoubt(
      `A batch of ${this.intent.ids.length} calls may have been sent to ${http.base} at ${new Date(this.intent.at).toISOString()}, and its list of batches does not say`,
      {
        hint: "Look at the provider's page of batches. To send it again, pass `inDoubt: 'resend'`; it may then be paid for twice.",
      },
    )
  }

  async #follow(id: string): Promise<void> {
    const { api, http, row, signal, pollMs, graceMs } = this.#setting
    row.id = id
    row.status = 'running'
    let giveUpAt = Number.POSITIVE_INFINITY
    for (let polls = 0; ; polls++) {
      const state = await api.state(http, id)
      if (state.status === 'failed') return this.#failed(state)
      if (state.status === 'ended') return this.#collect(state)
      const now = performance.now()
      if (now >= giveUpAt) return this.#end()
      if (giveUpAt === Number.POSITIVE_INFINITY && this.#lateAt <= now) {
        giveUpAt = now + graceMs
        await api.cancel(http, id)
      }
      const nextMs = Math.min(pollMs, firstPollMs * 1.5 ** polls)
      await sleep(Math.max(0, Math.min(nextMs, Math.max(1, this.#lateAt - now), giveUpAt - now)), signal)
    }
  }

  /** From when on it is too late for the first of its calls. */
  get #lateAt(): number {
    let least = Number.POSITIVE_INFINITY
    for (const { lateAt, isGone } of this.#calls.values()) if (!isGone) least = Math.min(least, lateAt)
    return least
  }

  async #collect(state: BatchState): Promise<void> {
    const { api, http, row } = this.#setting
    row.status = 'ended'
    let records: Promise<void>[] = []
    for await (const result of api.results(http, state, this.intent.ids)) {
      const recorded = this.#deliver(result)
      // Awaited below; until then a failure of the disk is nobody's unhandled rejection.
      recorded?.catch(() => {})
      if (recorded) records.push(recorded)
      if (records.length < unrecordedMost) continue
      await Promise.all(records)
      records = []
    }
    await Promise.all(records)
    await this.#end()
  }

  #deliver(result: BatchResult): Promise<void> | undefined {
    const { row, retries, records, again } = this.#setting
    const call = this.#calls.get(result.id)
    if (!call && !this.#ids.has(result.id)) return undefined
    this.#calls.delete(result.id)
    if ('lost' in result) {
      row.expired++
      if (call) again(call)
      return undefined
    }
    const isGood = result.status < 400
    if (isGood) row.answered++
    else row.failed++
    if (!isGood && call && mayPass(result.status) && call.tries < retries) {
      call.tries++
      again(call)
      return undefined
    }
    const recorded = isGood ? records.answered(result.id, result.body) : undefined
    if (call) call.resolve(result)
    else this.#unclaimed.set(result.id, result)
    return recorded
  }

  /** The provider has refused the batch as a whole. */
  async #failed({ problem }: BatchState): Promise<void> {
    const { row, tooMany } = this.#setting
    const { code = 'failed', message = 'The batch failed' } = problem ?? {}
    if (tooManyCodes.has(code) && this.#calls.size > 1) {
      tooMany([...this.#calls.values()].reduce((sum, { weight }) => sum + weight, 0))
      await this.#end()
      row.status = 'failed'
      return
    }
    await this.#setting.records.done(this.intent.key)
    throw new ModelCallFailed(`The provider refused a batch of ${this.intent.ids.length} calls (${code}): ${message}`, {
      failure: 'rejected',
      because: 'rejected',
    })
  }

  /** It is over: calls without an answer go into another batch. */
  async #end(): Promise<void> {
    this.#isOver = true
    this.#setting.row.status = 'ended'
    await this.#setting.records.done(this.intent.key)
    for (const call of this.#take()) this.#setting.again(call)
  }

  #take(): readonly Waiting[] {
    const calls = [...this.#calls.values()]
    this.#calls.clear()
    return calls
  }
}

function mayPass(status: number): boolean {
  return status === 408 || status === 429 || status >= 500
}
