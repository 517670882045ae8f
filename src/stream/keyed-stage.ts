import { Ring } from '../base/ring.ts'
import { Pace } from '../run/pace.ts'
import { heldBytes, Sizes, within } from '../run/sizes.ts'
import { end } from '../run/source.ts'
import type { RemoteCalls } from '../run/storing.ts'
import { remotely, WorkingStage } from './call-stage.ts'
import { type CallReceiver, StageCalls, type CallSpec } from './stage-calls.ts'
import type { Segment } from './segment.ts'
import { type Origin, pending, type Stage } from './stage.ts'

export interface KeyedSpec extends CallSpec {
  readonly key: (item: unknown) => unknown
  readonly ordered: boolean
  /** Most items beyond the calls under way: those whose key is busy, and results that nobody has taken. */
  readonly buffer: number
}

/** An item on its way through the stage. */
interface Entry {
  readonly item: unknown
  readonly index: number
  readonly key: unknown
  readonly place: number
  readonly origin: Origin
}

/**
 * Calls a function on every item, so that items of the same key follow one another in their order while different keys run at
 * once.
 *
 * State: every key that has items in the stage has a line. The first of a line is under way, or runnable; the others wait for it.
 * Invariant: items in the stage ≤ concurrency + buffer. When one key fills all of it, the others wait as well: the price of
 * bounded memory. Both the items in line and the results are bounded in bytes, too.
 */
export class KeyedStage extends WorkingStage implements CallReceiver {
  readonly #key: (item: unknown) => unknown
  readonly #calls: StageCalls
  readonly #buffer: number
  /** The calls that wait behind the first of each line; undefined while none does, as for most keys. */
  readonly #lines = new Map<unknown, Ring<Entry> | undefined>()
  readonly #runnable = new Ring<Entry>()
  readonly #remote: RemoteCalls | undefined
  readonly #sizes: { readonly items: Sizes; readonly results: Sizes }
  readonly #pace: Pace
  /** Items that have not been called for. */
  #inLine = 0
  #entered = 0

  constructor(segment: Segment, up: Stage, spec: KeyedSpec) {
    super(segment, up, spec.ordered)
    this.#key = spec.key
    this.#calls = new StageCalls(segment, spec, this)
    this.#buffer = spec.buffer
    this.#remote = spec.remote
    this.#sizes = spec.remote?.sizes ?? { items: new Sizes(), results: new Sizes() }
    this.#pace = new Pace(this.#sizes.results, () => this.output.held - this.#inLine - this.#calls.underWay)
  }

  protected override starved(): void {
    this.#pace.starved()
  }

  protected fill(): void {
    while (!this.segment.stopped) {
      if (this.#startOne()) {
        if (this.output.ready() && !this.ahead) return
      } else if (!this.#admitOne()) return
    }
  }

  protected hasPlace(): boolean {
    return this.#calls.underWay < this.#calls.limit
  }

  /** Starts the next runnable item, if there is one and room for it. */
  #startOne(): boolean {
    if (this.#runnable.size === 0 || this.#calls.underWay >= this.#calls.limit || this.#heavy) return false
    const entry = this.#runnable.shift()
    this.#inLine--
    if (!this.#calls.start(entry.item, entry.place, entry.origin, entry.index, entry)) this.ahead = true
    return true
  }

  /** As many bytes wait, or are on their way, as may be; where the consumer has nothing to take, what it waits for may be still in line. */
  get #heavy(): boolean {
    const held = this.output.held - this.#inLine
    if (!this.output.ready() && this.#calls.underWay === 0) return false
    return held >= remotely(this.#remote) || this.#pace.full(held)
  }

  /** Takes the next item from above and puts it in line, if there is one and room for it. */
  #admitOne(): boolean {
    if (this.exhausted || this.dry || this.output.held >= this.#calls.limit + this.#buffer) return false
    if (this.#inLine > 0 && this.#inLine >= within(heldBytes, this.#sizes.items)) return false
    const item = this.up.poll()
    if (item === pending) this.dry = true
    if (item === end) this.exhausted = true
    if (item === end || item === pending) return false
    try {
      const key = this.#key(item)
      this.#sizes.items.note(item)
      const entry = { item, index: this.#entered++, key, place: this.output.begin(), origin: this.up.origin }
      this.#inLine++
      if (this.#lines.has(key)) this.#lineUp(entry)
      else {
        this.#lines.set(key, undefined)
        this.#runnable.push(entry)
      }
      return true
    } catch (error) {
      this.segment.run.fail(error, 'by')
      return false
    }
  }

  #lineUp(entry: Entry): void {
    let line = this.#lines.get(entry.key)
    if (!line) this.#lines.set(entry.key, (line = new Ring()))
    line.push(entry)
  }

  settled(place: number, entry: unknown, value: unknown, origin: Origin): void {
    const { key } = entry as Entry
    this.#sizes.results.note(value)
    this.output.put(place, value, origin)
    const line = this.#lines.get(key)
    if (line && line.size > 0) this.#runnable.push(line.shift())
    else this.#lines.delete(key)
  }
}
