/**
 * Finishes a map on this thread where threads would lose, in slices that let the event loop turn. Only for modules that consented
 * (`{ inline: true }`): nothing here contains a function that ends the process, fills its memory or never returns from native code.
 *
 * A function must not notice where it ran: what it gets and gives is shared only where a copy would be the same. It consented not to change what it
 * gets, and to give what it gives away.
 *
 * What a slice calls is watched. If one call holds this thread for {@link longestCallMs}, it is stopped, its item fails, and the module
 * never runs here again: whatever it had begun was left in the middle, without its `finally`. So nothing of the pool's own state changes
 * while a call may be stopped: a {@link CallSequence} collects, and what it collected is reported afterwards.
 */
import { performance, setImmediate } from '../../base/globals.js'
import { fromElsewhere } from '../../base/call-site.ts'
import { type Frame, enterFrame, rootFrame } from '../../base/frame.ts'
import { threadRow } from '../../base/rows.ts'
import type { Batch, FunctionRef } from '../../run/executor.ts'
import { isThenable } from '../../base/look.js'
import { copied, Shares } from '../copied.ts'
import type { Merged } from '../thread/merging.js'
import { consents, longestCallMs, stoppedHere } from './consent.ts'
import { type Job, sliceBatch } from './job.ts'
import { type Callable, InlineContext, type SharesOf, CallSequence, type StretchTime } from './call-sequence.ts'
import { ranWithin } from './watchdog.ts'

/** The event loop is held for about this long at most; well below the 10 ms that a person or a server could notice. */
const sliceMs = 4
/** The first slice belongs to the turn in which the map was called, and the second comes before timers get theirs: together they are one hold. */
const firstSliceMs = 1
const largestBatch = 65_536
/** A value is copied for no longer: a getter of it may never return. Chosen: what takes so long is too large for the memory. */
const longestCopyMs = 30_000

const sharesOf = new WeakMap<FunctionRef, SharesOf>()

/** May this thread do it as well as a worker? A setup runs in workers only, and a timeout is kept by another thread than the one that works. */
export function couldRunInline(job: Job): boolean {
  const { ref, work } = job
  const merge = work.stays?.merge
  if (merge && (merge.local === undefined || merge.setup || !consents(merge))) return false
  if (job.inline || job.cancelReason || ref.local === undefined || ref.setup || work.spread || work.timeoutMs !== undefined)
    return false
  return job.remaining() > 0
}

export class InlineRun {
  readonly #job: Job
  readonly #goOn: () => boolean
  readonly #done: () => void
  readonly #context: InlineContext
  readonly #frame: Frame
  readonly #shares: SharesOf

