import { clearTimeout, performance, setImmediate, setTimeout } from './globals.js'

/**
 * Time as the rest of heddle sees it. State machines never read the machine's clock themselves: they are handed
 * a {@link Clock}, so that tests run hours of seeded time without sleeping.
 */
import { Heap } from './heap.ts'

export interface Clock {
  /** Milliseconds on a clock that never goes back. Zero is arbitrary. */
  now(): number
  /** Calls `run` once after `ms`; gives a handle for {@link Clock.cancel}. Keeps the process alive until then. */
  schedule(ms: number, run: () => void): TimerHandle
  cancel(timer: TimerHandle): void
}

export type TimerHandle = unknown

/** Node fires a longer timer at once. */
const longestTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => performance.now(),
  schedule(ms, run) {
    const timer: { id: NodeJS.Timeout | undefined } = { id: undefined }
    const wait = (left: number): void => {
      timer.id = setTimeout(() => (left > longestTimerMs ? wait(left - longestTimerMs) : run()), Math.min(left, longestTimerMs))
    }
    if (ms !== Number.POSITIVE_INFINITY) wait(ms)
    return timer
  },
  cancel(timer) {
    clearTimeout((timer as { id: NodeJS.Timeout | undefined }).id)
  },
}

interface Entry {
  readonly at: number
  readonly order: number
  /** Undefined when it was cancelled, or has fired. */
  run: (() => void) | undefined
}

/**
 * A clock that stands still until it is moved: for tests and simulations. Timers due at the same time fire in the
 * order in which they were set.
 */
export class SimulatedClock implements Clock {
  #now = 0
  #order = 0
  /** Cancelled ones stay until they come up. */
  readonly #timers = new Heap<Entry>((a, b) => a.at < b.at || (a.at === b.at && a.order < b.order))
  #pending = 0

  now(): number {
    return this.#now
  }

  schedule(ms: number, run: () => void): TimerHandle {
    const entry: Entry = { at: this.#now + Math.max(0, ms), order: this.#order++, run }
    if (ms === Number.POSITIVE_INFINITY) return entry
    this.#timers.push(entry)
    this.#pending++
    return entry
  }

  cancel(timer: TimerHandle): void {
    const entry = timer as Entry
    if (entry.run && entry.at !== Number.POSITIVE_INFINITY) this.#pending--
    entry.run = undefined
  }

  /** When the next timer is due, or undefined while none is set. */
  get nextAt(): number | undefined {
    return this.#next()?.at
  }

  get pending(): number {
    return this.#pending
  }

  /** Moves to the next timer and fires it; false while none is set. */
  step(): boolean {
    const next = this.#next()
    if (!next) return false
    const { run } = next
    this.#timers.pop()
    this.#pending--
    next.run = undefined
    this.#now = Math.max(this.#now, next.at)
    run?.()
    return true
  }

  /** Moves by `ms`, firing every timer that falls due, and lets promises settle in between. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    await settleMicrotasks()
    for (let next = this.#next(); next && next.at <= until; next = this.#next()) {
      this.step()
      await settleMicrotasks()
    }
    this.#now = until
  }

  #next(): Entry | undefined {
    while (this.#timers.top && !this.#timers.top.run) this.#timers.pop()
    return this.#timers.top
  }
}

function settleMicrotasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
