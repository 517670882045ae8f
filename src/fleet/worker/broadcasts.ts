/**
 * Broadcast values on this machine, by the hash of their content: fetched once, however many batches, runs and programs name them, and handed to each thread once by
 * the machine's own pool. Those that no batch here needs are kept while they are small enough together, the one that was not used for longest goes first.
 */
import { createHash } from 'node:crypto'
import { putBack } from '../../encoding/broadcast.js'
import { fromText } from '../../encoding/tagged.ts'
import { type Broadcast, broadcast } from '../../workers/broadcast.ts'
import type { BatchMessage } from '../protocol/message.ts'

/** Of text, of those that nobody needs just now. Chosen: some dictionaries and models. */
const keptBytes = 128 * 2 ** 20

interface Held {
  readonly handle: Promise<Broadcast<unknown>>
  bytes: number
  users: number
}

export class Broadcasts {
  readonly #read: (run: string, hash: string) => Promise<string>
  /** In the order of their last use. */
  readonly #held = new Map<string, Held>()
  readonly #kept: number
  /** How many were fetched. */
  fetched = 0

  constructor(read: (run: string, hash: string) => Promise<string>, kept = keptBytes) {
    this.#read = read
    this.#kept = kept
  }

  /**
   * Puts the values into the items of a batch.
   *
   * @returns to be called when the batch is over
   * @throws {TypeError} where a value is not there, or is not the one that its hash names
   */
  async fill({ run, items, broadcasts = [] }: BatchMessage): Promise<() => void> {
    const hashes = [...new Set(broadcasts.map(({ hash }) => hash))]
    const held = hashes.map((hash) => this.#use(run, hash))
    const release = (): void => {
      for (const each of held) each.users--
      this.#trim()
    }
    try {
      const handles = await Promise.all(held.map(({ handle }) => handle))
      putBack(
        items,
        broadcasts.map(({ at, argument, key, hash }) => ({ at, argument, key, id: hashes.indexOf(hash) })),
        (id) => handles[id],
      )
      return release
    } catch (error) {
      release()
      throw error
    }
  }

  #use(run: string, hash: string): Held {
    let held = this.#held.get(hash)
    if (!held) {
      const made: Held = {
        users: 0,
        bytes: 0,
        handle: this.#fetch(run, hash).then(({ value, bytes }) => ((made.bytes = bytes), value)),
      }
      // Another run may have it.
      made.handle.catch(() => this.#held.delete(hash))
      held = made
    }
    held.users++
    this.#held.delete(hash)
    this.#held.set(hash, held)
    return held
  }

  async #fetch(run: string, hash: string): Promise<{ value: Broadcast<unknown>; bytes: number }> {
    this.fetched++
    const text = await this.#read(run, hash)
    if (createHash('sha256').update(text).digest('hex') !== hash)
      throw new TypeError('a broadcast value of it is not the one that it names')
    return { value: broadcast(fromText(text)), bytes: text.length }
  }

  #trim(): void {
    const idle = [...this.#held].filter(([, { users }]) => users === 0)
    let bytes = idle.reduce((sum, [, held]) => sum + held.bytes, 0)
    for (const [hash, held] of idle) {
      if (bytes <= this.#kept) return
      bytes -= held.bytes
      this.#held.delete(hash)
      void held.handle.then((handle) => handle.dispose()).catch(() => {})
    }
  }
}