  /** `goOn` is asked after each slice; `done` is called when it says no, or when nothing is left. */
  constructor(job: Job, goOn: () => boolean, done: () => void) {
    this.#job = job
    this.#goOn = goOn
    this.#done = done
    this.#context = new InlineContext(job.work)
    const context = this.#context
    let shares = sharesOf.get(job.ref)
    if (!shares) sharesOf.set(job.ref, (shares = { items: new Shares(), results: new Shares() }))
    this.#shares = shares
    const label = (): string => `${job.ref.name} item ${context.index}`
    this.#frame = {
      parent: rootFrame,
      context,
      cancellation: job.work.cancellation,
      run: job.work.run,
      task: 0,
      label,
      children: 0,
      waits: 0,
    }
    this.#slice(firstSliceMs)
  }

  #slice(lengthMs: number): void {
    const job = this.#job
    const itemMs = job.estimate.hereMs ?? sliceMs
    const batch = job.take(Math.max(1, Math.min(largestBatch, Math.ceil(lengthMs / itemMs))))
    // What is merged later should be whole blocks: they end a slice, the clock only where they take much longer than they should.
    const mostMs = job.work.stays?.merge ? 2 * lengthMs : lengthMs
    const time: StretchTime = { until: undefined, lengthMs: mostMs, busyMs: 0, looksEvery: Math.floor(0.5 / itemMs) }
    const items = batch ? this.#runBatch(batch, time) : 0
    job.estimate.recordInline(items, time.busyMs)
    job.inlineItems += items
    if (job.estimate.async) return
    this.#context.close()
    if (items > 0 && job.remaining() > 0 && this.#goOn() && consents(job.ref)) setImmediate(() => this.#slice(sliceMs))
    else this.#done()
  }

  /** Gives how many items it called. What is left when the time is over goes back. */
  #runBatch(batch: Batch, time: StretchTime): number {
    const { work, ref } = this.#job
    let at = 0
    const merge = work.stays?.merge?.local as Callable | undefined
    let prepared: { readonly argument: unknown } | undefined
    while (at < batch.items.length) {
      const stretch = new CallSequence(ref.local as Callable, batch, at, this.#context, work, time, this.#shares, prepared)
      prepared = undefined
      const whole = enterFrame(this.#frame, () =>
        ranWithin(longestCallMs, () => {
          stretch.run()
          if (merge) stretch.merge(merge)
        }),
      )
      if (!whole && !stretch.ended) time.busyMs += longestCallMs
      this.#report(stretch)
      at = stretch.reached
      if (stretch.large) {
        prepared = this.#prepare(batch, at)
        if (!prepared) at++
        continue
      }
      if (!whole && stretch.merging) break
      // Where it had come to its end, nothing was stopped in the middle.
      const stopped = !whole && !stretch.ended
      if (stopped && stretch.given) this.#copyResult(batch.first + at++, stretch.given.value, stretch.startedAt?.at(-1))
      else if (stopped) this.#stopped(batch.first + at++)
      else if (stretch.failure) this.#fail(batch.first + at++, stretch.failure.error, stretch.startedAt?.at(-1))
      else if (stretch.promise) this.#await(batch.first + at++, stretch.promise)
      else if (at < batch.items.length) break
      if (!whole || stretch.promise || work.cancellation.aborted || performance.now() >= (time.until ?? 0)) break
    }
    this.#leave(batch, at)
    return at
  }

  /** Copies beside the limit of calls: it is not the function that takes the time. */
  #copied(value: unknown, what: string): unknown {
    let copy: unknown
    if (ranWithin(longestCopyMs, () => (copy = copied(value, what)))) return copy
    throw stoppedHere(this.#job.ref, longestCopyMs)
  }

  #prepare(batch: Batch, at: number): { readonly argument: unknown } | undefined {
    try {
      return { argument: this.#copied(batch.items[at], 'argument') }
    } catch (error) {
      this.#fail(batch.first + at, error)
      return undefined
    }
  }

  /** The function was done, and copying what it gave was stopped. */
  #copyResult(index: number, value: unknown, startedAt?: number): void {
    try {
      const result = this.#copied(value, 'result')
      this.#job.underWay--
      this.#job.work.succeed(index, [result], threadRow, startedAt === undefined ? undefined : [startedAt], [performance.now()])
    } catch (error) {
      this.#fail(index, error, startedAt)
    }
  }

  #report(stretch: CallSequence): void {
    const { work } = this.#job
    const { first, stored, values, startedAt, settledAt } = stretch
    this.#job.underWay -= stored + values.length
    if (stored > 0) work.stored?.(first, stored)
    if (values.length === 0) return
    const startedThen = startedAt?.slice(0, values.length)
    if (stretch.merging) this.#reportMerged(stretch, startedThen)
    else work.succeed(first + stored, values, threadRow, startedThen, settledAt)
  }

  /** What became of results that were to be merged. */
  #reportMerged(stretch: CallSequence, startedAt?: number[]): void {
    const { work } = this.#job
    const { first, values, merged, mergeFailure, settledAt } = stretch
    const count = values.length
    const stored = ({ levels, positions, values: merged }: Merged): void => {
      const blocks = levels.map((level, i) => ({ level, position: positions[i] as number, value: merged[i] }))
      work.merged?.(first, count, blocks, threadRow, startedAt, settledAt)
    }
    const failed = (error: unknown): void => {
      for (let i = 0; i < count; i++) work.fail(first + i, fromElsewhere(error), threadRow, startedAt?.[i], settledAt?.[i])
    }
    if (!merged) return failed(mergeFailure ? mergeFailure.error : stoppedHere(work.stays?.merge ?? this.#job.ref))
    if (!isThenable(merged)) return stored(merged)
    this.#job.underWay += count
    const settle = (report: () => void): void => {
      this.#job.underWay -= count
      report()
      this.#done()
    }
    void Promise.resolve(merged).then(
      (all) => settle(() => stored(all)),
      (error: unknown) => settle(() => failed(error)),
    )
  }

  #stopped(index: number): void {
    this.#fail(index, stoppedHere(this.#job.ref))
  }

  #fail(index: number, error: unknown, startedAt?: number): void {
    this.#job.underWay--
    const settledAt = startedAt === undefined ? undefined : performance.now()
    this.#job.work.fail(index, fromElsewhere(error), threadRow, startedAt, settledAt)
  }

  /** Gives back the items of a batch that have not been started. */
  #leave(batch: Batch, from: number): void {
    const job = this.#job
    if (from >= batch.items.length) return
    if (!job.work.cancellation.aborted) return void job.giveBack(sliceBatch(batch, from, batch.items.length))
    job.underWay -= batch.items.length - from
    for (let i = from; i < batch.items.length; i++) job.work.skip(batch.first + i)
  }

  /** A function that gave no promise so far gives one now: it is awaited, and no more are started here. */
  #await(index: number, value: PromiseLike<unknown>): void {
    this.#job.estimate.async = true
    void this.#settleLater(index, value).then(this.#done)
  }

  async #settleLater(index: number, value: PromiseLike<unknown>): Promise<void> {
    const { work } = this.#job
    try {
      const result = this.#copied(await value, 'result')
      this.#job.underWay--
      work.succeed(index, [result], threadRow)
    } catch (error) {
      this.#fail(index, error)
    }
    this.#context.close()
  }
}
