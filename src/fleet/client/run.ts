/**
 * One run on the fleet: sends its batches to the store, hears what became of them, takes back what nobody has begun. What is decided stands in
 * `protocol/ledger.ts`, what is cut and reported in `batches.ts`; here is what it takes to carry that out.
 */
import { clearTimeout, performance, setTimeout } from '../../base/globals.js'
import { cancelled } from '../../base/abort.ts'
import { isError } from '../../base/errors.ts'
import { markSpent } from '../../base/final-errors.ts'
import { fromText } from '../../encoding/tagged.ts'
import type { Batch } from '../../run/executor.ts'
import type { JobWork } from '../../workers/host/job.ts'
import { blobMark } from '../engine/blob-store.ts'
import { type Values, valuesOf } from '../engine/values.ts'
import { cancelMs, pollMs } from '../protocol/constants.ts'
import type { Verdict } from '../protocol/ledger.ts'
import { type Outcome, readOutcome } from '../protocol/message.ts'
import type { Sizing } from '../protocol/sizing.ts'
import { AdoptedBatches } from './adopted-batches.ts'
import type { Adoption, LeftBatch } from './adoption.ts'
import { Batches, type Posted } from './batches.ts'
import { BroadcastNames } from './broadcasts.ts'
import { batchText } from './batch-text.ts'
import { Outbox } from './outbox.ts'
import { Queueing } from './queueing.ts'
import { machineLost, mostInline, notTaken, noWorkers, tooLarge } from './refusals.ts'
import type { RunHost, RunStart, RunTarget } from './run-host.ts'
import { traceCarrier } from './telemetry.ts'

/** Of text that is out. */
const windowBytes = 64 * 2 ** 20

export class RemoteRun {
  readonly id: string
  /** Its record has been written, or could not be. */
  readonly begun: Promise<void>
  readonly #host: RunHost<RemoteRun>
  readonly #target: RunTarget
  readonly #work: JobWork
  readonly #batches: Batches
  readonly #sizing: Sizing
  readonly #outbox: Outbox
  readonly #values: Values
  readonly #queueing: Queueing
  readonly #trace = traceCarrier()
  readonly #adopted: AdoptedBatches
  /** Until it is known what an earlier start has left, nothing is sent. */
  #start: RunStart | undefined
  /** Broadcast values lie in the store. */
  #hasValues = false
  /** Batches were given up while they were out. */
  #leaves = false
  #cancelReason: { readonly reason: unknown } | undefined
  #timer: NodeJS.Timeout | undefined
  /** Since when no worker has been there for it. */
  #aloneSince: number | undefined
  #over = false
  readonly #unsubscribe: () => void

