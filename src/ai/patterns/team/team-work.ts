/** A supervisor's view of its team: its members, what is done, and what comes next. */
import type { Once } from '../once.ts'

/** A task that is over: with its result, or with its error. */
export type Settled =
  | { readonly id: string; readonly result: unknown; readonly error?: undefined }
  | { readonly id: string; readonly error: Error; readonly result?: undefined }

/** The argument of a plan that is a function: it plans while the members work. */
export interface TeamView {
  /** Names of the members. */
  readonly members: readonly string[]
  /** What is done so far, by id. */
  readonly results: ReadonlyMap<string, unknown>
  /** Aborts when the team is cancelled. */
  readonly signal: AbortSignal
  /** The next task that is over and was not given yet; undefined when none is under way. */
  next(): Promise<Settled | undefined>
  /** As `AgentTask.step`. */
  readonly step: Once
}

/** Tasks of a round as they settle, for a plan that is a function. */
export class TeamWork {
  readonly #settled: Settled[] = []
  /** Whether any task is under way. */
  readonly #isBusy: () => boolean
  #seen = false
  #wake: (() => void)[] = []

  constructor(isBusy: () => boolean) {
    this.#isBusy = isBusy
  }

  settled(settled: Settled): void {
    if (this.#seen) this.#settled.push(settled)
    this.rouse()
  }

  /** What is waited for may be there, or never come. */
  rouse(): void {
    const wake = this.#wake
    this.#wake = []
    for (const each of wake) each()
  }

  seenBy(members: readonly string[], results: ReadonlyMap<string, unknown>, step: Once, signal: AbortSignal): TeamView {
    this.#seen = true
    signal.addEventListener('abort', () => this.rouse(), { once: true })
    return { members, results, step, signal, next: () => this.#next(signal) }
  }

  async #next(signal: AbortSignal): Promise<Settled | undefined> {
    for (;;) {
      const next = this.#settled.shift()
      if (next || !this.#isBusy() || signal.aborted) return next
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }
}
