import { clearInterval, setInterval } from '../../base/globals.js'
import { TraceEncoder } from '../format/encode.ts'
import type { Recorder } from './recorder.ts'

/** How often it is brought up to date: what a crash may cost a file, and how old a page may be. */
const everyMs = 250

/** Takes the blocks of a recording, in order. */
export type TraceSink = (blocks: readonly Uint8Array[]) => void

/** A live recording as blocks, a few times a second, to all who take them: a file, a page. They cost the same for one as for many. */
export class TraceStream {
  readonly #recorder: Recorder
  readonly #encoder = new TraceEncoder()
  readonly #sinks: readonly TraceSink[]
  readonly #timer: NodeJS.Timeout
  readonly #mayForget: () => boolean

  /** @param mayForget whether the recorder need not keep the task rows that were handed over */
  constructor(recorder: Recorder, sinks: readonly TraceSink[], mayForget = () => false) {
    this.#mayForget = mayForget
    this.#recorder = recorder
    this.#sinks = sinks
    this.#send(this.#encoder.begin(recorder.meta()))
    this.flush()
    this.#timer = setInterval(() => this.flush(), everyMs).unref()
  }

  /** Hands over what has come since the last time. */
  flush(): void {
    this.#send(this.#encoder.next(this.#recorder.written(), this.#recorder.changes()))
    if (this.#mayForget()) this.#encoder.forgotten(this.#recorder.spill())
  }

  /** Sends the end; the recorder must have ended. */
  close(): void {
    clearInterval(this.#timer)
    this.#send(this.#encoder.end(this.#recorder.written(), this.#recorder.changes()))
  }

  #send(blocks: readonly Uint8Array[]): void {
    if (blocks.length > 0) for (const sink of this.#sinks) sink(blocks)
  }
}
