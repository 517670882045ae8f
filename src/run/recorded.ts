/**
 * The results of a run of items, by way of a journal: those that it has are not worked out again, and a new one is handed on only when
 * the journal has it for good. So an item keeps its place until its record is durable, and a crash costs at most what was under way.
 *
 * Failures are not recorded. A journal that cannot be written, and keys that are wrong, stop the run whatever `onFailure` says: working
 * on would cost what can never be kept.
 */
import { Unserializable } from '../base/errors.ts'
import { type Checkpoint, type KeyFunction, Keys, type OpenCheckpoint, openCheckpoint, type Steps } from '../checkpoint/index.ts'
import { Yielding } from './yielding.ts'
import type { Group } from './group.ts'
import type { Collector } from './outcome.ts'
import type { Source } from './source.ts'

/** No key of an item begins so. */
const nameKey = '\u0000run'

/** An item under way. */
interface Entry {
  readonly item: unknown
  readonly key: string
}

/** A source whose items can be had beforehand: all their keys, and which of them the journal had. */
interface Known {
  readonly source: Required<Source<unknown>>
  readonly keys: readonly string[]
  readonly restored: Uint8Array
}

/** Results whose records become durable together. */
interface Batch {
  readonly durable: Promise<void>
  readonly indices: number[]
  readonly values: unknown[]
  /** Resolves when they have been handed on; never rejects. */
  readonly done: Promise<void>
}

export class Recorded implements Collector {
  readonly #group: Group
  readonly #journal: OpenCheckpoint
  readonly #steps: Steps
  readonly #inner: Collector
  readonly #keys: Keys
  #known: Known | undefined
  /** Items under way of other sources. */
  readonly #open = new Map<number, Entry>()
  /** What the latest result belongs to. */
  #batch: Batch | undefined
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

  /** A name that the run has in each start of the program: written when it is first asked for. */
  name(): Promise<string> {
    return this.#steps.step(nameKey, () => globalThis.crypto.randomUUID().replaceAll('-', '').slice(0, 20))
  }

  async #restoreAll(source: Required<Source<unknown>>): Promise<void> {
    const yielding = new Yielding()
    const keys: string[] = []
    for (let index = 0; index < source.size && !this.#group.aborted; index++) {
      keys.push(this.#keys.next(source.slice(index, 1)[0], index))
      const pause = yielding.due()
      if (pause) await pause
    }
    const restored = new Uint8Array(keys.length)
    for (let index = 0; index < keys.length && !this.#group.aborted; index++) {
      const key = keys[index] as string
      if (!this.#steps.has(key)) continue
      restored[index] = 1
      await this.#restore(index, key)
      const pause = yielding.due()
      if (pause) await pause
    }
    this.#known = { source, keys, restored }
  }

  #restore(index: number, key: string): void | Promise<void> {
    this.#restored++
    return this.#inner.succeed(index, this.#steps.value(key))
  }

  get passing(): boolean {
    return this.#inner.passing === true
  }

  /**
   * Asked for each item, in order, before it is worked on: true or a promise when the journal had its result, which is handed on with
   * that. False when it is to be worked on, and also when the key is wrong: then the run has been stopped.
   */
  skips(index: number, item: unknown): boolean | Promise<void> {
    if (this.#known) return this.#known.restored[index] === 1
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

  /** Resolves when the value is durable and handed on, with all that became durable with it; never rejects. */
  succeed(index: number, value: unknown): void | Promise<void> {
    const entry = this.#take(index)
    try {
      const key = entry ? entry.key : (this.#known?.keys[index] as string)
      const { value: kept, durable } = this.#steps.record(key, value)
      if (this.#batch?.durable !== durable) this.#batch = this.#openBatch(durable)
      this.#batch.indices.push(index)
      this.#batch.values.push(kept)
      return this.#batch.done
    } catch (error) {
      // Only what one value is to blame for is the failure of its item.
      const own = error instanceof Unserializable
      const item = entry ? entry.item : this.#known?.source.slice(index, 1)[0]
      if (!own || !this.#inner.fail(index, item, error)) this.#group.fail(error, index)
    }
  }

  async succeedMany(first: number, values: ArrayLike<unknown>): Promise<void> {
    const batches = new Set<void | Promise<void>>()
    for (let i = 0; i < values.length; i++) batches.add(this.succeed(first + i, values[i]))
    await Promise.all(batches)
  }

  /** One promise for many results: a promise for each would cost as much as writing it. */
  #openBatch(durable: Promise<void>): Batch {
    const [indices, values] = [[], []]
    return { durable, indices, values, done: this.#handOn(durable, indices, values) }
  }

  async #handOn(durable: Promise<void>, indices: readonly number[], values: readonly unknown[]): Promise<void> {
    try {
      await durable
    } catch (error) {
      return this.#group.fail(error, indices[0] as number)
    }
    this.#recorded += indices.length
    let merging: Promise<void>[] | undefined
    for (const [i, index] of indices.entries()) {
      const fail = (error: unknown): void => this.#group.fail(error, index)
      try {
        const stored = this.#inner.succeed(index, values[i])
        if (stored) (merging ??= []).push(stored.catch(fail))
      } catch (error) {
        fail(error)
      }
    }
    if (merging) await Promise.all(merging)
  }

  fail(index: number, item: unknown, error: unknown): boolean {
    this.#open.delete(index)
    return this.#inner.fail(index, item, error)
  }

  /** Undefined for an item of a known source, which can be asked for it. */
  #take(index: number): Entry | undefined {
    if (this.#known) return undefined
    const entry = this.#open.get(index)
    this.#open.delete(index)
    return entry
  }

  /** Waits until all that was recorded is durable, and lets go of the journal. */
  close(): Promise<void> {
    return this.#journal.close(this.#restored, this.#recorded)
  }
}
