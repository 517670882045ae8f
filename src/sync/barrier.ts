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
 * Holds flows back until `parties` of them have arrived, then lets all go at once; and again for the next round. A flow that
 * stops waiting, by timeout or signal, has not arrived.
 *
 * @param parties a whole number from 1 up
 */
export class Barrier {
  readonly name: string | undefined
  readonly parties: number
  readonly #arrived: OpenLine<boolean>

  constructor(parties: number, options: NameOptions = {}) {
    checkValue(parties ?? 0, rules.whole(1), 'parties')
    checkOptions<NameOptions>(options, nameRules, 'Barrier')
    this.parties = parties
    this.name = options.name
    this.#arrived = new OpenLine(() => labelOf('barrier', options.name))
  }

  /** How many have arrived in this round. */
  get waiting(): number {
    return this.#arrived.length
  }

  /**
   * Arrives, and waits for the others. Gives true to exactly one of them, the last to arrive.
   * @throws {TimedOut} @throws {Cancelled}
   */
  async wait(options: WaitOptions = {}): Promise<boolean> {
    checkOptions<WaitOptions>(options, waitRules, 'wait')
    const arrived = this.#arrived
    throwIfAborted(options, arrived.label())
    if (arrived.length + 1 < this.parties) return await arrived.join(new Waiter<boolean>(arrived), options)
    for (let waiter = arrived.head; waiter; waiter = arrived.head) arrived.serve(waiter, false)
    return true
  }
}
