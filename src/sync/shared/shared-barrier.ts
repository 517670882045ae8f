import { type Duration, durationMs } from '../../base/duration.ts'
import { InvalidOption } from '../../base/errors.ts'
import { checkOptions, checkValue, rules } from '../../base/options.ts'
import { throwIfAborted, type WaitOptions, waitRules } from '../wait-queue.ts'
import { knownMemory, newMemory } from './memory.ts'
import { blockedTooLong, type Cells, runBlocking, runWaiting } from './hold.ts'
import { arrive, partiesAtMost } from './steps.ts'

const label = 'a shared barrier'

/**
 * Holds flows back until `parties` of them have arrived, on all threads that share its memory, then lets all go; and again
 * for the next round. A flow that stops waiting, by timeout or signal, has not arrived.
 */
export class SharedBarrier {
  /** Hand this to other threads, as an argument or inside one. */
  readonly shared: SharedArrayBuffer
  readonly #cells: Cells

  /** @param parties a whole number from 1 to 65,535, or the memory of another barrier */
  constructor(parties: number | SharedArrayBuffer) {
    if (typeof parties === 'object' && parties !== null) this.#cells = knownMemory('SharedBarrier', parties)
    else {
      checkValue(Number.isFinite(parties) ? parties : 0, rules.whole(1), 'parties')
      if (parties > partiesAtMost) throw new InvalidOption(`Expected \`parties\` to be at most ${partiesAtMost}, got ${parties}`)
      this.#cells = newMemory('SharedBarrier', parties, 0)
    }
    this.shared = this.#cells.buffer
  }

  /** The same barrier on another thread. @throws {InvalidOption} when the memory is not a barrier */
  static from(shared: SharedArrayBuffer): SharedBarrier {
    return new SharedBarrier(knownMemory('SharedBarrier', shared).buffer)
  }

  get parties(): number {
    return this.#cells[1] as number
  }

  /**
   * Arrives, and waits for the others without blocking the event loop. Gives true to exactly one of them, the last to arrive.
   * @throws {TimedOut} @throws {Cancelled}
   */
  async wait(options: WaitOptions = {}): Promise<boolean> {
    checkOptions<WaitOptions>(options, waitRules, 'wait')
    throwIfAborted(options, label)
    const arrival = await runWaiting(arrive(this.parties), this.#cells, options, label, (what) => what === 'gone')
    return arrival === 'last'
  }

  /** Arrives, and blocks the thread until the others have; not for the main thread. @throws {TimedOut} */
  waitSync(options: { readonly timeout?: Duration } = {}): boolean {
    checkOptions(options, { timeout: waitRules.timeout }, 'waitSync')
    const limitMs = options.timeout === undefined ? Number.POSITIVE_INFINITY : durationMs(options.timeout, 'timeout')
    const arrival = runBlocking(arrive(this.parties), this.#cells, limitMs)
    if (arrival === 'gone') throw blockedTooLong(label, limitMs)
    return arrival === 'last'
  }
}
