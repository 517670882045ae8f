/** Items that this thread has, divided by the partition of their keys. */
import { performance } from '../base/globals.js'
import { Partitions } from '../encoding/partitions.js'
import type { Scattered } from '../run/shapes.ts'
import { messageBytesMost, Sizes, within } from '../run/sizes.ts'
import { end } from '../run/source.ts'
import type { Segment } from './segment.ts'
import { pending, type Polled, Stage } from './stage.ts'

export interface ScatterHereSpec {
  readonly key: (item: unknown) => unknown
  /** The keys travel too: they are not a field of the items. */
  readonly keyed: boolean
  readonly partitions: number
  /** The first value of a key, where a plain function gives it. */
  readonly start: ((key: unknown) => unknown) | undefined
}

/** Items that travel together at most: enough that a message of 50 µs does not show. Chosen. */
const mostItems = 8_192

export class ScatterHere extends Stage<Scattered> {
  readonly #up: Stage
  readonly #spec: ScatterHereSpec
  readonly #sizes = new Sizes()
  readonly #seen = new Set<unknown>()
  #parts: Partitions
  #count = 0
  #block = 0
  #exhausted = false

  constructor(segment: Segment, up: Stage, spec: ScatterHereSpec) {
    super(segment)
    this.#up = up.feed(this)
    this.#spec = spec
    this.#parts = new Partitions(spec.partitions, spec.keyed)
  }

  /** What has arrived goes on at once when nothing more is there: workers that are busy collect it in their lines. */
  poll(): Polled<Scattered> {
    while (!this.#exhausted && this.#count < Math.min(mostItems, within(messageBytesMost, this.#sizes))) {
      if (this.segment.stopped) return this.wait()
      const item = this.#up.poll()
      if (item === pending) {
        if (this.#count > 0) break
        return this.wait()
      }
      if (item === end) this.#exhausted = true
      else if (!this.#add(item)) return this.wait()
    }
    return this.#count > 0 ? this.#give() : end
  }

  #add(item: unknown): boolean {
    try {
      const { key: keyOf, start } = this.#spec
      const key = keyOf(item)
      const part = this.#parts.add(key, item)
      if (start && !this.#seen.has(key)) {
        this.#seen.add(key)
        part.starts.push(start(key))
      }
      this.#sizes.note(item)
      this.#count++
      return true
    } catch (error) {
      this.segment.run.fail(error, 'by')
      return false
    }
  }

  #give(): Scattered {
    const began = performance.now()
    const chunks = this.#parts.chunks(this.#block++)
    this.#parts = new Partitions(this.#spec.partitions, this.#spec.keyed)
    const count = this.#count
    this.#count = 0
    return { chunks, count, ms: performance.now() - began }
  }

  wake(): void {
    this.notify()
  }
}
