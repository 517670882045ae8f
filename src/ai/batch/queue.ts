/** Calls on their way into batches: gathered until no more come or a batch is full, then sent; what is not answered comes back here. */
import { createHash, randomBytes } from 'node:crypto'
import { performance } from '../../base/globals.js'
import { onAbort } from '../../base/abort.ts'
import { systemClock, type TimerHandle } from '../../base/clock.ts'
import { Closed, InvalidOption } from '../../base/errors.ts'
import { note } from '../../base/observer.ts'
import { Recent } from '../../base/recent.ts'
import type { Checkpoint } from '../../checkpoint/index.ts'
import type { BatchApi, BatchTarget } from './apis/batch-api.ts'
import { apiOf } from './apis/choose-api.ts'
import type { CapturedRequest } from './capture.ts'
import { BatchHttp } from './apis/http.ts'
import { Job } from './job.ts'
import { BatchRecords } from './records.ts'
import type { BatchLedger } from './report.ts'
import { TooLate, type Waiting } from './waiting.ts'

export interface QueueSettings {
  readonly checkpoint: Checkpoint | undefined
  readonly withinMs: number
  /** So long before the end calls are made by themselves. */
  readonly marginMs: number
  readonly collectMs: number
  readonly pollMs: number
  readonly retries: number
  /** What one batch weighs at most: its calls, or the texts that it embeds. */
  readonly most: number
  readonly resendsInDoubt: boolean
}

export interface Answered {
  readonly status: number
  readonly body: unknown
  /** It was paid for by an earlier run. */
  readonly restored?: true
}

/** Calls for one address with the same credentials. */
interface Group {
  readonly api: BatchApi
  readonly target: BatchTarget
  readonly http: BatchHttp
  queue: Waiting[]
  bytes: number
  weight: number
  timer: TimerHandle | undefined
  firstAt: number
  /** What one batch weighs, and no batch before then: the provider has too much. */
  most: number
  holdUntil: number
}

/** However many calls keep coming, the first waits at most this many times the pause that ends gathering. Chosen. */
const gatherTimes = 30
/** Contents that are told apart by how often they came. Chosen: a hundred megabytes. */
const contentsMost = 1_000_000
/** Around the requests of a batch. */
const lineBytes = 200
/** After the provider had too much. Chosen. */
const holdMs = 60_000

export class BatchQueue {
  readonly #settings: QueueSettings
  readonly #ledger: BatchLedger
  readonly #groups = new Map<string, Group>()
  readonly #times = new Recent<string, number>(contentsMost)
  /** Batches of an earlier run, by the ids of their requests. */
  readonly #earlier = new Map<string, { readonly at: number; begin: (group: Group) => Job }>()
  readonly #closing = new AbortController()
  readonly #jobs = new Set<Promise<void>>()
  #records: Promise<BatchRecords> | undefined

  constructor(settings: QueueSettings, ledger: BatchLedger) {
    this.#settings = settings
    this.#ledger = ledger
  }

