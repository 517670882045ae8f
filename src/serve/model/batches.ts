/**
 * What is under way at replicas: batches and streams, second tries of slow ones, and what becomes of each.
 *
 * Invariants:
 * - A replica has at most `slots` batches.
 * - A batch that lands counts once; what its calls have been told before is not told again.
 */
import type { TimerHandle } from '../../base/clock.ts'
import { TimedOut, WorkerCrashed } from '../../base/errors.ts'
import { HedgeTiming } from '../../patterns/hedge.ts'
import type { BatchOutcome, Flight, ReplicaHandle, StreamOutcome } from '../replica/handle.ts'
import type { Call } from './call.ts'
import type { ReplicaSet } from './replica-set.ts'
import type { Ledger } from './ledger.ts'
import { tookTooLong } from './refusals.ts'
import type { ReplicaSlot } from './replica-slot.ts'
import type { ModelSettings } from './settings.ts'

/** One batch, or one stream, at a replica. */
interface Batch {
  readonly calls: readonly Call[]
  readonly seat: ReplicaSlot
  readonly startedAtMs: number
  /** From the breaker. */
  readonly pass: number
  readonly timers: TimerHandle[]
  flight: Flight<unknown> | undefined
  /** It was ended because it took longer than it may. */
  timedOut: boolean
  /** The second try of a slow batch, or the batch that has one. */
  twin: Batch | undefined
}

export interface BatchEvents {
  /** Whether something waits: then no replica is free for a second try. */
  waiting(): boolean
  /** Its replica died, and it may be tried again: it waits once more. */
  again(call: Call): void
  /** A batch was computed without an error. */
  computed(calls: readonly Call[]): void
  /** A place is free. */
  landed(): void
}

export class Batches {
  readonly #settings: ModelSettings
  readonly #replicaSet: ReplicaSet
  readonly #ledger: Ledger
  readonly #events: BatchEvents
  readonly #hedge: HedgeTiming | undefined
  readonly #underWay = new Set<Batch>()

  constructor(settings: ModelSettings, replicaSet: ReplicaSet, ledger: Ledger, events: BatchEvents) {
    this.#settings = settings
    this.#replicaSet = replicaSet
    this.#ledger = ledger
    this.#events = events
    this.#hedge = settings.hedge && new HedgeTiming(settings.hedge)
  }

  get empty(): boolean {
    return this.#underWay.size === 0
  }

  get items(): number {
    let items = 0
    for (const { calls } of this.#underWay) items += calls.length
    return items
  }

  /** All calls that are under way. */
  *calls(): Generator<Call, void, undefined> {
    for (const { calls } of this.#underWay) yield* calls
  }

  launch(seat: ReplicaSlot, calls: readonly Call[]): void {
    const batch = this.#begin(seat, calls, undefined)
    if (!calls[0]?.onPart) this.#hedgeLater(batch)
  }

  /** The call is settled. The others of its batch are computed; a batch of which nobody waits is given up. */
  left(call: Call, reason: unknown): void {
    for (const { calls, flight } of this.#underWay)
      if (calls.includes(call) && calls.every(({ settled }) => settled)) flight?.cancel(reason)
  }

  #begin(seat: ReplicaSlot, calls: readonly Call[], twin: Batch | undefined): Batch {
    const { clock, timeoutMs } = this.#settings
    const now = clock.now()
    const pass = seat.breaker.enter()
    const batch: Batch = { calls, seat, startedAtMs: now, pass, timers: [], flight: undefined, timedOut: false, twin }
    this.#underWay.add(batch)
    seat.begin(calls.length)
    for (const call of calls) {
      call.tries++
      if (call.startedAtMs === undefined) this.#ledger.meter.queued.add(now - call.arrivedAtMs)
      call.startedAtMs ??= now
    }
    if (timeoutMs !== undefined) batch.timers.push(clock.schedule(timeoutMs, () => this.#timeOut(batch)))
    const [first] = calls
    const handle = seat.handle as ReplicaHandle
    if (first?.onPart) this.#stream(batch, handle, first, first.onPart)
    else this.#run(batch, handle)
    return batch
  }

  #run(batch: Batch, handle: ReplicaHandle): void {
    // What the queue guessed is not cut again: the replica holds the bound of the options only.
    const limits = { items: this.#replicaSet.limits.items, tokens: this.#settings.batchTokens }
    const flight = handle.run(
      batch.calls.map(({ item }) => item),
      limits,
    )
    batch.flight = flight
    flight.done.then(
      (outcome) => this.#computed(batch, outcome),
      (error: unknown) => this.#lost(batch, error),
    )
  }

  #stream(batch: Batch, handle: ReplicaHandle, call: Call, onPart: (part: unknown) => void): void {
    const flight = handle.stream(call.item, (part) => {
      if (call.settled) return
      call.begun = true
      onPart(part)
    })
    batch.flight = flight
    const more = (parts: number): void => flight.more(parts)
    call.more = more
    flight.done.then(
      (outcome) => this.#written(batch, call, outcome),
      (error: unknown) => this.#lost(batch, error),
    )
  }

  #computed(batch: Batch, { values, errors, tokens, batch: together }: BatchOutcome): void {
    const servedMs = this.#succeeded(batch)
    const { calls, seat } = batch
    let sum = 0
    for (const [at, call] of calls.entries()) sum += this.#learn(call, tokens[at] ?? 0)
    this.#count(batch, sum, servedMs)
    if (errors.length === 0) this.#events.computed(calls)
    for (const { at, error } of errors) this.#ledger.fail(calls[at] as Call, error)
    const now = this.#settings.clock.now()
    for (const [at, call] of calls.entries()) {
      if (call.settled) continue
      const answer = { value: values[at], tokens: tokens[at] ?? 0, servedMs, replica: seat.id, batch: together[at] ?? 1 }
      this.#ledger.answer(call, answer, now)
    }
    this.#next(batch)
  }

  #written(batch: Batch, call: Call, { value, tokens }: StreamOutcome): void {
    const servedMs = this.#succeeded(batch)
    this.#count(batch, this.#learn(call, tokens), servedMs)
    const answer = { value, tokens, servedMs, replica: batch.seat.id, batch: 1 }
    if (!call.settled) this.#ledger.answer(call, answer, this.#settings.clock.now())
    this.#next(batch)
  }

  /** @returns how long it took */
  #succeeded(batch: Batch): number {
    const ms = this.#landed(batch)
    batch.seat.breaker.settle(batch.pass, 'success')
    batch.seat.served()
    return ms
  }

