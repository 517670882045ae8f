/**
 * The results of a run of items, by way of a journal: those that it has are not worked out again, and a new one is handed on only when
 * the journal has it for good. So an item keeps its place until its record is durable, and a crash costs at most what was under way.
 *
 * Failures are not recorded. A journal that cannot be written, and keys that are wrong, stop the run whatever `onFailure` says: working
 * on would cost what can never be kept.
 */
import { Unserializable } from '../base/errors.ts'
import { type Checkpoint, type KeyFunction, Keys, type OpenCheckpoint, openCheckpoint, type Steps } from '../checkpoint/index.ts'
import { Breath } from './breath.ts'
import type { Group } from './group.ts'
import type { Collector } from './outcome.ts'
import type { Source } from './source.ts'

/** An item under way. */
interface Entry {
  readonly item: unknown
  readonly key: string
}

export class Recorded implements Collector {
  readonly #group: Group
  readonly #journal: OpenCheckpoint
  readonly #steps: Steps
  readonly #inner: Collector
  readonly #keys: Keys
  /** Of a source whose items can be had beforehand: all keys, and which of them the journal had. */
  #known: { readonly keys: readonly string[]; readonly restored: Uint8Array } | undefined
  readonly #open = new Map<number, Entry>()
  #restored = 0
  #recorded = 0

  private constructor(group: Group, journal: OpenCheckpoint, inner: Collector, keys: Keys) {
    this.#group = group
    this.#journal = journal
    this.#steps = journal.steps
    this.#inner = inner
    this.#keys = keys
  }

  /** Opens the journal. Where all items are at hand, their keys are checked, and what is recorded is restored, before any work starts. */
  static async open(
    checkpoint: Checkpoint,
    key: KeyFunction | undefined,
    group: Group,
    source: Source<unknown>,
    inner: Collector,
  ): Promise<Recorded> {
    const journal = await openCheckpoint(checkpoint, group.label(), group.record.id)
    const recorded = new Recorded(group, journal, inner, new Keys(key))
    try {
      if (source.slice) await recorded.#restoreAll(source as Required<Source<unknown>>)
      return recorded
    } catch (error) {
      await recorded.close()
      throw error
    }
  }

  async #restoreAll(source: Required<Source<unknown>>): Promise<void> {
    const breath = new Breath()
    const keys: string[] = []
    for (let index = 0; index < source.size && !this.#group.aborted; index++) {
      keys.push(this.#keys.next(source.slice(index, 1)[0], index))
      const pause = breath.due()
      if (pause) await pause
    }
    const restored = new Uint8Array(keys.length)
    for (let index = 0; index < keys.length && !this.#group.aborted; index++) {
      const key = keys[index] as string
      if (!this.#steps.has(key)) continue
      restored[index] = 1
      await this.#restore(index, key)
      const pause = breath.due()
      if (pause) await pause
    }
    this.#known = { keys, restored }
  }

  #restore(index: number, key: string): void | Promise<void> {
    this.#restored++
    return this.#inner.succeed(index, this.#steps.value(key))
  }

  /**
   * Asked for each item, in order, before it is worked on: true or a promise when the journal had its result, which is handed on with
   * that. False when it is to be worked on, and also when the key is wrong: then the run has been stopped.
   */
  skips(index: number, item: unknown): boolean | Promise<void> {
    if (this.#known) {
      if (this.#known.restored[index] === 1) return true
      this.#open.set(index, { item, key: this.#known.keys[index] as string })
      return false
    }
    try {
      const key = this.#keys.next(item, index)
      if (this.#steps.has(key)) return this.#restore(index, key) ?? true
      this.#open.set(index, { item, key })
    } catch (error) {
      this.#group.fail(error, index)
      // Nothing is to be called any more, and this item least of all.
      return true
    }
    return false
  }

  /** Resolves when the value is durable and handed on; never rejects. */
  async succeed(index: number, value: unknown): Promise<void> {
    const entry = this.#take(index)
    try {
      const { value: kept, durable } = this.#steps.record(entry.key, value)
      await durable
      this.#recorded++
      await this.#inner.succeed(index, kept)
    } catch (error) {
      this.#failed(index, entry.item, error)
    }
  }

  async succeedMany(first: number, values: ArrayLike<unknown>): Promise<void> {
    await Promise.all(Array.from(values, (value, i) => this.succeed(first + i, value)))
  }

  #failed(index: number, item: unknown, error: unknown): void {
    // Only what one value is to blame for is the failure of its item.
    const own = error instanceof Unserializable
    if (!own || !this.#inner.fail(index, item, error)) this.#group.fail(error, index)
  }

  fail(index: number, item: unknown, error: unknown): boolean {
    this.#open.delete(index)
    return this.#inner.fail(index, item, error)
  }

  #take(index: number): Entry {
    const entry = this.#open.get(index) as Entry
    this.#open.delete(index)
    return entry
  }

  async finish(): Promise<void> {
    await this.#inner.finish?.()
  }

  /** Waits until all that was recorded is durable, and lets go of the journal. */
  close(): Promise<void> {
    return this.#journal.close(this.#restored, this.#recorded)
  }
}
