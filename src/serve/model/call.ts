/** One call of a model: what waits, and what is settled once. */
import type { Answer } from '../served.ts'
import type { Waiting } from '../queue/fair-queue.ts'

export interface CallSettings {
  readonly item: unknown
  readonly tokens: number
  readonly tenant: string
  readonly priority: number
  readonly arrivedAtMs: number
  /** Gets the parts, where it is to be written part by part. */
  readonly onPart: ((part: unknown) => void) | undefined
}

export class Call implements Waiting {
  readonly item: unknown
  readonly tokens: number
  readonly tenant: string
  readonly priority: number
  readonly arrivedAtMs: number
  readonly onPart: ((part: unknown) => void) | undefined
  readonly answer: Promise<Answer<unknown>>
  /** When it was first given to a replica. */
  startedAtMs: number | undefined
  /** Replicas that died under it. */
  crashes = 0
  /** Tries under way. */
  tries = 0
  /** Of a stream at a replica: the reader has taken so many parts. */
  more: ((parts: number) => void) | undefined
  /** Some of the answer has been given: it cannot begin anew. */
  begun = false
  alone: boolean
  settled = false
  /** Undoes what waits for the call's end: its timer and its signals. */
  readonly onSettled: (() => void)[] = []
  readonly #resolve: (answer: Answer<unknown>) => void
  readonly #reject: (error: unknown) => void

  constructor(settings: CallSettings) {
    this.item = settings.item
    this.tokens = settings.tokens
    this.tenant = settings.tenant
    this.priority = settings.priority
    this.arrivedAtMs = settings.arrivedAtMs
    this.onPart = settings.onPart
    this.alone = settings.onPart !== undefined
    let resolve: (answer: Answer<unknown>) => void = () => {}
    let reject: (error: unknown) => void = () => {}
    this.answer = new Promise((yes, no) => ([resolve, reject] = [yes, no]))
    // Whoever streams may look at the parts only.
    this.answer.catch(() => {})
    this.#resolve = resolve
    this.#reject = reject
  }

  /** False when it was settled before. */
  succeed(answer: Answer<unknown>): boolean {
    if (this.settled) return false
    this.#end()
    this.#resolve(answer)
    return true
  }

  /** False when it was settled before. */
  fail(error: unknown): boolean {
    if (this.settled) return false
    this.#end()
    this.#reject(error)
    return true
  }

  #end(): void {
    this.settled = true
    for (const run of this.onSettled.splice(0)) run()
  }
}
