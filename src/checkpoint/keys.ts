/**
 * The keys of the items of a run: how a step is found again in the next one.
 *
 * The default key of an item is what it is: the item itself where that is a short text, else `=` and its JSON, or where that is long
 * `=#` and the SHA-256 of it (the first 128 bits). Equal items are distinguished by how many came before: `=2×…`. So items may be added,
 * taken out and reordered between two runs, and one that has changed is another one. No JSON begins with `#` or with a number and `×`.
 */
import { lazily } from '../base/builtin.js'
import { HeddleError, InvalidOption } from '../base/errors.ts'
import { textOf } from '../base/look.js'
import { toJson } from './json.ts'
import { checkKey } from './steps.ts'

const crypto = lazily('node:crypto')

export type KeyFunction = (item: unknown, index: number) => string

/** Longer ones are hard to read, and take their room twice; chosen. */
const readableAtMost = 64

export class Keys {
  readonly #given: KeyFunction | undefined
  /** How often each default key has come. */
  readonly #seen = new Map<string, number>()

  /** @param given the caller's; each key may come once @default the item itself */
  constructor(given: KeyFunction | undefined) {
    this.#given = given
  }

  /** The key of the next item. @throws {InvalidOption} for a key that has been or is not text, or an item that has no key by itself */
  next(item: unknown, index: number): string {
    if (!this.#given) return this.#numbered(itemKey(item, () => `item ${index}`))
    const key = this.#given(item, index)
    checkKey(key, `item (${index})`)
    const first = this.#seen.get(key)
    if (first === undefined) {
      this.#seen.set(key, index)
      return key
    }
    throw new InvalidOption(`Items ${first} and ${index} have the same key ${JSON.stringify(key.slice(0, 80))}`, {
      hint: 'Two items with one key would share one result. Make `key` different for each, or leave it out.',
    })
  }

  #numbered(key: string): string {
    const times = (this.#seen.get(key) ?? 0) + 1
    this.#seen.set(key, times)
    return times === 1 ? key : `=${times}×${key}`
  }
}

/** The default key. @param name what messages call the item @throws {InvalidOption} when it is not JSON */
export function itemKey(item: unknown, name: () => string): string {
  if (typeof item === 'string' && item.length <= readableAtMost && !item.startsWith('=')) return item
  const json = jsonOf(item, name)
  return json.length <= readableAtMost ? `=${json}` : `=#${crypto().hash('sha256', json, 'base64url').slice(0, 22)}`
}

function jsonOf(item: unknown, name: () => string): string {
  try {
    return toJson(item, name).text
  } catch (cause) {
    const message = cause instanceof HeddleError ? cause.message : textOf(cause)
    throw new InvalidOption(`Expected \`key\` to be given, because ${name()} is not JSON: ${message}`, {
      cause,
      hint: 'A key says which item a recorded result belongs to: { checkpoint, key: (item) => item.id }.',
    })
  }
}
