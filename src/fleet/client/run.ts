/**
 * One run on the fleet: pulls items from a work, sends them as batches, and reports each once. The decisions are those of `protocol/ledger.ts`; here is what
 * it takes to carry them out.
 *
 * Long because sending, taking back and ending share all of that state.
 */
import { clearTimeout, performance, setTimeout } from '../../base/globals.js'
import { cancelled } from '../../base/abort.ts'
import { isError } from '../../base/errors.ts'
import { markSpent } from '../../base/spent.ts'
import { fromWire } from '../../encoding/from-wire.ts'
import { fromText } from '../../encoding/tagged.ts'
import type { Batch } from '../../run/executor.ts'
import type { JobWork } from '../../workers/host/job.ts'
import { type BlobStore, blobMark } from '../engine/blob-store.ts'
import type { Store } from '../engine/store.ts'
import type { ModuleBuild } from '../naming/names.ts'
import { cancelMs, pollMs } from '../protocol/constants.ts'
import { Ledger, type Range, type Verdict } from '../protocol/ledger.ts'
import { type Done, type FunctionName, type Outcome, readOutcome } from '../protocol/message.ts'
import { Sizing } from '../protocol/sizing.ts'
import { Adoption, type LeftBatch, partOf } from './adoption.ts'
import type { Line } from './line.ts'
import { Outbox } from './outbox.ts'
import { batchText } from './batch-text.ts'
import { packItems, piecesOf } from './packing.ts'
import { machineLost, mostInline, notTaken, noWorkers } from './refusals.ts'
import type { Roster } from './roster.ts'
import { type Extra, type Resent, resentOf, type Sent } from './sent.ts'

/** What a run needs of the fleet around it. */
export interface RunHost {
  readonly store: Store
  readonly roster: Roster
  readonly blobs: BlobStore | undefined
  readonly weight: number
  readonly priority: 'high' | 'normal' | 'low'
  readonly patienceMs: number
  /** Milliseconds from this machine's clock to the store's. */
  readonly offsetMs: number
  /** Row of a trace for what a worker runs. */
  rowOf(worker: string): number
  /** Is over, and nothing of it is left here. */
  ended(run: RemoteRun): void
}

export interface RunTarget {
  readonly fns: readonly FunctionName[]
  readonly module: ModuleBuild
  readonly line: Line
  /** Items may run again where a machine was lost with them. */
  readonly again: boolean
}

/** Of text that is out. */
const windowBytes = 64 * 2 ** 20
/** Jobs that are out at most: enough for any fleet. */
const windowMost = 1_000
const windowLeast = 4

/** Of items without anything of their own. */
const plain: Extra = { meta: undefined, keys: undefined }

export class RemoteRun {
  readonly id: string
  /** Its record has been written, or could not be. */
  readonly begun: Promise<void>
  readonly #host: RunHost
  readonly #target: RunTarget
  readonly #work: JobWork
  readonly #ledger: Ledger
  readonly #sizing: Sizing
  readonly #sent = new Map<number, Sent>()
  readonly #resend: Resent[] = []
  /** Items that were given up: their error decides, whatever comes back. */
  readonly #doomed = new Map<number, unknown>()
  readonly #outbox: Outbox
  /** What an earlier start has left; until it is known nothing is sent. */
  #adoption: Adoption | 'unknown' | undefined
  #cancelReason: { readonly reason: unknown } | undefined
  #timer: NodeJS.Timeout | undefined
  /** Since when no worker has been there for it. */
  #aloneSince: number | undefined
  #over = false
  readonly #unsubscribe: () => void

