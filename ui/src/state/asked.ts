/** Answers that follow their question: asked again when it changes, one at a time, the newest last. */
import { effect, signal, untracked, type ReadonlySignal } from '@preact/signals'
import { whenQuiet } from './quiet.ts'

export interface Asked<A> {
  /** The newest answer; stays while a newer one is under way. */
  readonly value: ReadonlySignal<A | undefined>
  /** What the last question failed with. */
  readonly error: ReadonlySignal<Error | undefined>
  /** True while an answer is under way. */
  readonly busy: ReadonlySignal<boolean>
  /** Asks no more. */
  stop(): void
}

/** What a question is asked at, and what an answer is of: a state of the recording. */
interface Versioned {
  readonly version: number
}

/**
 * @param question tracked: whatever signals it reads make it ask again; undefined asks nothing and forgets the answer
 * @param pauseMs how long to rest after an answer, given how long it took: a question that is dear must not be asked without end
 * @param known the answer to the first question, where it is there already
 */
export function asked<Q extends Versioned, A extends Versioned>(
  question: () => Q | undefined,
  ask: (question: Q) => Promise<A>,
  pauseMs: (tookMs: number) => number = () => 0,
  known?: A,
): Asked<A> {
  const value = signal<A | undefined>(known)
  const error = signal<Error | undefined>(undefined)
  const busy = signal(false)
  let wanted: { readonly question: Q } | undefined
  let running = false
  /** The question of the newest answer. */
  let last: Q | undefined
  /** Nobody wants to know any more. */
  let forgotten = false
  /** Waits no longer for silence to ask again: there is a newer answer. */
  let unwatch = (): void => undefined

  const run = async (): Promise<void> => {
    running = true
    while (wanted) {
      const { question } = wanted
      wanted = undefined
      busy.value = true
      const start = performance.now()
      try {
        const answer = await ask(question)
        // The same answer again would paint everything again.
        const same = question === last && answer.version === value.peek()?.version
        if (!forgotten && !same) value.value = answer
        last = question
        error.value = undefined
        unwatch()
        if (answer.version < question.version) unwatch = whenQuiet(() => again(question))
      } catch (thrown) {
        error.value = thrown instanceof Error ? thrown : new Error(String(thrown))
      }
      busy.value = wanted !== undefined
      const pause = pauseMs(performance.now() - start)
      if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause))
    }
    running = false
  }

  /** Asks for a newer answer, unless something else is asked meanwhile. */
  const again = (question: Q): void => {
    if (forgotten || wanted || question !== last) return
    wanted = { question }
    if (!running) void run()
  }

  const dispose = effect(() => {
    const next = question()
    untracked(() => {
      forgotten = next === undefined
      if (next === undefined) {
        wanted = undefined
        value.value = undefined
        error.value = undefined
        return
      }
      if (known !== undefined) {
        known = undefined
        return
      }
      wanted = { question: next }
      if (!running) void run()
    })
  })
  return {
    value,
    error,
    busy,
    stop() {
      dispose()
      unwatch()
      forgotten = true
      wanted = undefined
    },
  }
}
