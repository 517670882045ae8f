/**
 * A pool whose code is loaded when it gets its first work. Programs that only wait for others import heddle as well, and the
 * pool is a fifth of what they would load.
 */
import type { Cancellation } from '../base/abort.ts'
import { WorkerStartFailed } from '../base/errors.ts'
import type { BulkWork, CallOptions, Executor, FunctionRef, Reach } from '../run/executor.ts'
import type { Pool } from './host/pool.ts'

export class PoolAtFirstUse implements Executor {
  readonly name: string
  readonly slots: number
  readonly keepsValues: boolean
  readonly reach: Reach
  readonly #open: () => Promise<Pool>
  #pool: Pool | undefined
  #loading: Promise<Pool> | undefined

  constructor(name: string, slots: number, reach: Reach, open: () => Promise<Pool>) {
    this.name = name
    this.slots = slots
    this.reach = reach
    // A pool keeps values in memory that its workers share.
    this.keepsValues = reach.sharesMemory
    this.#open = open
  }

  call(ref: FunctionRef, args: readonly unknown[], options?: CallOptions): Promise<unknown> {
    if (this.#pool) return this.#pool.call(ref, args, options)
    return this.#load().then((pool) => pool.call(ref, args, options))
  }

  bulk(ref: FunctionRef, work: BulkWork): void {
    if (this.#pool) return this.#pool.bulk(ref, work)
    this.#load().then(
      (pool) => pool.bulk(ref, work),
      (error: unknown) => {
        work.cancellation.abort(error)
        work.finished()
      },
    )
  }

  async warmUp(ref: FunctionRef, cancellation?: Cancellation): Promise<void> {
    await (await this.#load()).warmUp(ref, cancellation)
  }

  async close(options?: { readonly graceMs?: number }): Promise<void> {
    await (await this.#load()).close(options)
  }

  /** What came first goes to the pool first: all of it waits for one promise. */
  #load(): Promise<Pool> {
    return (this.#loading ??= this.#open().then(
      (pool) => (this.#pool = pool),
      (cause: unknown) => {
        throw new WorkerStartFailed(`The code of the executor "${this.name}" could not be loaded`, {
          cause,
          hint: 'Was heddle updated or removed while this program ran? Start the program again.',
        })
      },
    ))
  }
}
