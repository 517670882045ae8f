import { checkOptions, checkValue, rules } from '../base/options.ts'
import {
  labelOf,
  type NameOptions,
  nameRules,
  OpenLine,
  throwIfAborted,
  Waiter,
  type WaitOptions,
  waitRules,
} from './wait-queue.ts'

/**
 * A door that opens once, when it has been counted down to zero, and stays open.
 *
 * @param count a whole number from 0 up
 */
export class Latch {
  readonly name: string | undefined
  #count: number
  readonly #waiting: OpenLine<void>

  constructor(count: number, options: NameOptions = {}) {
    checkValue(count ?? -1, rules.whole(0), 'count')
    checkOptions<NameOptions>(options, nameRules, 'Latch')
    this.name = options.name
    this.#count = count
    this.#waiting = new OpenLine(() => labelOf('latch', options.name))
  }

  /** How much is left to count. */
  get count(): number {
    return this.#count
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Counts down by `by`, not below zero. */
  countDown(by = 1): void {
    checkValue(by ?? 0, rules.whole(1), 'by')
    this.#count = Math.max(0, this.#count - by)
    const waiting = this.#waiting
    if (this.#count === 0) for (let waiter = waiting.head; waiter; waiter = waiting.head) waiting.serve(waiter, undefined)
  }

  /** Waits until the count is zero. @throws {TimedOut} @throws {Cancelled} */
  async wait(options: WaitOptions = {}): Promise<void> {
    checkOptions<WaitOptions>(options, waitRules, 'wait')
    throwIfAborted(options, this.#waiting.label())
    if (this.#count > 0) await this.#waiting.join(new Waiter<void>(this.#waiting), options)
  }
}
