/**
 * Cancellation without leaks.
 *
 * Inside heddle it travels through {@link Cancellation} nodes, not through AbortSignals: Node's signals keep their
 * listeners in a list that every add and remove walks (10,000 concurrent scopes on one signal would take 10⁸ steps), and
 * `AbortSignal.any` on one long-lived signal grows without end (measured: 1 M times, 39 → 284 MB). A real signal is made
 * only when somebody asks for it, and a signal that a user passes in gets one listener, however many runs share it.
 */
import { clearTimeout, setTimeout } from './globals.js'
import { lazily } from './builtin.js'
import { because, Cancelled, isError } from './errors.ts'
import { peek } from './look.js'
import { snapshot } from './snapshot.ts'

const events = lazily('node:events')

const nothing = (): void => {}

export class Cancellation {
  aborted = false
  reason: unknown = undefined
  readonly #unlink: () => void
  #controller: AbortController | undefined
  /** Aborts the signal in the context of whoever asked for it first: its listeners are that task's. */
  #abortSignal: ((abort: () => void) => void) | undefined
  #listeners: Set<(reason: unknown) => void> | undefined

  /** Aborts together with every parent that is given; call {@link close} when done, so that the parents forget it. */
  constructor(...parents: readonly (Cancellation | undefined)[]) {
    const unlinks: (() => void)[] = []
    // Not as `this.#unlink = () => …`: what is assigned to a property where it is written is kept until the next full collection, with all it refers to.
    const unlinkAll = (): void => {
      for (const unlink of unlinks) unlink()
    }
    this.#unlink = unlinkAll
    for (const parent of parents) {
      if (parent) unlinks.push(parent.subscribe((reason) => this.abort(reason)))
    }
  }

  /** The node of a user's signal: all runs that are given the same signal share one, with one listener on it. */
  static of(signal: AbortSignal | undefined): Cancellation | undefined {
    if (!signal) return undefined
    let hub = hubs.get(signal)
    if (!hub) {
      hub = new SignalHub(signal)
      hubs.set(signal, hub)
    }
    // It listens only while somebody has subscribed, so it may not have noticed.
    if (signal.aborted) hub.abort(signal.reason)
    return hub
  }

  /** The same as an AbortSignal, made at first use. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController()
      // A task may well hand its signal to twenty calls; what would be a leak elsewhere ends with the task.
      events().setMaxListeners(0, this.#controller.signal)
      if (this.aborted) this.#controller.abort(this.reason)
      else this.#abortSignal = snapshot()
    }
    return this.#controller.signal
  }

  /** Calls `run` when this aborts, at once if it has. Gives the function that unsubscribes. O(1) both ways. */
  subscribe(run: (reason: unknown) => void): () => void {
    if (this.aborted) {
      run(this.reason)
      return nothing
    }
    // A listener of its own, so that the same function may be subscribed twice.
    const listener = (reason: unknown): void => run(reason)
    const listeners = (this.#listeners ??= new Set())
    listeners.add(listener)
    return () => {
      if (listeners.delete(listener) && listeners.size === 0) this.emptied()
    }
  }

  abort(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    this.close()
    const listeners = this.#listeners
    this.#listeners = undefined
    if (listeners) for (const listener of listeners) listener(reason)
    this.#abortSignal?.(() => this.#controller?.abort(reason))
  }

  /** Takes this off its parents. */
  close(): void {
    this.#unlink()
  }

  get listenerCount(): number {
    return this.#listeners?.size ?? 0
  }

  protected emptied(): void {}
}

const hubs = new WeakMap<AbortSignal, SignalHub>()

/** Joins all runs under one user's signal; listens to it only while it has listeners. */
class SignalHub extends Cancellation {
  readonly #signal: AbortSignal
  #listening = false
  readonly #listener = (): void => this.abort(this.#signal.reason)

  constructor(signal: AbortSignal) {
    super()
    this.#signal = signal
  }

  override get signal(): AbortSignal {
    return this.#signal
  }

  override subscribe(run: (reason: unknown) => void): () => void {
    if (this.#signal.aborted) this.abort(this.#signal.reason)
    else if (!this.#listening) {
      this.#signal.addEventListener('abort', this.#listener, { once: true })
      this.#listening = true
    }
    return super.subscribe(run)
  }

  protected override emptied(): void {
    this.#signal.removeEventListener('abort', this.#listener)
    this.#listening = false
  }
}

/** Calls `run` when the signal aborts, at once if it has. Gives the function that takes the listener off again. */
export function onAbort(signal: AbortSignal | undefined, run: (reason: unknown) => void): () => void {
  return Cancellation.of(signal)?.subscribe(run) ?? nothing
}

/** The error for work that a signal stopped: the reason itself where it is one of ours, else {@link Cancelled} with it as cause. */
export function cancelled(reason: unknown, what = 'The task'): Error {
  if (isError(reason)) {
    const code = peek(reason, 'code')
    if (typeof code === 'string' && code.startsWith('HEDDLE_')) return reason
  }
  return new Cancelled(`${what} was cancelled${because(reason)}`, { cause: reason })
}

/** Waits; rejects at once, timer and listener gone, when the signal aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelled(signal.reason))
    const timer = setTimeout(() => {
      unlink()
      resolve()
    }, ms)
    const unlink = onAbort(signal, (reason) => {
      clearTimeout(timer)
      reject(cancelled(reason))
    })
  })
}
