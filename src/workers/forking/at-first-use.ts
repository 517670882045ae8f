/** The home executor, whose code is loaded by workers only. */
import type { BulkWork, CallOptions, Executor, FunctionRef } from '../../run/executor.ts'
import type { Callable } from '../call-here.ts'
import type { ForkPort } from '../thread/fork-port.js'
import type { Home } from './home.ts'

type Ready = () => Callable | Promise<Callable>

export class HomeAtFirstUse implements Executor {
  readonly name = 'threads'
  readonly #port: ForkPort
  readonly #defined: [FunctionRef, Ready][] = []
  #home: Home | undefined
  #loading: Promise<Home> | undefined

  constructor(port: ForkPort) {
    this.#port = port
  }

  get slots(): number {
    return this.#port.slots
  }

  define(ref: FunctionRef, ready: Ready): void {
    if (this.#home) this.#home.define(ref, ready)
    else this.#defined.push([ref, ready])
  }

  loaded(): Promise<Home> {
    return (this.#loading ??= this.#load())
  }

  async #load(): Promise<Home> {
    const { Home } = await import('./home.ts')
    const home = new Home(this.#port)
    for (const [ref, ready] of this.#defined.splice(0)) home.define(ref, ready)
    return (this.#home = home)
  }

  async call(ref: FunctionRef, args: readonly unknown[], options?: CallOptions): Promise<unknown> {
    return (this.#home ?? (await this.loaded())).call(ref, args, options)
  }

  bulk(ref: FunctionRef, work: BulkWork): void {
    if (this.#home) return this.#home.bulk(ref, work)
    this.loaded().then(
      (home) => home.bulk(ref, work),
      (error: unknown) => {
        work.cancellation.abort(error)
        work.finished()
      },
    )
  }

  fork(ref: FunctionRef, args: readonly unknown[]): Promise<unknown> {
    return this.#home ? this.#home.fork(ref, args) : this.loaded().then((home) => home.fork(ref, args))
  }

  /** There is nothing to end: the worker belongs to its pool. */
  async close(): Promise<void> {}
}
