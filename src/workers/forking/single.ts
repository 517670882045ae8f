/** One call that a worker may run at home or elsewhere: a fork, or a call through `guard`, a graph, a map with `retry`. */
import { rejection } from '../../base/call-site.ts'
import { type Cancellation, cancelled } from '../../base/abort.ts'
import type { CallOptions } from '../../run/executor.ts'
import type { WireError } from '../../encoding/encoded.ts'
import { fromWire } from '../../encoding/from-wire.ts'
import type { Given, HomeFunction, Scheduler, Unit } from './unit.ts'

export class Single implements Unit {
  readonly fn: HomeFunction
  readonly args: readonly unknown[]
  readonly batch: number
  readonly depth: number
  readonly options: CallOptions
  readonly #home: Scheduler
  /** Runs it at home, in the context of whoever called. */
  readonly #here: () => Promise<unknown>
  readonly #resolve: (value: unknown) => void
  readonly #since: number
  #state: 'kept' | 'away' | 'over' = 'kept'
  #unsubscribe: (() => void) | undefined

  constructor(
    home: Scheduler,
    fn: HomeFunction,
    args: readonly unknown[],
    options: CallOptions & { readonly batch: number; readonly depth: number; readonly since: number },
    here: () => Promise<unknown>,
    resolve: (value: unknown) => void,
  ) {
    this.#home = home
    this.fn = fn
    this.args = args
    this.options = options
    this.batch = options.batch
    this.depth = options.depth
    this.#since = options.since
    this.#here = here
    this.#resolve = resolve
  }

  get module(): string {
    return this.fn.module
  }

  get name(): string {
    return this.fn.name
  }

  get kept(): boolean {
    return this.#state === 'kept'
  }

  get away(): boolean {
    return this.#state === 'away'
  }

  /** The task that forked it still works on what it forked later, and this is at least as large. */
  leastMs(now: number): number {
    return now - this.#since
  }

  give(): Given | undefined {
    if (!this.kept || this.options.cancellation?.aborted) return undefined
    const { index = 0, attempt = 1, timeoutMs, deadline = Number.POSITIVE_INFINITY, idempotencyKey } = this.options
    this.#leave('away')
    const meta = Int32Array.of(index, attempt)
    const key = idempotencyKey === undefined ? undefined : [idempotencyKey]
    return { items: [this.args], first: 0, spread: true, meta, key, timeoutMs, deadline }
  }

  /** It is on its way: whoever cancels the caller cancels it. */
  watch(cancel: (reason: unknown) => void): void {
    const { cancellation } = this.options
    if (cancellation) this.#unsubscribe = cancellation.subscribe(cancel)
  }

  start(): boolean {
    if (!this.kept) return false
    this.#leave('over')
    const { cancellation } = this.options
    this.#resolve(cancellation?.aborted ? rejection(cancelled(cancellation.reason, this.fn.name)) : this.#here())
    return true
  }

  stays(): void {
    this.returned()
    this.start()
  }

  returned(): void {
    if (!this.away) return
    this.#forget()
    this.#state = 'kept'
    this.#home.keep(this)
  }

  succeeded(_first: number, values: ArrayLike<unknown>): void {
    this.#over()
    this.#resolve(values[0])
  }

  failed(_index: number, error: WireError): void {
    this.#over()
    this.#resolve(rejection(fromWire(error)))
  }

  skipped(): void {
    const { cancellation } = this.options as { readonly cancellation?: Cancellation }
    this.#over()
    this.#resolve(rejection(cancelled(cancellation?.reason, this.fn.name)))
  }

  #leave(state: 'away' | 'over'): void {
    this.#state = state
    this.#home.release(this)
  }

  #over(): void {
    this.#forget()
    this.#state = 'over'
  }

  #forget(): void {
    this.#unsubscribe?.()
    this.#unsubscribe = undefined
  }
}