  #learn(call: Call, tokens: number): number {
    if (tokens > 0) this.#ledger.estimate.learn(call.item, tokens)
    return tokens
  }

  #count(batch: Batch, tokens: number, ms: number): void {
    this.#ledger.computed(batch.calls, tokens, ms, this.#settings.slots)
    this.#hedge?.took(ms)
  }

  /** All of the batch failed: the replica died, took too long, or the function threw for a reason that no item is to blame for. */
  #lost(batch: Batch, error: unknown): void {
    this.#landed(batch)
    const { seat, calls, timedOut } = batch
    const crashed = error instanceof WorkerCrashed
    const reason: unknown = timedOut ? this.#tookTooLong() : error
    const given = calls.every(({ settled }) => settled) && !crashed
    if (given) seat.breaker.settle(batch.pass, 'unknown')
    else seat.breaker.failed(batch.pass, reason)
    for (const call of calls) {
      // Its other try is still under way.
      if (call.settled || call.tries > 0) continue
      if (crashed && !timedOut) this.#again(call, reason)
      else this.#ledger.fail(call, reason)
    }
    this.#next(batch)
  }

  /** After a crash: alone, because what it was computed with may be to blame. */
  #again(call: Call, error: unknown): void {
    if (call.crashes++ >= this.#settings.retry || call.begun) return this.#ledger.refuse(call, 'crashed', error)
    this.#ledger.meter.retried++
    call.alone = true
    this.#events.again(call)
  }

  #landed(batch: Batch): number {
    const { clock } = this.#settings
    this.#underWay.delete(batch)
    for (const timer of batch.timers) clock.cancel(timer)
    batch.seat.finish()
    for (const call of batch.calls) call.tries--
    return clock.now() - batch.startedAtMs
  }

  #next({ twin }: Batch): void {
    if (twin && this.#underWay.has(twin) && twin.calls.every(({ settled }) => settled))
      twin.flight?.cancel(new Error('not needed any more: the other try has answered'))
    this.#events.landed()
  }

  #timeOut(batch: Batch): void {
    batch.timedOut = true
    batch.seat.replace()
  }

  #tookTooLong(): TimedOut {
    return tookTooLong(this.#settings.name, this.#settings.timeoutMs ?? 0)
  }

  #hedgeLater(batch: Batch): void {
    const hedge = this.#hedge
    const afterMs = hedge?.begin()
    if (!hedge || afterMs === undefined) return
    const second = (): void => {
      const seat = this.#events.waiting() ? undefined : this.#replicaSet.free(batch.seat)
      const open = batch.calls.filter(({ settled }) => !settled)
      if (!seat || open.length === 0 || !hedge.spend()) return
      this.#ledger.meter.hedged++
      batch.twin = this.#begin(seat, open, batch)
    }
    batch.timers.push(this.#settings.clock.schedule(afterMs, second))
  }
}
