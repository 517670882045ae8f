/**
 * One run on the fleet: pulls items from a work, sends them as batches, and reports each once. The decisions are those of `protocol/ledger.ts`; here is what
 * it takes to carry them out.
 */
import { clearTimeout, performance, setTimeout } from '../../base/globals.js'
import { cancelled } from '../../base/abort.ts'
import { formatMs } from '../../base/duration.ts'
import { because, HeddleError, isError } from '../../base/errors.ts'
import { markSpent } from '../../base/spent.ts'
import { fromWire } from '../../encoding/from-wire.ts'
import { fromText, toText } from '../../encoding/tagged.ts'
import type { JobWork } from '../../workers/host/job.ts'
import { type BlobStore, blobMark } from '../engine/blobs.ts'
import type { Store } from '../engine/store.ts'
import { FleetUnavailable, NoWorkers, PayloadTooLarge, WorkerLost } from '../protocol/errors.ts'
import { type ModuleBuild, shownModule } from '../naming/names.ts'
import { cancelMs, pollMs } from '../protocol/constants.ts'
import { Ledger, type Range, type Verdict } from '../protocol/ledger.ts'
import { type BatchMessage, type Done, type FunctionName, type Outcome, readOutcome, wireVersion } from '../protocol/message.ts'
import { Sizing } from '../protocol/sizing.ts'
import type { Line } from './line.ts'
import { packItems, refusal } from './packing.ts'
import type { Roster } from './roster.ts'

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
/** A text that the store itself carries. */
const mostInline = 4 * 2 ** 20
/** What is longer goes to the blob store, where there is one. */
const blobFrom = 256 * 1_024

/** What each call has of its own. */
interface Extra {
  /** Index and attempt. */
  readonly meta: readonly number[] | undefined
  readonly keys: readonly string[] | undefined
}

const sliceExtra = ({ meta, keys }: Extra, from: number, to: number): Extra => ({
  meta: meta?.slice(2 * from, 2 * to),
  keys: keys?.slice(from, to),
})

