/**
 * One execution of a pipeline.
 *
 * The stages of a run are divided into segments, because `take` and its like end what is above them while what is below goes
 * on. A {@link Segment} is the lifetime of its stages: its cancellation, its sources, and how many of its functions are under way.
 *
 * Invariants: every source is closed exactly once, or read to its end; {@link StreamRun.over} resolves when no function of the
 * run is under way, or those that are have ignored their signal for `grace`.
 */
import { queueMicrotask } from '../base/globals.js'
import { Cancellation } from '../base/abort.ts'
import type { Clock, TimerHandle } from '../base/clock.ts'
import { formatMs, graceMsOf } from '../base/duration.ts'
import { Cancelled } from '../base/errors.ts'
import { type Awaited, type Entrance, entranceOf } from '../base/frame.ts'
import { note, observed } from '../base/observer.ts'
import { Yielding } from '../run/yielding.ts'
import { Group, type RunOptions } from '../run/group.ts'
import type { Run, Segment } from './segment.ts'

export class StreamRun implements Run {
  readonly group: Group
  readonly clock: Clock
  readonly graceMs: number
  /** Whether somebody wants to know of every task. */
  readonly observed = observed()
  readonly #yielding = new Yielding()
  /** The stages that go on once the event loop has turned; each once, however often it was asked meanwhile. */
  readonly #held = new Set<() => void>()
  /** Resolves when nothing is under way any more. */
  readonly over: Promise<void>
  /** Whose frame is the current one, while code of the pipeline runs inside a frame of a call. */
  runner: object | undefined
  readonly #enter: Entrance
  readonly #segments: Lifetime[] = []
  readonly #closers: (() => Promise<void>)[] = []
  #resolve: () => void = () => {}
  #ending = false
  #satisfied = false

  constructor(options: RunOptions, total: number, clock: Clock) {
    this.clock = clock
    this.graceMs = graceMsOf(options.grace)
    this.group = new Group('stream', '', options, total, -1)
    this.#enter = entranceOf(this.group.frame(() => this.group.label()))
    this.over = new Promise((resolve) => (this.#resolve = resolve))
    this.group.cancellation.subscribe(() => this.#end())
  }

  /** A lifetime for stages, inside that of the segment below. */
  segment(below?: Segment): Segment {
    const segment = new Lifetime(this, below?.cancellation ?? this.group.cancellation)
    this.#segments.push(segment)
    return segment
  }

  /** Runs code of the pipeline that was called from elsewhere, such as by an event of a stream of Node's. */
  enter<T>(body: () => T): T {
    const around = this.runner
    this.runner = undefined
    try {
      return this.#enter(body)
    } finally {
      this.runner = around
    }
  }

  /** Asked by sources before each item. True when the event loop has to turn first; `resume` is called once it has. */
  outOfBreath(resume: () => void): boolean {
    const pause = this.#yielding.due()
    if (!pause) return false
    if (this.#held.size === 0) void pause.then(() => this.enter(this.#goOn))
    this.#held.add(resume)
    return true
  }

  /** Whether the event loop has to turn before any source is asked again: to ask thousands of them would be in vain. */
  get breathless(): boolean {
    return this.#held.size > 0
  }

  readonly #goOn = (): void => {
    const held = [...this.#held]
    this.#held.clear()
    for (const resume of held) resume()
  }

  fail(error: unknown, at: number | string): void {
    this.group.fail(error, at)
  }

  /** Calls `close` when nothing of the run is under way any more; the run ends after that. */
  atEnd(close: () => Promise<void>): void {
    this.#closers.push(close)
  }

  /** The terminal has what it wants. */
  finish(): void {
    this.#satisfied = true
    this.#end()
  }

  #end(): void {
    this.#ending = true
    // Not at once: when the run is aborted its segments are cancelled one after the other, and begin to close their sources.
    queueMicrotask(() => this.check())
  }

  /** Looks whether anything is still under way. */
  check(): void {
    if (this.#ending && this.#segments.every((segment) => segment.quiet)) this.#resolve()
  }

  /**
   * Waits until nothing is under way, and ends the run.
   * @param awaited what the run's reader awaits, when that is not the promise given here
   * @throws why it has no result
   */
  async settle(awaited?: Awaited): Promise<void> {
    await this.group.settled(this.over, awaited)
    for (const close of this.#closers) await close().catch((error: unknown) => this.fail(error, 'checkpoint'))
    for (const segment of this.#segments) segment.close()
    this.group.close()
    if (this.group.failure) throw this.group.failure.error
    if (!this.#satisfied) throw this.group.cancelError()
  }
}

class Lifetime implements Segment {
  readonly run: StreamRun
  readonly cancellation: Cancellation
  /** Nothing may be started any more. */
  stopped = false
  #open = 0
  #abandoned = false
  #graceTimer: TimerHandle | undefined
  readonly #closers = new Set<() => unknown>()

  constructor(run: StreamRun, parent: Cancellation) {
    this.run = run
    this.cancellation = new Cancellation(parent)
    this.cancellation.subscribe(() => this.#stopped())
  }

  get quiet(): boolean {
    return this.#open === 0 || this.#abandoned
  }

  /** A function has started, or a source is being closed. */
  opened(): void {
    this.#open++
  }

  settled(): void {
    if (--this.#open === 0 && !this.#abandoned) {
      if (this.#graceTimer !== undefined) this.run.clock.cancel(this.#graceTimer)
      this.run.check()
    }
  }

  /**
   * Calls `close` once when the segment is stopped; what it throws, or its promise rejects with, is a failure of the run.
   * Gives the function that takes it off again, when there is nothing left to close.
   */
  onStop(close: () => unknown): () => void {
    if (this.stopped) this.#close(close)
    else this.#closers.add(close)
    return () => this.#closers.delete(close)
  }

  /** Nobody below wants anything any more: closes the sources, and cancels the functions under way. */
  stop(): void {
    if (!this.stopped) this.cancellation.abort(new Cancelled(`${this.run.group.label()} needed no more items`))
  }

  #stopped(): void {
    this.stopped = true
    for (const close of this.#closers) this.#close(close)
    this.#closers.clear()
    // When the whole run was cancelled, the group sees to the rest.
    if (this.#open > 0 && !this.run.group.aborted)
      this.#graceTimer = this.run.clock.schedule(this.run.graceMs, () => this.#abandon())
  }

  #close(close: () => unknown): void {
    this.opened()
    // Not at once: it may be the source's own code that stopped the segment, and a generator that runs cannot be closed.
    Promise.resolve()
      .then(() => this.run.enter(close))
      .then(
        () => this.settled(),
        (error: unknown) => {
          this.run.fail(error, 'source')
          this.settled()
        },
      )
  }

  #abandon(): void {
    this.#abandoned = true
    const { group } = this.run
    note(
      'other',
      group.record.id,
      `${group.label()}: abandoned functions that ignored their signal for ${formatMs(this.run.graceMs)}`,
    )
    this.run.check()
  }

  /** Takes the segment off its parent, and its timer off the clock. */
  close(): void {
    if (this.#graceTimer !== undefined) this.run.clock.cancel(this.#graceTimer)
    this.cancellation.close()
  }
}
