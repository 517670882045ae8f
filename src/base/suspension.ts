/**
 * A promise that can be asked who awaits it. V8 follows the awaits upwards, through async functions, `then`, `Promise.all` and
 * `Promise.race`, when it renders the stack of an async function that was just resumed. So a {@link Suspension} waits in an
 * async function, and a question resumes that function just to look at its own stack.
 */
import { stackHere } from './stack.ts'
import type { Awaited, Frame } from './frame.ts'

/**
 * Give {@link promise} away without a detour through `new Promise`, or the trail of awaits ends there. The first of
 * {@link settle} and {@link fail} counts.
 */
export class Suspension<T> implements Awaited {
  readonly promise: Promise<T>
  notBy: Frame | undefined = undefined
  amongOthersBy: readonly Frame[] = []
  readonly #from: Frame
  #outcome: { readonly value: T } | { readonly error: unknown } | undefined
  #wake: () => void = () => {}

  /** @param from the frame whose code awaits the promise, or hands it on to those above */
  constructor(from: Frame) {
    this.#from = from
    this.promise = this.#run()
  }

  get open(): boolean {
    return this.#outcome === undefined
  }

  /** False when it was over. */
  settle(value: T): boolean {
    return this.#end({ value })
  }

  /** False when it was over. */
  fail(error: unknown): boolean {
    return this.#end({ error })
  }

  /** It is over, and nobody needs the promise any more: it stays pending until it is collected. */
  abandon(): void {
    if (this.#outcome) return
    this.#outcome = { error: undefined }
    this.ended()
  }

  /** The answer is there a few microtasks later. */
  askWhoAwaits(): void {
    this.#wake()
  }

  /** Called once, at the end. */
  protected ended(): void {}

  #end(outcome: { readonly value: T } | { readonly error: unknown }): boolean {
    if (this.#outcome) return false
    this.#outcome = outcome
    this.ended()
    this.#wake()
    return true
  }

  async #run(): Promise<T> {
    while (true) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      const outcome = this.#outcome
      if (!outcome) this.#look()
      else if ('error' in outcome) throw outcome.error
      else return outcome.value
    }
  }

  /** Follows the bodies of the frames up the stack, as far as they have a name. */
  #look(): void {
    const among: Frame[] = []
    let lines = asyncStack()
    let frame: Frame | undefined = this.#from
    for (; frame?.body !== undefined; frame = frame.parent) {
      const { body } = frame
      const at = lines.findIndex((line) => namesFunction(line, body))
      if (at < 0) break
      if (lines.slice(0, at).some((line) => combinator.test(line))) among.push(frame)
      lines = lines.slice(at + 1)
    }
    this.notBy = frame?.body === undefined ? undefined : frame
    this.amongOthersBy = among
  }
}

let supported: Promise<boolean> | undefined

/** False on engines that do not show who awaits, and when async stack traces are switched off. */
export function showsAwaits(): Promise<boolean> {
  return (supported ??= (async function check(): Promise<boolean> {
    const inner = async (): Promise<boolean> => {
      await undefined
      return asyncStack().some((line) => namesFunction(line, 'check'))
    }
    return await inner()
  })())
}

function asyncStack(): string[] {
  const stack = stackHere(Number.POSITIVE_INFINITY, false)
  return stack.split('\n').filter((line) => /^\s*at async /.test(line))
}

const combinator = /^\s*at async Promise\.\w+ \(index /

/** `at async runTask (…)`, `at async Lanes.run (…)`, `at async #bareLane (…)`. */
function namesFunction(line: string, name: string): boolean {
  const called = /^\s*at async (\S+)/.exec(line)?.[1] ?? ''
  return called === name || called.endsWith(`.${name}`)
}
