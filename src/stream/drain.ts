import { end } from '../run/source.ts'
import type { StreamRun } from './stream-run.ts'
import { type Downstream, pending, type Stage } from './stage.ts'

/** The bottom of a pipeline that is read to its end, or until `accept` has seen enough. */
export class Drain implements Downstream {
  readonly #run: StreamRun
  readonly #up: Stage
  readonly #accept: (item: unknown) => boolean

  /** @param accept gets every item; true ends the run */
  constructor(run: StreamRun, up: Stage, accept: (item: unknown) => boolean) {
    this.#run = run
    this.#up = up.feed(this)
    this.#accept = accept
  }

  wake(): void {
    for (;;) {
      const item = this.#up.poll()
      if (item === pending) return
      if (item === end) return this.#run.finish()
      if (this.#accept(item)) {
        this.#up.segment.stop()
        return this.#run.finish()
      }
    }
  }
}
