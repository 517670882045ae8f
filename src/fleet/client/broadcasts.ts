/**
 * Broadcast values of one run: each is written once, beside the messages, under the hash of its content. Machines keep them by that hash, so that a value that a
 * machine has from another call, run or program does not go there again.
 */
import { createHash } from 'node:crypto'
import type { Broadcast } from '../../encoding/broadcast.js'
import { toText } from '../../encoding/tagged.ts'
import { Unserializable } from '../../base/errors.ts'
import type { BroadcastAt } from '../protocol/message.ts'

/** Where the values go: gets each hash once. */
export type PutValue = (hash: string, text: string) => void

const hashes = new WeakMap<Broadcast<unknown>, string>()

export class BroadcastNames {
  readonly #put: PutValue
  readonly #known = new Set<string>()

  constructor(put: PutValue) {
    this.#put = put
  }

  /**
   * Where in a batch broadcast values stand, by their hashes.
   *
   * @throws {Unserializable} where one cannot be written; what `put` throws
   */
  name({
    places,
    handles,
  }: {
    readonly places: readonly {
      readonly at: number
      readonly argument: number
      readonly key: string | number | undefined
      readonly id: number
    }[]
    readonly handles: readonly Broadcast<unknown>[]
  }): BroadcastAt[] {
    const names = new Map(handles.map((handle) => [handle.id, this.#nameOf(handle)]))
    return places.map(({ at, argument, key, id }) => ({
      at,
      argument,
      ...(key !== undefined && { key: String(key) }),
      hash: names.get(id) as string,
    }))
  }

  #nameOf(handle: Broadcast<unknown>): string {
    let hash = hashes.get(handle)
    if (hash !== undefined && this.#known.has(hash)) return hash
    const { value } = handle
    let text: string
    try {
      text = toText(value)
    } catch (cause) {
      throw new Unserializable(`A broadcast value cannot cross to other machines: ${(cause as Error).message}`, { cause })
    }
    hash ??= createHash('sha256').update(text).digest('hex')
    hashes.set(handle, hash)
    this.#put(hash, text)
    this.#known.add(hash)
    return hash
  }
}