  /**
   * The answer to a request, from the journal or from a batch. @param weight what the provider counts it as @param reserve is called unless the journal has it
   * @throws {TooLate} @throws {Closed} @throws what the signal aborts with
   */
  async answer(request: CapturedRequest, weight: number, reserve: () => Promise<void>): Promise<Answered> {
    const records = await (this.#records ??= this.#open())
    if (this.#closing.signal.aborted) throw new Closed('The batches were closed')
    const { group, id } = this.#place(request)
    const known = records.answer(id)
    if (known !== undefined) {
      this.#ledger.restored++
      return { status: 200, body: known, restored: true }
    }
    await reserve()
    request.signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const earlier = this.#earlier.get(id)
      const ageMs = earlier ? Math.max(0, Date.now() - earlier.at) : 0
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T): void => {
          unlink()
          waiting.isGone = true
          then(value)
        }
      const waiting: Waiting = {
        id,
        body: request.body,
        bytes: Buffer.byteLength(request.body) + lineBytes,
        weight,
        lateAt: performance.now() + this.#settings.withinMs - this.#settings.marginMs - ageMs,
        tries: 0,
        isGone: false,
        resolve: settle(resolve),
        reject: settle(reject),
      }
      const unlink = onAbort(request.signal, (reason) => waiting.reject(reason))
      if (earlier) {
        this.#earlier.delete(id)
        earlier.begin(group).attach(waiting)
      } else this.#add(group, waiting)
    })
  }

  /** Ends waiting. Batches that were sent go on at the provider, and the next run with the same journal takes them up. */
  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) this.#closing.abort(new Closed('The batches were closed'))
    for (const group of this.#groups.values()) {
      if (group.timer !== undefined) systemClock.cancel(group.timer)
      for (const waiting of group.queue.splice(0)) waiting.reject(this.#closing.signal.reason)
    }
    await Promise.all(this.#jobs)
    await (await this.#records)?.close()
  }

  async #open(): Promise<BatchRecords> {
    const records = await BatchRecords.open(this.#settings.checkpoint)
    for (const { sentAs, ...intent } of records.unfinished) {
      let job: Job | undefined
      // It takes credentials to look at it, which no journal has: those of the first call that was in it.
      const begin = (group: Group): Job => {
        if (job) return job
        job = new Job(intent, [], this.#jobSetting(group, records, intent.ids.length, true), sentAs)
        this.#follow(job.resume())
        return job
      }
      for (const id of intent.ids) this.#earlier.set(id, { at: intent.at, begin })
    }
    return records
  }

  #place({ url, headers, body, send }: CapturedRequest): { readonly group: Group; readonly id: string } {
    const found = apiOf(url)
    if (!found)
      throw new InvalidOption(
        `Expected a model of a provider with a batch API, got one at ${new URL(url).origin}${new URL(url).pathname}`,
        {
          hint: 'Known are /chat/completions, /responses and /embeddings (OpenAI), /messages (Anthropic), :generateContent and :embedContent (Gemini).',
        },
      )
    const { api, base, endpoint } = found
    const content = createHash('sha256').update(`${base}${endpoint}\n${body}`).digest('hex').slice(0, 40)
    const times = (this.#times.get(content) ?? 0) + 1
    this.#times.set(content, times)
    const key = JSON.stringify([base, endpoint, headers])
    let group = this.#groups.get(key)
    if (!group) {
      const http = new BatchHttp(base, headers, send, this.#closing.signal, this.#settings.pollMs)
      const most = Math.min(api.limits.requests, this.#settings.most)
      group = {
        api,
        target: { base, endpoint },
        http,
        queue: [],
        bytes: 0,
        weight: 0,
        timer: undefined,
        firstAt: 0,
        most,
        holdUntil: 0,
      }
      this.#groups.set(key, group)
    }
    return { group, id: `${content}-${times}` }
  }

  #add(group: Group, waiting: Waiting): void {
    if (waiting.isGone) return
    if (this.#closing.signal.aborted) return waiting.reject(this.#closing.signal.reason)
    if (performance.now() >= waiting.lateAt) return waiting.reject(new TooLate())
    if (group.queue.length > 0 && group.bytes + waiting.bytes > group.api.limits.bytes) this.#send(group)
    if (group.queue.length === 0) group.firstAt = performance.now()
    group.queue.push(waiting)
    group.bytes += waiting.bytes
    group.weight += waiting.weight
    if (group.weight >= group.most && performance.now() >= group.holdUntil) this.#send(group)
    else this.#wait(group)
  }

  #wait(group: Group): void {
    if (group.timer !== undefined) systemClock.cancel(group.timer)
    const now = performance.now()
    const { collectMs } = this.#settings
    const gathered = Math.min(now + collectMs, group.firstAt + gatherTimes * collectMs)
    group.timer = systemClock.schedule(Math.max(0, Math.max(gathered, group.holdUntil) - now), () => this.#send(group))
  }

  /** A batch of what has gathered. */
  #send(group: Group): void {
    if (group.timer !== undefined) systemClock.cancel(group.timer)
    group.timer = undefined
    const here = group.queue.filter(({ isGone }) => !isGone)
    const fit = howManyFit(here, group.most)
    const calls = here.slice(0, fit)
    group.queue = here.slice(fit)
    group.bytes = group.queue.reduce((sum, { bytes }) => sum + bytes, 0)
    group.weight = group.queue.reduce((sum, { weight }) => sum + weight, 0)
    if (group.queue.length > 0) this.#wait(group)
    if (calls.length === 0) return
    const intent = {
      key: randomBytes(12).toString('hex'),
      ids: calls.map(({ id }) => id),
      at: Date.now(),
      ...group.target,
    }
    note('limit', 0, `A batch of ${calls.length} calls is sent to ${group.target.base}`, { calls: calls.length })
    this.#follow(this.#begin(intent, calls, group))
  }

  async #begin(intent: Job['intent'], calls: readonly Waiting[], group: Group): Promise<void> {
    const records = await (this.#records as Promise<BatchRecords>)
    await new Job(intent, calls, this.#jobSetting(group, records, calls.length, false)).run()
  }

  #jobSetting(group: Group, records: BatchRecords, calls: number, resumed: boolean): ConstructorParameters<typeof Job>[2] {
    const { pollMs, marginMs, retries, resendsInDoubt } = this.#settings
    return {
      api: group.api,
      http: group.http,
      records,
      row: this.#ledger.row(calls, resumed),
      signal: this.#closing.signal,
      pollMs,
      graceMs: marginMs / 2,
      retries,
      resendsInDoubt,
      again: (waiting) => {
        if (!waiting.isGone) this.#ledger.again++
        this.#add(group, waiting)
      },
      tooMany: (weight) => {
        group.most = Math.max(1, Math.ceil(weight / 2))
        group.holdUntil = performance.now() + Math.min(holdMs, 10 * pollMs)
      },
    }
  }

  #follow(job: Promise<void>): void {
    this.#jobs.add(job)
    void job.finally(() => this.#jobs.delete(job))
  }
}

/** At least one: a call that is too heavy by itself is the provider's to refuse. */
function howManyFit(calls: readonly Waiting[], most: number): number {
  let weight = 0
  const over = calls.findIndex((call) => (weight += call.weight) > most)
  return over === -1 ? calls.length : Math.max(1, over)
}
