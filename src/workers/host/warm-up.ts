/** Work without items: a worker that has answered it has loaded the module. */
import { Cancellation } from '../../base/abort.ts'
import type { JobWork } from './job.ts'

export class WarmUp implements JobWork {
  readonly spread = false
  readonly run = 0
  readonly timeoutMs = undefined
  readonly deadline = Number.POSITIVE_INFINITY
  readonly observed = false
  readonly cancellation = new Cancellation()
  readonly done: Promise<void>
  #over = false
  #resolve!: () => void
  #reject!: (error: unknown) => void

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  fail(_index: number, error: unknown): void {
    this.#over = true
    this.#reject(error)
  }

  finished(): void {
    this.#over = true
    this.#resolve()
  }

  /** Nobody waits any more; false when it is over already. */
  giveUp(reason: unknown): boolean {
    if (this.#over) return false
    this.fail(-1, reason)
    return true
  }

  remaining(): number {
    return 0
  }

  take(): undefined {
    return undefined
  }

  exhausted(): boolean {
    return true
  }

  onMore(): void {}

  succeed(): void {}

  skip(): void {}
}
