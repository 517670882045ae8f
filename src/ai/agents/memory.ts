/** Notes of agents: private where one agent has them, shared where several have the same. */
import { InvalidOption, Overflow } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'

/** Options of {@link memory}. */
export interface MemoryOptions {
  /** Notes at most. @default 200 */
  readonly notes?: number
  /** Characters of one note at most. @default 4_000 */
  readonly length?: number
}

/** Notes by name; {@link memory} makes one. */
export class Memory {
  readonly #notes = new Map<string, string>()
  readonly #most: number
  readonly #length: number

  /** @internal Use {@link memory}. */
  constructor({ notes = 200, length = 4_000 }: MemoryOptions) {
    this.#most = notes
    this.#length = length
  }

  /** The names of all notes, in the order in which they were first written. */
  get names(): readonly string[] {
    return [...this.#notes.keys()]
  }

  /** A note; undefined when there is none of that name. */
  get(name: string): string | undefined {
    return this.#notes.get(name)
  }

  /** Writes a note, over an earlier one of that name. @throws {Overflow} when there are too many, or it is too long */
  set(name: string, text: string): void {
    if (name === '' || name.length > 200) throw new InvalidOption('Expected the name of a note to have 1 to 200 characters')
    if (text.length > this.#length)
      throw new Overflow(`A note has at most ${this.#length} characters, this one has ${text.length}`)
    if (!this.#notes.has(name) && this.#notes.size >= this.#most) throw new Overflow(`There are ${this.#most} notes already`)
    this.#notes.set(name, text)
  }
}

/**
 * A memory for agents: given to one it is private, given to several it is shared. Its agents get the tools `remember` and `recall`, and see the names
 * of its notes. What a task wrote is recorded with its result, and is there again after a crash.
 *
 * @param options its bounds
 * @throws {InvalidOption} for a wrong option
 *
 * @example
 * const shared = memory()
 * const researcher = agent(model, { system: 'You look things up.', memory: shared })
 * const writer = agent(model, { system: 'You write.', memory: shared })
 */
export function memory(options: MemoryOptions = {}): Memory {
  checkOptions<MemoryOptions>(options, { notes: rules.whole(1), length: rules.whole(1) }, 'memory')
  return new Memory(options)
}