  /** @param ready before the first batch; gives what an earlier start of the run has left, where it has a name */
  constructor(id: string, host: RunHost, target: RunTarget, work: JobWork, sizing: Sizing, ready: Promise<Adoption | undefined>) {
    this.id = id
    this.#host = host
    this.#target = target
    this.#work = work
    this.#sizing = sizing
    this.#ledger = new Ledger(target.again)
    const { store, blobs, priority } = host
    const failed = (cause: unknown): void => this.#failAll(() => notTaken(cause))
    const added = (ids: readonly string[]): void => target.line.added(ids)
    this.#outbox = new Outbox({ store, blobs, queue: target.line.queue, priority, ready, added, failed })
    if (work.resume !== undefined) this.#adoption = 'unknown'
    this.begun = ready.then(
      (adoption) => {
        this.#adoption = adoption
        if (adoption) this.#ledger.startAt(adoption.next)
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
    return this.#ledger.batches === 0 && this.#resend.length === 0 && this.#work.remaining() === 0
  }

  // --- Sending ----------------------------------------------------------------------------------------------------------

  feed(): void {
    if (this.#over) return
    if (!this.#cancelReason && this.#adoption !== 'unknown') {
      const slots = this.#host.roster.slotsOf(this.queue)
      this.#watchWorkers(slots)
      const most = Math.min(windowMost, Math.max(windowLeast, Math.ceil(2 * slots * this.#host.weight)))
      while (!this.#over && this.#ledger.batches < most && this.#ledger.bytes < windowBytes && this.#sendNext(slots));
    }
    this.#finishIfOver()
  }

  #sendNext(slots: number): boolean {
    const again = this.#resend.shift()
    if (again) {
      this.#post(again.range, again.items, again.extra)
      return true
    }
    const remaining = this.#work.remaining()
    if (remaining === 0) return false
    const batch = this.#work.take(this.#sizing.next(remaining, slots))
    if (!batch) return false
    if (this.#adoption instanceof Adoption) {
      for (const part of this.#adoption.split(batch))
        if (part.left) this.#adopt(part.left, part)
        else this.#pack(part.first, part.items, plain)
      return true
    }
    const { first, items } = batch
    const meta = this.#work.meta?.(batch)
    this.#pack(first, items, {
      meta: meta && [...meta],
      keys: this.#work.idempotencyKey === undefined ? this.#work.keys?.(batch) : undefined,
    })
    return true
  }

  #pack(first: number, items: ArrayLike<unknown>, extra: Extra): void {
    const failures: [number, unknown][] = []
    const most = this.#host.blobs ? Number.POSITIVE_INFINITY : mostInline
    for (const piece of piecesOf({ first, items, extra }, this.#work.spread, most))
      if ('error' in piece) failures.push([piece.index, piece.error])
      else this.#post({ first: piece.first, count: piece.count, losses: 0 }, piece.text, piece.extra)
    // Last, because a failure may cancel the run.
    for (const [index, error] of failures) this.#work.fail(index, error, 0)
  }

  #post(range: Range, items: string, extra: Extra): void {
    const number = this.#ledger.send(range, items.length)
    const id = `${this.id}-${number}`
    this.#sent.set(number, { id, first: range.first, count: range.count, items, extra })
    this.#sizing.sent(range.count, items.length)
    const { line } = this.#target
    const batch = { first: range.first, items: { length: range.count } as ArrayLike<unknown> }
    this.#work.waits?.(batch, true)
    const awaiting = {
      outcome: (text: string) => void this.#outcome(number, range.count, text),
      failed: (reason: string) => this.#apply(this.#ledger.missing(number), number, undefined, `its job failed: ${reason}`),
      missing: () => this.#apply(this.#ledger.missing(number), number, undefined, 'its job is not in the store any more'),
      begun: () => this.#work.waits?.(batch, false),
      waitsAgain: () => this.#work.waits?.(batch, true),
    }
    line.await(id, awaiting, { keeps: this.resumed })
    const { fns, again } = this.#target
    const head = { run: this.id, fns, again, offsetMs: this.#host.offsetMs }
    this.#outbox.send(id, batchText(this.#work, head, range, items, extra), `${this.id}/${number}`, (error) => {
      line.leave(id)
      this.#report(this.#ledger.giveUp(number), number, () => error)
    })
  }

  /** Items that a batch of an earlier start has: what becomes of it is awaited, or known. */
  #adopt(left: LeftBatch, { first, items }: Batch): void {
    const text = packItems(items, false)
    const { length: count } = items
    const number = this.#ledger.send({ first, count, losses: left.message.losses ?? 0 }, text.length)
    this.#sent.set(number, { id: left.id, first, count, items: text, extra: plain })
    const part = { number, from: first - left.message.first, count }
    left.parts.push(part)
    if (left.settle) return left.settle(part)
    if (left.parts.length > 1) return
    const settle = (each: LeftBatch['settle']): void => {
      left.settle = each
      for (const known of left.parts) each?.(known)
    }
    const lost = (why: string) => settle((each) => this.#apply(this.#ledger.missing(each.number), each.number, undefined, why))
    const read = async (answer: string): Promise<void> => {
      try {
        const outcome = await this.#read(answer, left.message.items.length)
        settle((each) => this.#settle(each.number, partOf(outcome, each.from, each.count)))
      } catch (cause) {
        settle((each) => this.#unreadable(each.number, cause))
      }
    }
    this.#target.line.await(
      left.id,
      {
        outcome: (answer) => void read(answer),
        failed: (reason) => lost(`its job failed: ${reason}`),
        missing: () => lost('its job is not in the store any more'),
        begun: () => {},
        waitsAgain: () => {},
      },
      { there: true, keeps: true },
    )
  }

  // --- Taking back ------------------------------------------------------------------------------------------------------

  async #outcome(number: number, count: number, text: string): Promise<void> {
    let outcome: Outcome
    try {
      outcome = await this.#read(text, count)
    } catch (cause) {
      return this.#unreadable(number, cause)
    }
    if (outcome.kind === 'done') this.#sizing.took(outcome.values.length, outcome.tookMs)
    this.#settle(number, outcome)
  }

  async #read(text: string, count: number): Promise<Outcome> {
    const whole = text.startsWith(blobMark) ? await this.#fromBlob(text.slice(blobMark.length)) : text
    return readOutcome(fromText(whole), count)
  }

  #unreadable(number: number, cause: unknown): void {
    const why = isError(cause) ? cause.message : String(cause)
    this.#apply(this.#ledger.giveUp(number), number, undefined, `its outcome cannot be read: ${why}`)
  }

  #settle(number: number, outcome: Outcome): void {
    const why = `the worker ${outcome.worker} has it from a machine that was lost`
    this.#apply(this.#ledger.settle(number, outcome), number, outcome, why)
  }

  async #fromBlob(name: string): Promise<string> {
    if (!this.#host.blobs) throw new Error('it lies in a blob store, and this client has none')
    return this.#host.blobs.get(name)
  }

  #apply(verdict: Verdict | undefined, number: number, outcome: Outcome | undefined, why: string): void {
    const lost = (index: number): unknown => {
      const reason = this.#cancelReason
      if (reason) return cancelled(reason.reason)
      const error = machineLost(index, this.#name, why, this.#target.again)
      if (this.#target.again) markSpent(error)
      return error
    }
    const id = this.#sent.get(number)?.id
    this.#report(verdict, number, lost, outcome)
    // Of a run with a journal the store keeps an outcome until the journal has it: a crash in between loses nothing.
    if (this.resumed && id !== undefined) void this.#work.handedOn?.().then(() => this.#target.line.remove(id))
    this.feed()
  }

  #report(verdict: Verdict | undefined, number: number, lost: (index: number) => unknown, outcome?: Outcome): void {
    const sent = this.#sent.get(number)
    this.#sent.delete(number)
    if (!verdict || !sent) return
    for (const range of verdict.resend) this.#resend.push(resentOf(sent, range))
    if (outcome?.kind === 'done') this.#succeed(verdict, outcome)
    for (const index of verdict.skipped) this.#skip(index)
    for (const index of verdict.lost) this.#fail(index, lost(index))
    for (const index of verdict.refused)
      this.#fail(index, outcome?.kind === 'refused' && outcome.error ? fromWire(outcome.error) : lost(index))
  }

  #succeed(verdict: Verdict, outcome: Done): void {
    const row = this.#host.rowOf(outcome.worker)
    const { values, times } = outcome
    const timesOf = (i: number): [number, number] => {
      const toHere = (time: number): number => time - this.#host.offsetMs - performance.timeOrigin
      return [toHere(times?.[2 * i] ?? 0), toHere(times?.[2 * i + 1] ?? 0)]
    }
    for (const { first, from, count } of verdict.succeeded) {
      if (this.#doomed.size > 0) {
        for (let i = 0; i < count; i++) {
          const doom = this.#doomed.get(first + i)
          if (doom === undefined) this.#work.succeed(first + i, [values[from + i]], row)
          else this.#fail(first + i, doom)
        }
        continue
      }
      const part = from === 0 && count === values.length ? values : values.slice(from, from + count)
      if (!times) this.#work.succeed(first, part, row)
      else {
        const pairs = part.map((_, i) => timesOf(from + i))
        this.#work.succeed(
          first,
          part,
          row,
          Float64Array.from(pairs, ([began]) => began),
          Float64Array.from(pairs, ([, ended]) => ended),
        )
      }
    }
    for (const { index, place } of verdict.failed)
      this.#fail(index, fromWire((outcome.errors as NonNullable<Done['errors']>)[place]?.[1] ?? {}), row)
  }

  #fail(index: number, error: unknown, row = 0): void {
    const doom = this.#doomed.get(index)
    this.#doomed.delete(index)
    this.#work.fail(index, doom ?? error, row)
  }

  #skip(index: number): void {
    const doom = this.#doomed.get(index)
    this.#doomed.delete(index)
    if (doom === undefined) this.#work.skip(index)
    else this.#work.fail(index, doom, 0)
  }

  // --- Ending -----------------------------------------------------------------------------------------------------------

  /** Of a run: what waits is taken back, what runs is stopped and waited for, a while. */
  cancel(reason: unknown): void {
    if (this.#cancelReason || this.#over) return
    this.#cancelReason = { reason }
    this.#ledger.cancel()
    for (const { range } of this.#resend.splice(0)) for (let i = 0; i < range.count; i++) this.#skip(range.first + i)
    void this.#withdraw()
    this.#finishIfOver()
  }

  async #withdraw(): Promise<void> {
    const until = performance.now() + cancelMs
    try {
      await this.#outbox.flushed
      await this.#recall()
      while (this.#ledger.batches > 0 && performance.now() < until) {
        await this.#host.store.publish({ type: 'cancel', run: this.id })
        await new Promise<void>((resolve) => {
          this.#timer = setTimeout(resolve, pollMs)
        })
      }
    } catch {
      // The store cannot be reached: machines stop by themselves once they miss the beat of this client.
    }
    this.#giveUpAll((index) => this.#doomed.get(index) ?? cancelled(this.#cancelReason?.reason))
  }

  /** Takes back what nobody has fetched. */
  async #recall(): Promise<void> {
    const out = this.#ledger.numbers().map((number) => ({ number, id: this.#sent.get(number)?.id ?? '' }))
    const ids = [...new Set(out.map(({ id }) => id))]
    const answers = await this.#host.store.recall(this.queue, ids)
    const back = new Set(ids.filter((_, i) => answers[i]))
    for (const { number, id } of out) {
      if (!back.has(id)) continue
      this.#target.line.leave(id)
      this.#report(this.#ledger.recalled(number), number, () => undefined)
    }
    this.#finishIfOver()
  }

  #giveUpAll(error: (index: number) => unknown): void {
    for (const number of this.#ledger.numbers()) {
      this.#target.line.leave(this.#sent.get(number)?.id ?? '')
      this.#report(this.#ledger.giveUp(number), number, error)
    }
    this.#finishIfOver()
  }

  /** One call of many: the others of its batch go on. */
  giveUp(index: number, error: unknown): void {
    if (this.#over) return
    this.#doomed.set(index, error)
    const at = this.#resend.findIndex(({ range }) => range.first === index && range.count === 1)
    if (at !== -1) {
      this.#resend.splice(at, 1)
      this.#skip(index)
      return
    }
    const tell = (): void => {
      const number = this.#ledger.numbers().find((each) => holds(this.#ledger.get(each), index))
      if (number === undefined || !this.#doomed.has(index)) return
      void this.#outbox.flushed
        .then(() => this.#host.store.publish({ type: 'cancel', run: this.id, batch: number, index }))
        .catch(() => {})
      // Said again until it has been heard.
      setTimeout(tell, pollMs).unref()
    }
    tell()
    setTimeout(() => {
      if (!this.#doomed.has(index)) return
      // Its machine does not answer: the caller is not kept waiting. What comes later is dropped.
      this.#work.fail(index, error, 0)
    }, cancelMs).unref()
  }

  /** Everything that is open and everything that comes fails. */
  #failAll(error: () => unknown): void {
    if (this.#over) return
    for (const { range } of this.#resend.splice(0)) for (let i = 0; i < range.count; i++) this.#fail(range.first + i, error())
    this.#giveUpAll(error)
    for (let batch = this.#work.take(1_024); batch; batch = this.#work.take(1_024))
      for (let i = 0; i < batch.items.length; i++) this.#work.fail(batch.first + i, error(), 0)
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
    if (this.#over || this.#work.endless || this.#ledger.batches > 0 || this.#resend.length > 0) return
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
    this.#host.ended(this)
  }

  get #name(): string {
    return this.#target.fns.map(({ name }) => name).join(' → ')
  }
}

const holds = (range: Range | undefined, index: number): boolean =>
  range !== undefined && index >= range.first && index < range.first + range.count
