/**
 * Whether a model has shown that it takes requests at all. A dead key refuses every request, and a pool that begins by sending it dozens wastes dozens. So
 * the first request goes alone; the others follow when it is answered, or when nothing was heard for a while: a key is refused within
 * a second, and an answer may take minutes.
 *
 *     unproven ──enter──▶ asked ──proven, or patience has passed──▶ proven
 *         ▲                 │
 *         └──── failed ─────┘
 */
import { setImmediate } from '../../base/globals.js'
import { Cancellation, cancelled } from '../../base/abort.ts'
import { systemClock, type TimerHandle } from '../../base/clock.ts'

/** How long the others wait for the first. Chosen: providers refuse a key within a second. */
const patienceMs = 2_000

interface Waiter {
  readonly go: () => void
  readonly refuse: (reason: Error) => void
}

export class Proof {
  #state: 'unproven' | 'asked' | 'proven'
  #timer: TimerHandle | undefined
  readonly #waiters = new Set<Waiter>()

  /** @param needed false where there is no other model that the requests could go to */
  constructor(needed: boolean) {
    this.#state = needed ? 'unproven' : 'proven'
  }

  /** Whether a request may be sent now. */
  get open(): boolean {
    return this.#state !== 'asked'
  }

  /** Whether requests may be sent side by side. */
  get given(): boolean {
    return this.#state === 'proven'
  }

  /** A request is to be sent. Gives true when it is the one that the others wait for: then {@link failed} or {@link prove} must follow. */
  enter(): boolean {
    if (this.#state !== 'unproven') return false
    this.#state = 'asked'
    this.#timer = systemClock.schedule(patienceMs, () => this.prove())
    return true
  }

  /** It takes requests: it has answered, or has understood one. */
  prove(): void {
    this.#stop()
    this.#state = 'proven'
    for (const waiter of this.#waiters) waiter.go()
  }

  /** The first request is over, and nobody knows more than before. The next one goes when what the failure means has been said: perhaps none does. */
  failed(): void {
    if (this.#state !== 'asked') return
    this.#stop()
    setImmediate(() => {
      if (this.#state !== 'asked' || this.#timer !== undefined) return
      this.#state = 'unproven'
      const [next] = this.#waiters
      next?.go()
    })
  }

  /** Sends away those that wait. */
  refuse(reason: Error): void {
    for (const waiter of this.#waiters) waiter.refuse(reason)
  }

  /** Waits until a request may be sent, and enters. @throws {Error} the reason of {@link refuse}; `Cancelled` */
  async turn(signal: AbortSignal): Promise<boolean> {
    while (!this.open) await this.#wait(signal)
    return this.enter()
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        go: () => {
          leave()
          resolve()
        },
        refuse: (reason) => {
          leave()
          reject(reason)
        },
      }
      const unlink = Cancellation.of(signal)?.subscribe((reason) => waiter.refuse(cancelled(reason, 'The call')))
      const leave = (): void => {
        this.#waiters.delete(waiter)
        unlink?.()
      }
      this.#waiters.add(waiter)
    })
  }

  #stop(): void {
    if (this.#timer !== undefined) systemClock.cancel(this.#timer)
    this.#timer = undefined
  }
}
