import { Cancelled } from '../base/errors.ts'

/**
 * Counts answers until the outcome is decided: enough came, fewer than that can still come, or time is up. What comes after the
 * decision changes nothing. Pure.
 */
export class Quorum<T> {
  /** By target; undefined where nothing came before the decision. */
  readonly outcomes: (PromiseSettledResult<T> | undefined)[]
  answers = 0
  firstFailure: { readonly error: unknown } | undefined
  readonly #size: number
  readonly #enough: number | undefined
  #failures = 0
  #reason: Error | undefined

  /** @param enough undefined: decided when everybody has answered or failed */
  constructor(size: number, enough: number | undefined) {
    this.#size = size
    this.#enough = enough
    this.outcomes = Array.from({ length: size })
    this.#judge()
  }

  get decided(): boolean {
    return this.#reason !== undefined
  }

  /** Why no more answers are needed; only when decided. */
  get reason(): Error {
    return this.#reason as Error
  }

  /** The answers by target, for partial results. */
  get results(): (T | undefined)[] {
    return this.outcomes.map((outcome) => (outcome?.status === 'fulfilled' ? outcome.value : undefined))
  }

  succeed(index: number, value: T): void {
    if (this.decided) return
    this.outcomes[index] = { status: 'fulfilled', value }
    this.answers++
    this.#judge()
  }

  fail(index: number, reason: unknown): void {
    if (this.decided) return
    this.outcomes[index] = { status: 'rejected', reason }
    this.#failures++
    this.firstFailure ??= { error: reason }
    this.#judge()
  }

  /** Nothing counts from here on. */
  close(reason: Error): void {
    this.#reason ??= reason
  }

  #judge(): void {
    const possible = this.#size - this.#failures
    if (this.#enough !== undefined && this.answers >= this.#enough) {
      this.close(new Cancelled(`not needed any more: ${this.answers} of ${this.#size} had answered`))
    } else if (this.#enough !== undefined && possible < this.#enough) {
      this.close(new Cancelled(`only ${possible} of ${this.#size} could still answer`))
    } else if (this.answers === possible) this.close(new Cancelled('all targets have settled'))
  }
}
