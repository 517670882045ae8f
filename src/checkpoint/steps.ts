import { describe, InvalidOption } from '../base/errors.ts'
import { checkFunction } from '../base/options.ts'
import { keyText } from './format.ts'

/** What a journal was when it was opened. */
export interface Found {
  /** Steps that were recorded. */
  readonly steps: number
  /** Bytes of a torn tail that were dropped. */
  readonly droppedBytes: number
}

/** The journal that steps are a part of, as they see it. */
export interface StepStore extends AsyncDisposable {
  readonly path: string
  readonly found: Found
  at(name: string): Steps
  close(): Promise<void>
  /** @internal The same object for the same path. */
  part(path: readonly string[]): Steps
  /** @internal Whether no step at all is recorded. */
  readonly empty: boolean
  /** @internal */
  has(key: string): boolean
  /** @internal */
  value(key: string, name: string): unknown
  /** @internal */
  record(key: string, value: unknown, name: () => string): { readonly value: unknown; readonly durable: Promise<void> }
}

/** One part of a journal: steps by key. */
export class Steps {
  readonly journal: StepStore
  readonly #path: readonly string[]
  /** What has used it: two different runs must not take each other's steps for their own. */
  #user: string | undefined
  /** Steps under way. */
  readonly #open = new Map<string, Promise<unknown>>()

  /** @internal Made by `Journal.at`. */
  constructor(journal: StepStore, path: readonly string[]) {
    this.journal = journal
    this.#path = path
  }

  /** A part of this part. */
  at(name: string): Steps {
    if (typeof name !== 'string' || name === '')
      throw new InvalidOption(`Expected the name of a part of a journal to be text that is not empty, got ${describe(name)}`)
    return this.journal.part([...this.#path, name])
  }

  /**
   * Gives what the step gave when it was recorded; else runs `fn`, and gives its value once that is durable. Asked for twice at
   * once, it runs once.
   *
   * @throws what `fn` throws: failures are not recorded
   * @throws {Unserializable} when JSON cannot hold the value @throws {JournalFailed}
   *
   * @example
   * const plan = await journal.at('research').step('plan', () => ask(model, planning))
   */
  step<T>(key: string, fn: () => T | PromiseLike<T>): Promise<T> {
    checkFunction(fn, 'fn', 'step')
    checkKey(key, 'step')
    const open = this.#open.get(key)
    if (open) return open as Promise<T>
    const step = this.#step(key, fn).finally(() => this.#open.delete(key))
    this.#open.set(key, step)
    return step
  }

  async #step<T>(key: string, fn: () => T | PromiseLike<T>): Promise<T> {
    if (this.has(key)) return this.value(key) as T
    const { value, durable } = this.record(key, await fn())
    await durable
    return value as T
  }

  /** @internal */
  has(key: string): boolean {
    return !this.journal.empty && this.journal.has(keyText(this.#path, key))
  }

  /** @internal What was recorded, as a fresh copy. */
  value(key: string): unknown {
    return this.journal.value(keyText(this.#path, key), `step ${shown(key)}`)
  }

  /** @internal See `Journal.record`. */
  record(key: string, value: unknown): { readonly value: unknown; readonly durable: Promise<void> } {
    return this.journal.record(keyText(this.#path, key), value, () => `step ${shown(key)}`)
  }

  /** @internal A run says that these steps are its own. @throws {InvalidOption} when they are another run's */
  use(user: string): void {
    this.#user ??= user
    if (this.#user === user) return
    throw new InvalidOption(`Part ${JSON.stringify(this.#path)} of the journal is used by ${this.#user}, and now by ${user}`, {
      hint: 'Give each run a part of its own: journal.at(name).',
    })
  }
}

/** @throws {InvalidOption} */
export function checkKey(key: unknown, where: string): asserts key is string {
  if (typeof key !== 'string') throw new InvalidOption(`Expected the key of a ${where} to be text, got ${describe(key)}`)
}

function shown(key: string): string {
  return JSON.stringify(key.length > 60 ? `${key.slice(0, 57)}…` : key)
}