  /** @param ready before the first batch */
  constructor(id: string, host: RunHost<RemoteRun>, target: RunTarget, work: JobWork, sizing: Sizing, ready: Promise<RunStart>) {
    this.id = id
    this.#host = host
    this.#target = target
    this.#work = work
    this.#sizing = sizing
    const { store, blobs, priority } = host
    this.#values = valuesOf(store, blobs)
    this.#queueing = new Queueing(work.run, this.#name)
    this.#adopted = new AdoptedBatches(target.line, {
      read: (text, count) => this.#read(text, count),
      settled: (number, outcome) => this.#settle(number, outcome),
      unreadable: (number, cause) => this.#unreadable(number, cause),
      missing: (number, why) => this.#missing(number, why),
    })
    this.#batches = new Batches({
      work,
      sizing,
      again: target.again,
      mostText: blobs ? Number.POSITIVE_INFINITY : mostInline,
      host,
      broadcasts: new BroadcastNames((hash, text) => this.#putValue(hash, text)),
      post: (posted) => this.#post(posted),
    })
    const failed = (cause: unknown): void => this.#failAll(() => notTaken(cause))
    const added = (ids: readonly string[]): void => target.line.added(ids)
    this.#outbox = new Outbox({ store, blobs, queue: target.line.queue, priority, ready, added, failed })
    this.begun = ready.then(
      (start) => {
        this.#start = start
        if (start.adoption) this.#batches.ledger.startAt(start.adoption.next)
        this.feed()
      },
      (error: unknown) => this.#failAll(() => error),
    )
    this.#unsubscribe = work.cancellation.subscribe((reason) => this.cancel(reason))
    if (work.cancellation.aborted) this.cancel(work.cancellation.reason)
  }

  /** It has a name, by which it finds what an earlier start has left. */
  get resumed(): boolean {
    return this.#work.resume !== undefined
  }

  get queue(): string {
    return this.#target.line.queue
  }

  /** Nothing is out, and nothing is to be sent: a run of calls is then over until the next one. */
  get idle(): boolean {
    return this.#batches.idle && this.#work.remaining() === 0
  }

  // --- Sending ----------------------------------------------------------------------------------------------------------

  feed(): void {
    if (this.#over) return
    const start = this.#start ?? (this.resumed ? undefined : unstarted)
    if (!this.#cancelReason && start) {
      const slots = this.#host.roster.slotsOf(this.queue)
      this.#watchWorkers(slots)
      const { ledger } = this.#batches
      const most = this.#sizing.window(slots, this.#host.weight)
      const split = start.adoption && ((batch: Batch) => this.#split(batch, start.adoption as Adoption))
      while (!this.#over && ledger.batches < most && ledger.bytes < windowBytes)
        if (!this.#batches.next(start.mostItems, slots, split)) break
    }
    this.#finishIfOver()
  }

  /** What an earlier start has not left of a batch. */
  *#split(batch: Batch, adoption: Adoption): Generator<Batch> {
    for (const part of adoption.split(batch))
      if (part.left) this.#adopt(part.left, part)
      else yield part
  }

  #post({ number, range, items, extra }: Posted): void {
    const { line, fns, again } = this.#target
    const id = `${this.id}-${number}`
    const batch = { first: range.first, items: { length: range.count } as ArrayLike<unknown> }
    this.#work.waits?.(batch, true)
    const awaiting = {
      outcome: (text: string) => void this.#outcome(number, range.count, text),
      failed: (reason: string) => this.#missing(number, `its job failed: ${reason}`),
      missing: () => this.#missing(number, 'its job is not in the store any more'),
      begun: () => this.#work.waits?.(batch, false),
      waitsAgain: () => this.#work.waits?.(batch, true),
    }
    line.await(id, awaiting, { keeps: this.resumed })
    // Calls come from many places, each with its own context.
    const trace = this.#work.endless ? traceCarrier() : this.#trace
    const head = { run: this.id, fns, again, offsetMs: this.#host.offsetMs, trace }
    this.#outbox.send(id, batchText(this.#work, head, range, items, extra), `${this.id}/${number}`, (error) => {
      line.leave(id)
      this.#batches.report(this.#batches.ledger.giveUp(number), number, () => error)
    })
  }

  /** Before the batches that need it. @throws {PayloadTooLarge} */
  #putValue(hash: string, text: string): void {
    if (!this.#host.blobs && text.length > mostInline) throw tooLarge('broadcast value', text.length)
    this.#hasValues = true
    this.#outbox.before(() => this.#values.put(this.id, hash, text))
  }

  /** Items that a batch of an earlier start has: what becomes of it is awaited, or known. */
  #adopt(left: LeftBatch, batch: Batch): void {
    const number = this.#batches.adopt(batch, left.message.losses ?? 0)
    this.#adopted.take(left, { number, from: batch.first - left.message.first, count: batch.items.length })
  }

  /** Of the job that has the batch. */
  #jobOf(number: number): string {
    return this.#adopted.jobOf(number) ?? `${this.id}-${number}`
  }

  // --- Taking back ------------------------------------------------------------------------------------------------------

  async #outcome(number: number, count: number, text: string): Promise<void> {
    let outcome: Outcome
    try {
      outcome = await this.#read(text, count)
    } catch (cause) {
      return this.#unreadable(number, cause)
    }
    if (outcome.kind === 'done') {
      this.#sizing.took(outcome.values.length, outcome.tookMs)
      this.#queueing.note(outcome)
    }
    this.#settle(number, outcome)
  }

  async #read(text: string, count: number): Promise<Outcome> {
    const whole = text.startsWith(blobMark) ? await this.#fromBlob(text.slice(blobMark.length)) : text
    return readOutcome(fromText(whole), count)
  }

  async #fromBlob(name: string): Promise<string> {
    if (!this.#host.blobs) throw new Error('it lies in a blob store, and this client has none')
    return this.#host.blobs.get(name)
  }

  #unreadable(number: number, cause: unknown): void {
    const why = isError(cause) ? cause.message : String(cause)
    this.#apply(this.#batches.ledger.giveUp(number), number, undefined, `its outcome cannot be read: ${why}`)
  }

  #missing(number: number, why: string): void {
    this.#apply(this.#batches.ledger.missing(number), number, undefined, why)
  }

  #settle(number: number, outcome: Outcome): void {
    const why = `the worker ${outcome.worker} has it from a machine that was lost`
    this.#apply(this.#batches.ledger.settle(number, outcome), number, outcome, why)
  }

  #apply(verdict: Verdict | undefined, number: number, outcome: Outcome | undefined, why: string): void {
    const lost = (index: number): unknown => {
      const reason = this.#cancelReason
      if (reason) return cancelled(reason.reason)
      const error = machineLost(index, this.#name, why, this.#target.again)
      if (this.#target.again) markSpent(error)
      return error
    }
    const job = this.#jobOf(number)
    this.#adopted.drop(number)
    this.#batches.report(verdict, number, lost, outcome)
    // Of a run with a journal the store keeps an outcome until the journal has it: a crash in between loses nothing.
    if (this.resumed) void this.#work.handedOn?.().then(() => this.#target.line.remove(job))
    this.feed()
  }

  // --- Ending -----------------------------------------------------------------------------------------------------------

  /** Of a run: what waits is taken back, what runs is stopped and waited for, a while. */
  cancel(reason: unknown): void {
    if (this.#cancelReason || this.#over) return
    this.#cancelReason = { reason }
    this.#batches.ledger.cancel()
    this.#batches.dropResends((index) => this.#batches.delivery.skip(index))
    void this.#withdraw()
    this.#finishIfOver()
  }

  async #withdraw(): Promise<void> {
    const until = performance.now() + cancelMs
    try {
      await this.#outbox.flushed
      await this.#recall()
      while (this.#batches.ledger.batches > 0 && performance.now() < until) {
        await this.#host.store.publish({ type: 'cancel', run: this.id })
        await new Promise<void>((resolve) => {
          this.#timer = setTimeout(resolve, pollMs)
        })
      }
    } catch {
      // The store cannot be reached: machines stop by themselves once they miss the beat of this client.
    }
    this.#giveUpAll((index) => this.#batches.delivery.doomOf(index) ?? cancelled(this.#cancelReason?.reason))
  }

  /** Takes back what nobody has fetched. */
  async #recall(): Promise<void> {
    const { ledger } = this.#batches
    const out = ledger.numbers().map((number) => ({ number, id: this.#jobOf(number) }))
    const ids = [...new Set(out.map(({ id }) => id))]
    const answers = await this.#host.store.recall(this.queue, ids)
    const back = new Set(ids.filter((_, i) => answers[i]))
    for (const { number, id } of out) {
      if (!back.has(id)) continue
      this.#target.line.leave(id)
      this.#batches.report(ledger.recalled(number), number, () => undefined)
    }
    this.#finishIfOver()
  }

  #giveUpAll(error: (index: number) => unknown): void {
    const { ledger } = this.#batches
    this.#leaves ||= ledger.batches > 0
    for (const number of ledger.numbers()) {
      this.#target.line.leave(this.#jobOf(number))
      this.#batches.report(ledger.giveUp(number), number, error)
    }
    this.#finishIfOver()
  }

  /** One call of many: the others of its batch go on. */
  giveUp(index: number, error: unknown): void {
    if (this.#over) return
    const { delivery } = this.#batches
    delivery.doom(index, error)
    if (this.#batches.dropResend(index)) return delivery.skip(index)
    const tell = (): void => {
      const number = this.#batches.holding(index)
      if (number === undefined || delivery.doomOf(index) === undefined) return
      void this.#outbox.flushed
        .then(() => this.#host.store.publish({ type: 'cancel', run: this.id, batch: number, index }))
        .catch(() => {})
      // Said again until it has been heard.
      setTimeout(tell, pollMs).unref()
    }
    tell()
    setTimeout(() => {
      if (delivery.doomOf(index) === undefined) return
      // Its machine does not answer: the caller is not kept waiting. What comes later is dropped.
      this.#work.fail(index, error, 0)
    }, cancelMs).unref()
  }

  /** Everything that is open and everything that comes fails. */
  #failAll(error: () => unknown): void {
    if (this.#over) return
    this.#batches.dropResends((index) => this.#batches.delivery.fail(index, error()))
    this.#giveUpAll(error)
    this.#batches.failRest(error())
    this.#finishIfOver()
  }

  /** The fleet is closed. */
  refuse(error: () => unknown): void {
    this.#failAll(error)
    this.#host.store.publish({ type: 'cancel', run: this.id }).catch(() => {})
  }

  #watchWorkers(slots: number): void {
    if (slots > 0) {
      this.#aloneSince = undefined
      return
    }
    const now = performance.now()
    this.#aloneSince ??= now
    if (now - this.#aloneSince < this.#host.patienceMs) return
    const error = noWorkers(this.#target.module, this.#host.patienceMs, this.#host.roster.workers)
    void this.#recall().catch(() => {})
    this.#failAll(() => error)
  }

  #finishIfOver(): void {
    if (this.#over || this.#work.endless || !this.#batches.idle) return
    if (!this.#cancelReason && !this.#work.exhausted()) return
    this.#end()
    this.#work.finished()
  }

  /** Of a run of calls, when there have been none for a while. */
  end(): void {
    if (!this.#over) this.#end()
  }

  #end(): void {
    this.#over = true
    clearTimeout(this.#timer)
    this.#unsubscribe()
    this.#queueing.end()
    this.#host.ended(this)
  }

  /** Jobs of it may be in the store when it is over: those of an earlier start that nobody wants, and those that were given up. */
  get leavesJobs(): boolean {
    return this.resumed || this.#leaves
  }

  /** What was on its way to the store has come, or will not. */
  async flushed(): Promise<void> {
    await this.#outbox.flushed.catch(() => {})
  }

  /** Removes what lies beside its messages. */
  async dropValues(): Promise<void> {
    if (this.#hasValues) await this.#values.drop(this.id)
    else await this.#host.blobs?.drop(this.id)
  }

  get #name(): string {
    return this.#target.fns.map(({ name }) => name).join(' → ')
  }
}

/** Batches may be made ready before the store has answered. */
const unstarted: RunStart = { adoption: undefined, mostItems: Number.POSITIVE_INFINITY }
