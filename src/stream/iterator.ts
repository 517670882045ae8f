import { type Awaited, currentFrame, enterFrame, type Frame } from '../base/frame.ts'
import { Ring } from '../base/ring.ts'
import { snapshot } from '../base/snapshot.ts'
import { Suspension } from '../base/wait-graph.ts'
import { end } from '../run/source.ts'
import type { StreamRun } from './stream-run.ts'
import { type Downstream, pending, type Stage } from './stage.ts'

type Result = IteratorResult<unknown, undefined>

interface Opened {
  readonly run: StreamRun
  readonly up: Stage
}

const done: Result = { done: true, value: undefined }

/** What the reader awaits at the moment: an answer, or nothing of ours. */
class Reading implements Awaited {
  /** As long as more may be read. */
  open = true
  readonly #reader: Frame
  readonly #requests: Ring<Suspension<Result>>

  constructor(reader: Frame, requests: Ring<Suspension<Result>>) {
    this.#reader = reader
    this.#requests = requests
  }

  get #asked(): Suspension<Result> | undefined {
    return this.#requests.head
  }

  get notBy(): Frame | undefined {
    return this.#asked ? this.#asked.notBy : this.#reader
  }

  get amongOthersBy(): readonly Frame[] {
    return this.#asked?.amongOthersBy ?? []
  }

  askWhoAwaits(): void {
    this.#asked?.askWhoAwaits()
  }
}

/**
 * The bottom of a pipeline that is read with `for await`: an item moves only when it is asked for. `return`, which a `break`
 * calls, stops the run, and resolves when nothing of it is under way any more.
 */
export class StreamIterator implements AsyncIterator<unknown, undefined>, Downstream {
  readonly #open: () => Opened
  /** The context of whoever made the iterator: the first to read may be another, such as a socket that is being drained. */
  readonly #around = snapshot()
  #opened: Opened | undefined
  /** Asked for and not answered, oldest first. */
  readonly #requests = new Ring<Suspension<Result>>()
  #reading: Reading | undefined
  /** Resolves when nothing of the run is under way; never rejects. */
  #over: Promise<void> | undefined
  /** Why the run failed, until a caller has got it. */
  #failure: { readonly error: unknown } | undefined
  #ended = false

  /** @param open begins the run, when the first item is asked for */
  constructor(open: () => Opened) {
    this.#open = open
  }

  next(): Promise<Result> {
    const request = new Suspension<Result>(currentFrame())
    this.#requests.push(request)
    if (!this.#opened && !this.#ended) this.#begin()
    if (this.#ended) this.#answerRest()
    else this.#opened?.run.enter(() => this.wake())
    return request.promise
  }

  async return(): Promise<Result> {
    this.#ended = true
    if (!this.#opened) return done
    this.#opened.up.segment.stop()
    this.#opened.run.finish()
    await this.#over
    this.#answerRest()
    if (this.#failure) throw this.#takeFailure()
    return done
  }

  wake(): void {
    while (this.#requests.size > 0 && this.#opened && !this.#ended && !this.#opened.run.group.aborted) {
      const item = this.#opened.up.poll()
      if (item === pending) return
      if (item === end) return this.#opened.run.finish()
      this.#requests.shift().settle({ done: false, value: item })
    }
  }

  #begin(): void {
    try {
      const frame = currentFrame()
      this.#opened = this.#around(() => enterFrame(frame, this.#open))
      this.#opened.up.feed(this)
      this.#reading = new Reading(currentFrame(), this.#requests)
      this.#over = this.#opened.run.settle(this.#reading).then(
        () => this.#end(),
        (error: unknown) => this.#end({ error }),
      )
    } catch (error) {
      this.#end({ error })
    }
  }

  #end(failure?: { readonly error: unknown }): void {
    this.#failure = failure
    this.#ended = true
    if (this.#reading) this.#reading.open = false
    this.#answerRest()
  }

  /** The first to ask gets the failure; for all others the stream is just over. */
  #answerRest(): void {
    while (this.#requests.size > 0) {
      const request = this.#requests.shift()
      if (this.#failure) request.fail(this.#takeFailure())
      else request.settle(done)
    }
  }

  #takeFailure(): unknown {
    const error = this.#failure?.error
    this.#failure = undefined
    return error
  }
}
