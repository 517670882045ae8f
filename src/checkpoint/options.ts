/** Options of journals. */
import { type OptionRules, rules } from '../base/options.ts'
import type { JournalFileSystem } from './file-system.ts'
import type { Processes } from './lock.ts'

/** Turns values into what JSON can hold, and back. */
export interface Codec {
  /** Turns a value into what JSON can hold. */
  encode(value: unknown): unknown
  /** Turns it back. */
  decode(stored: unknown): unknown
}

/** Options of {@link openJournal}. */
export interface JournalOptions {
  /** Name of the program: the journal of another one is refused. */
  readonly program: string
  /** Raise it when the functions have changed so that recorded results are no longer right: the old journal is then refused. @default '1' */
  readonly version?: string | number
  /** What the results depend on, such as a model's name: a journal with other options is refused. JSON. @default {} */
  readonly options?: Readonly<Record<string, unknown>>
  /**
   * The crashes that a recorded step survives. `'fsync'`: a crash of the machine. `'flush'`: a crash of the process, and costs no wait for the
   * disk. @default 'fsync'
   */
  readonly durability?: 'fsync' | 'flush'
  /** For values that JSON cannot hold. @default JSON as it is */
  readonly codec?: Codec
  /** @default that of Node */
  readonly fs?: JournalFileSystem
  /** @internal */
  readonly processes?: Processes
}

export const journalRules: OptionRules<JournalOptions> = {
  program: rules.string,
  version: rules.either(rules.string, rules.number(0)),
  options: rules.object,
  durability: rules.oneOf('fsync', 'flush'),
  codec: {
    expected: 'an object with the functions `encode` and `decode`',
    accepts: (codec) => {
      const { encode, decode } = (codec ?? {}) as Partial<Codec>
      return typeof encode === 'function' && typeof decode === 'function'
    },
  },
  fs: rules.object,
  processes: rules.object,
}
