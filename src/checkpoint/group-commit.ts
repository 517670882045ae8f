/**
 * Group commit: lines are collected while a batch is on its way to the disk, and then go together. The disk is passed in.
 *
 * Invariants: a line is acknowledged only after its batch is durable; one batch is under way at a time, and lies behind all before it;
 * after a failed write or sync nothing is ever acknowledged again, because a system may drop the pages of a sync that failed and report
 * success for the next one ("fsyncgate", PostgreSQL 2018).
 */
import { setImmediate } from '../base/globals.js'
import { encode } from './format.ts'

interface Batch {
  /** Where in the file it begins. */
  readonly start: number
  readonly bodies: string[]
  readonly durable: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export class GroupCommit {
  readonly #write: (bytes: Uint8Array, position: number) => Promise<void>
  /** Behind everything that was written, or is being written. */
  #end: number
  /** Collects lines; not yet on its way. */
  #next: Batch | undefined
  #writing: Promise<void> | undefined
  #failure: Error | undefined

  /**
   * @param end where the next batch goes
   * @param write resolves when the bytes are durable; what it rejects with is what everybody waiting gets
   */
  constructor(end: number, write: (bytes: Uint8Array, position: number) => Promise<void>) {
    this.#end = end
    this.#write = write
  }

  /** Resolves when the line is durable; the same promise for all of a batch. @param body gets the start of its batch @throws what once failed */
  add(body: (batch: number) => string): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    const batch = (this.#next ??= this.#open())
    batch.bodies.push(body(batch.start))
    return batch.durable
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#writing) await this.#writing
  }

  #open(): Batch {
    let resolve: () => void = () => {}
    let reject: (error: Error) => void = () => {}
    const durable = new Promise<void>((done, failed) => ([resolve, reject] = [done, failed]))
    this.#writing ??= this.#run()
    return { start: this.#end, bodies: [], durable, resolve, reject }
  }

  async #run(): Promise<void> {
    for (;;) {
      // Records of the same turn of the event loop travel together; and it does turn, also when writing takes no time.
      await new Promise<void>((resolve) => setImmediate(resolve))
      const batch = this.#next
      if (!batch) break
      this.#next = undefined
      const bytes = encode(batch.bodies)
      this.#end += bytes.length
      try {
        await this.#write(bytes, batch.start)
        batch.resolve()
      } catch (error) {
        this.#fail(batch, error as Error)
      }
    }
    this.#writing = undefined
  }

  #fail(batch: Batch, error: Error): void {
    this.#failure = error
    batch.reject(error)
    this.#next?.reject(error)
    this.#next = undefined
  }
}