interface Sent {
  readonly first: number
  /** The items as text, to send them again. */
  readonly items: string
  readonly extra: Extra
}

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
  readonly #resend: { readonly range: Range; readonly items: string; readonly extra: Extra }[] = []
  /** Items that were given up: their error decides, whatever comes back. */
  readonly #doomed = new Map<number, unknown>()
  #adding: Promise<unknown>
  #outbox: { readonly id: string; readonly text: string }[] = []
  #flushing = false
  #cancelReason: { readonly reason: unknown } | undefined
  #timer: NodeJS.Timeout | undefined
  /** Since when no worker has been there for it. */
  #aloneSince: number | undefined
  #over = false
  readonly #unsubscribe: () => void

  constructor(id: string, host: RunHost, target: RunTarget, work: JobWork, sizing: Sizing, ready: Promise<unknown>) {
    this.id = id
    this.#host = host
    this.#target = target
    this.#work = work
    this.#sizing = sizing
    this.#ledger = new Ledger(target.again)
    this.#adding = ready
    this.begun = ready.then(
      () => {},
      () => {},
    )
    ready.catch((error: unknown) => this.#failAll(() => error))
    this.#unsubscribe = work.cancellation.subscribe((reason) => this.cancel(reason))
    if (work.cancellation.aborted) this.cancel(work.cancellation.reason)
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
    if (!this.#cancelReason) {
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
    const { first, items } = batch
    const meta = this.#work.meta?.(batch)
    this.#pack(first, items, {
      meta: meta && [...meta],
      keys: this.#work.idempotencyKey === undefined ? this.#work.keys?.(batch) : undefined,
    })
    return true
  }

  /** Sends items, in halves where together they are too large; what cannot be sent fails alone. */
  #pack(first: number, items: ArrayLike<unknown>, extra: Extra): void {
    const { spread } = this.#work
    let text: string
    try {
      text = packItems(items, spread)
    } catch (cause) {
      return this.#packEach(first, items, extra, cause)
    }
    const most = this.#host.blobs ? Number.POSITIVE_INFINITY : mostInline
    if (text.length <= most) return this.#post({ first, count: items.length, losses: 0 }, text, extra)
    if (items.length === 1) return this.#work.fail(first, tooLarge('argument', text.length), 0)
    const half = items.length >> 1
    this.#pack(first, Array.prototype.slice.call(items, 0, half), sliceExtra(extra, 0, half))
    this.#pack(first + half, Array.prototype.slice.call(items, half), sliceExtra(extra, half, items.length))
  }

  #packEach(first: number, items: ArrayLike<unknown>, extra: Extra, cause: unknown): void {
    const failures: [number, unknown][] = []
    let from = 0
    const flush = (to: number): void => {
      if (to > from) this.#pack(first + from, Array.prototype.slice.call(items, from, to), sliceExtra(extra, from, to))
    }
    for (let at = 0; at < items.length; at++) {
      const error = refusal(items[at], this.#work.spread) ?? (items.length === 1 ? cause : undefined)
      if (error === undefined) continue
      failures.push([first + at, error])
      flush(at)
      from = at + 1
    }
    flush(items.length)
    // Last, because a failure may cancel the run.
    for (const [index, error] of failures) this.#work.fail(index, error, 0)
  }

  #post(range: Range, items: string, extra: Extra): void {
    const number = this.#ledger.send(range, items.length)
    const id = `${this.id}-${number}`
    this.#sent.set(number, { first: range.first, items, extra })
    this.#sizing.sent(range.count, items.length)
    const { line } = this.#target
    const batch = { first: range.first, items: { length: range.count } as ArrayLike<unknown> }
    this.#work.waits?.(batch, true)
    line.await(id, {
      outcome: (text) => void this.#outcome(number, range.count, text),
      failed: (reason) => this.#apply(this.#ledger.missing(number), number, undefined, `its job failed: ${reason}`),
      missing: () => this.#apply(this.#ledger.missing(number), number, undefined, 'its job is not in the store any more'),
      begun: () => this.#work.waits?.(batch, false),
      waitsAgain: () => this.#work.waits?.(batch, true),
    })
    const text = this.#message(range, items, extra)
    const { blobs } = this.#host
    if (!blobs || text.length <= blobFrom) return this.#add(id, text)
    const name = `${this.id}/${number}`
    this.#adding = this.#adding
      .then(() => blobs.put(name, text))
      .then(
        () => this.#add(id, blobMark + name),
        (error: unknown) => {
          line.leave(id)
          this.#report(this.#ledger.giveUp(number), number, () => error)
        },
      )
  }

  #message(range: Range, items: string, { meta, keys }: Extra): string {
    const { timeoutMs, deadline, observed, spread, idempotencyKey } = this.#work
    const key = idempotencyKey ?? keys
    const head: Omit<BatchMessage, 'items'> = {
      v: wireVersion,
      run: this.id,
      fns: this.#target.fns,
      first: range.first,
      ...(spread && { spread: true }),
      ...(meta && { meta }),
      ...(key !== undefined && { key }),
      ...(timeoutMs !== undefined && Number.isFinite(timeoutMs) && { timeoutMs }),
      ...(Number.isFinite(deadline) && { deadline: performance.timeOrigin + deadline + this.#host.offsetMs }),
      ...(observed && { observed: true }),
      ...(this.#target.again && { again: true }),
      ...(range.losses > 0 && { losses: range.losses }),
    }
    return `${JSON.stringify(head).slice(0, -1)},"items":${items}}`
  }

  /** What one turn sends goes in one trip. */
  #add(id: string, text: string): void {
    this.#outbox.push({ id, text })
    if (this.#flushing) return
    this.#flushing = true
    this.#adding = this.#adding.then(async () => {
      this.#flushing = false
      const { priority, store } = this.#host
      const jobs = this.#outbox.splice(0).map((job) => ({ ...job, priority }))
      await store.add(this.queue, jobs)
    })
    this.#adding.catch((cause: unknown) => this.#failAll(() => notTaken(cause)))
  }

  // --- Taking back ------------------------------------------------------------------------------------------------------

  async #outcome(number: number, count: number, text: string): Promise<void> {
    let outcome: Outcome
    try {
      const whole = text.startsWith(blobMark) ? await this.#fromBlob(text.slice(blobMark.length)) : text
      outcome = readOutcome(fromText(whole), count)
    } catch (cause) {
      const why = isError(cause) ? cause.message : String(cause)
      return this.#apply(this.#ledger.giveUp(number), number, undefined, `its outcome cannot be read: ${why}`)
    }
    if (outcome.kind === 'done') this.#sizing.took(outcome.values.length, outcome.tookMs)
    this.#apply(
      this.#ledger.settle(number, outcome),
      number,
      outcome,
      `the worker ${outcome.worker} has it from a machine that was lost`,
    )
  }

  async #fromBlob(name: string): Promise<string> {
    if (!this.#host.blobs) throw new Error('it lies in a blob store, and this client has none')
    return this.#host.blobs.get(name)
  }

  #apply(verdict: Verdict | undefined, number: number, outcome: Outcome | undefined, why: string): void {
    const lost = (index: number): unknown => {
      const reason = this.#cancelReason
      if (reason) return cancelled(reason.reason)
      const error = new WorkerLost(`The machine that had item ${index} of "${this.#name}" was lost: ${why}`, {
        hint: this.#target.again
          ? 'Three machines were lost with it, so that it is not tried again: look at what they had in common.'
          : 'It may have run. Where it may run twice, give `retry`, or `lost: "again"` to the fleet.',
      })
      if (this.#target.again) markSpent(error)
      return error
    }
    this.#report(verdict, number, lost, outcome)
    this.feed()
  }

  #report(verdict: Verdict | undefined, number: number, lost: (index: number) => unknown, outcome?: Outcome): void {
    const sent = this.#sent.get(number)
    this.#sent.delete(number)
    if (!verdict || !sent) return
    for (const range of verdict.resend) this.#resend.push({ range, ...this.#partOf(sent, range, outcome, verdict) })
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

  /** The text and indices of some of the items of a batch. */
  #partOf(
    { first, items, extra }: Sent,
    range: Range,
    outcome: Outcome | undefined,
    verdict: Verdict,
  ): { items: string; extra: Extra } {
    if (verdict.resend.length === 1 && outcome?.kind !== 'done') return { items, extra }
    const list = fromText(items) as unknown[]
    const from = range.first - first
    return { items: toText(list.slice(from, from + range.count)), extra: sliceExtra(extra, from, from + range.count) }
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
      await this.#adding
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
    const numbers = this.#ledger.numbers()
    const ids = numbers.map((number) => `${this.id}-${number}`)
    const back = await this.#host.store.recall(this.queue, ids)
    for (const [i, number] of numbers.entries()) {
      if (!back[i]) continue
      this.#target.line.leave(ids[i] as string)
      this.#report(this.#ledger.recalled(number), number, () => undefined)
    }
    this.#finishIfOver()
  }

  #giveUpAll(error: (index: number) => unknown): void {
    for (const number of this.#ledger.numbers()) {
      this.#target.line.leave(`${this.id}-${number}`)
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
      void this.#adding
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
    const { workers } = this.#host.roster
    const alive = workers.flatMap(({ host, pid, modules }) =>
      modules.map((each) => `${shownModule(each)} (${host}, process ${pid})`),
    )
    const message = `No worker of the fleet has ${shownModule(this.#target.module)} since ${formatMs(this.#host.patienceMs)}. Alive are: ${alive.length === 0 ? 'none' : alive.slice(0, 20).join(', ')}`
    void this.#recall().catch(() => {})
    this.#failAll(
      () =>
        new NoWorkers(message, {
          hint: 'Start one with: heddle worker --fleet URL MODULE. Both sides need the same files, or the same HEDDLE_BUILD.',
        }),
    )
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

function notTaken(cause: unknown): unknown {
  if (cause instanceof HeddleError) return cause
  return new FleetUnavailable(`The store did not take a batch${because(cause)}`, {
    cause,
    hint: 'Nothing is lost: what it had taken before is done. A store that is full needs more memory, or fewer runs at once.',
  })
}

export function tooLarge(what: string, bytes: number): PayloadTooLarge {
  return new PayloadTooLarge(
    `The ${what} is ${(bytes / 2 ** 20).toFixed(1)} MiB of text; the store carries ${mostInline / 2 ** 20} MiB`,
    {
      hint: 'Give the fleet a blob store that all machines share: blobs: "file:///mnt/shared/heddle", and --blobs to the workers.',
    },
  )
}
