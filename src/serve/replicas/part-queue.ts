/** The parts of one answer on their way to a reader, who may be slow or leave. */
import { Cancellation } from '../../base/abort.ts'
import { Cancelled, Overflow } from '../../base/errors.ts'
import type { Call } from '../model/call.ts'
import type { StreamedAnswer } from '../served.ts'

/** The replica hears of what was taken this often. */
const acknowledgeEvery = 16
/** Parts that are kept for a loop that has not begun, while somebody waits for the whole answer; chosen. */
const mostUnread = 65_536

type End = { readonly error: unknown } | 'whole'

export class PartQueue {
  /** Of the reader that leaves. */
  readonly cancellation = new Cancellation()
  readonly #parts: unknown[] = []
  #taken = 0
  #wake: (() => void) | undefined
  #end: End | undefined
  #call: Call | undefined
  /** A loop has begun: it says how fast parts come. */
  #reading = false
  /** Somebody waits for the whole answer, which must not wait for a loop that may never begin. */
  #flowing = false
  #dropped = false

  push(part: unknown): void {
    if (this.#flowing && !this.#reading) {
      this.#take()
      this.#dropped ||= this.#parts.length >= mostUnread
      if (this.#dropped) return
    }
    this.#parts.push(part)
    this.#wake?.()
  }

  #take(): void {
    if (++this.#taken % acknowledgeEvery === 0) this.#call?.more?.(acknowledgeEvery)
  }

  #flow(): void {
    if (this.#flowing || this.#reading) return
    this.#flowing = true
    for (let i = 0; i < this.#parts.length; i++) this.#take()
  }

  /** What the reader gets of a call. */
  follow(call: Call): StreamedAnswer<unknown, unknown> {
    this.#call = call
    const finish = (end: End): void => {
      this.#end = end
      this.#wake?.()
    }
    call.answer.then(
      () => finish('whole'),
      (error: unknown) => finish({ error }),
    )
    const flow = (): void => this.#flow()
    return {
      get answer() {
        flow()
        return call.answer
      },
      [Symbol.asyncIterator]: () => this.#read(),
    }
  }

  async *#read(): AsyncGenerator<unknown, void, undefined> {
    if (this.#dropped)
      throw new Overflow(`More than ${mostUnread} parts came before the loop over them began`, {
        hint: 'Begin the loop before you wait for `answer`.',
      })
    // What has been acknowledged without a loop is not acknowledged again.
    let known = this.#flowing ? this.#parts.length : 0
    this.#reading = true
    try {
      for (;;) {
        if (this.#parts.length > 0) {
          yield this.#parts.shift()
          if (known > 0) known--
          else this.#take()
        } else if (this.#end === undefined) await new Promise<void>((resolve) => (this.#wake = resolve))
        else if (this.#end === 'whole') return
        else throw this.#end.error
      }
    } finally {
      this.cancellation.abort(new Cancelled('The reader of the answer has left'))
    }
  }
}
