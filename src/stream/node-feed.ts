import type { Readable } from 'node:stream'
import { lazily } from '../base/builtin.js'
import { peek } from '../base/look.js'
import { end } from '../run/source.ts'
import type { Segment } from './segment.ts'
import { type Polled, Stage } from './stage.ts'

const nodeStream = lazily('node:stream')

/**
 * A readable stream of Node's, read in its paused mode, so that its own buffer is what bounds it. Destroyed when the pipeline
 * stops early, also while it waits for data, which its async iterator could not do.
 */
export class NodeFeed extends Stage {
  readonly #readable: Readable
  readonly #onReadable = (): void => this.segment.run.enter(() => this.notify())
  readonly #resume = (): void => this.notify()
  #ended = false

  constructor(segment: Segment, readable: Readable) {
    super(segment)
    this.#readable = readable
    readable.on('readable', this.#onReadable)
    const forget = nodeStream().finished(readable, { writable: false }, (error) => this.#over(error))
    segment.onStop(() => {
      forget()
      readable.off('readable', this.#onReadable)
      // An error that comes after nobody listens any more would end the process.
      readable.on('error', () => {})
      readable.destroy()
    })
  }

  poll(): Polled<unknown> {
    const { segment } = this
    if (segment.stopped || segment.run.outOfBreath(this.#resume)) return this.wait()
    const chunk: unknown = this.#readable.read()
    if (chunk !== null) return chunk
    return this.#ended ? end : this.wait()
  }

  #over(error: Error | null | undefined): void {
    this.#ended = true
    this.#readable.off('readable', this.#onReadable)
    if (this.segment.stopped) return
    this.segment.run.enter(() => {
      if (error) this.segment.run.fail(error, 'source')
      else this.notify()
    })
  }

  wake(): void {}
}

export function isReadable(input: unknown): input is Readable {
  return ['read', 'on', 'pipe', 'destroy'].every((method) => typeof peek(input, method) === 'function')
}
