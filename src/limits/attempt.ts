import { Cancellation } from '../base/abort.ts'
import type { TaskContext } from '../base/frame.ts'

/** One attempt at a call: the context that the function sees, with a cancellation of its own. */
export class Attempt implements TaskContext {
  /** Aborts with the call, and when the attempt's `timeout` runs out. */
  readonly cancellation = new Cancellation()
  readonly index: number
  readonly attempt: number
  readonly deadline: number

  constructor(index: number, attempt: number, deadline: number) {
    this.index = index
    this.attempt = attempt
    this.deadline = deadline
  }

  /** Made only when the function asks for it. */
  get signal(): AbortSignal {
    return this.cancellation.signal
  }
}
