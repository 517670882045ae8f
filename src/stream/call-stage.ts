import { Pace } from '../run/pace.ts'
import { callsWithin, heldBytes, Sizes } from '../run/sizes.ts'
import { end } from '../run/source.ts'
import type { RemoteCalls } from '../run/storing.ts'
import { type CallReceiver, StageCalls, type CallSpec } from './stage-calls.ts'
import { Output } from './output.ts'
import type { Segment } from './segment.ts'
import { type Origin, pending, type Polled, Stage } from './stage.ts'

/**
 * How a stage uses the result of its function: the result is the next item (`map`), or the item goes on when the result is
 * truthy (`filter`).
 */
export type CallMode = 'map' | 'filter'

export interface CallStageSpec extends CallSpec {
  readonly mode: CallMode
  readonly ordered: boolean
  /** Most results that wait for their turn or for the consumer, beyond the calls under way. @default as many as these */
  readonly buffer: number | undefined
}

/**
 * A stage whose function runs several times at once, somewhere.
 *
 * It works ahead only while calls leave room: a function that answers at once is called when its result is wanted, so
 * `take(3)` calls it three times.
 * Invariant: items in the stage (waiting, under way, or settled and not taken) ≤ concurrency + buffer. Where the consumer is slower than the calls,
 * no call starts that would bring them, by the size of those before, above the bytes that a stage may hold.
 */
export abstract class WorkingStage extends Stage {
  protected readonly up: Stage
  protected readonly output: Output
  protected exhausted = false
  /** A call has taken its time, so working ahead is worth it. */
  protected ahead = false
  /** The stage above has nothing, and will wake this one. */
  protected dry = false
  #filling = false

  constructor(segment: Segment, up: Stage, ordered: boolean) {
    super(segment)
    this.up = up.feed(this)
    this.output = new Output(ordered, segment.run.observed)
  }

  /** Begins what there is room for; returns as soon as something has answered at once. */
  protected abstract fill(): void

  /** The consumer found no result. */
  protected starved(): void {}

  /** Whether one more call could be under way. */
  protected abstract hasPlace(): boolean

  poll(): Polled<unknown> {
    const { output } = this
    if (!output.ready()) {
      this.starved()
      this.fill()
      if (!output.ready()) return this.ended ? end : this.wait()
    }
    const item = output.take()
    this.origin = output.origin
    if (this.ahead && !this.dry && !this.exhausted && this.hasPlace()) this.#fillSoon()
    return item
  }

  wake(): void {
    this.dry = false
    this.advance()
  }

  /** Calls have settled, or there may be items above: begins what it can, and wakes the stage that waits. */
  advance(): void {
    this.fill()
    if (!this.waiting || !this.#deliverable()) return
    this.notify()
    // The item that was taken has made room.
    this.fill()
  }

  /**
   * An item was taken, so there is room again. Calls that settle in the meantime use it themselves, which is cheaper: they are in
   * the frame of a call already.
   */
  #fillSoon(): void {
    if (this.#filling) return
    this.#filling = true
    void resolved.then(() => {
      this.#filling = false
      this.advance()
    })
  }

  #deliverable(): boolean {
    return this.output.ready() || this.ended
  }

  /** Nothing is in the stage, and nothing will come. */
  protected get ended(): boolean {
    return this.exhausted && this.output.held === 0
  }
}

const resolved = Promise.resolve()

/** Most calls of a worker function at once, by their bytes; where it is not one, `Infinity`. Items queued at workers are worked off, however slow the consumer is. */
export function remotely(remote: RemoteCalls | undefined): number {
  return remote ? Math.max(remote.slots, callsWithin(heldBytes, remote.sizes)) : Number.POSITIVE_INFINITY
}

/** Calls a function on every item, on this thread. */
export class CallStage extends WorkingStage implements CallReceiver {
  readonly #filters: boolean
  readonly #calls: StageCalls
  readonly #buffer: number | undefined
  readonly #remote: RemoteCalls | undefined
  readonly #sizes: Sizes
  readonly #pace: Pace

  constructor(segment: Segment, up: Stage, spec: CallStageSpec) {
    super(segment, up, spec.ordered)
    this.#filters = spec.mode === 'filter'
    this.#calls = new StageCalls(segment, spec, this)
    this.#buffer = spec.buffer
    this.#remote = spec.remote
    this.#sizes = spec.remote?.sizes.results ?? new Sizes()
    this.#pace = new Pace(this.#sizes, () => this.output.held - this.#calls.underWay)
  }

  protected override starved(): void {
    this.#pace.starved()
  }

  protected fill(): void {
    const { output, up, segment } = this
    const calls = this.#calls
    const capacity = calls.limit + (this.#buffer ?? calls.limit)
    while (calls.underWay < calls.limit && output.held < capacity && !this.exhausted && !this.dry && !segment.stopped) {
      if (this.#heavy) return
      const item = up.poll()
      if (item === pending) this.dry = true
      if (item === end) this.exhausted = true
      if (item === pending || item === end) return
      this.#remote?.sizes.items.note(item)
      if (!calls.start(item, output.begin(), up.origin)) this.ahead = true
      else if (output.ready()) return
    }
  }

  protected hasPlace(): boolean {
    return this.#calls.underWay < this.#calls.limit && !this.#heavy
  }

  /** As many bytes wait, or are on their way, as may be. */
  get #heavy(): boolean {
    const { held } = this.output
    return held > 0 && (held >= remotely(this.#remote) || this.#pace.full(held))
  }

  settled(place: number, item: unknown, value: unknown, origin: Origin): void {
    this.#sizes.note(this.#filters ? item : value)
    if (!this.#filters) this.output.put(place, value, origin)
    else if (value) this.output.put(place, item, origin)
    else this.output.drop(place)
  }
}
