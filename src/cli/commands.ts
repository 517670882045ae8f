/**
 * The commands of `heddle`: one table from which parsing, help, completion and the documentation are made. A command's code is
 * imported when it is used, so that the first output never waits for the rest.
 */
import type { Invocation } from './arguments.ts'

export interface OptionSpec {
  readonly name: string
  readonly short?: string
  /** What its value is called; an option without is a switch. */
  readonly value?: string
  /** The only values it takes. */
  readonly oneOf?: readonly string[]
  readonly summary: string
}

export interface CommandSpec {
  readonly name: string
  readonly summary: string
  /** Positional arguments, as the usage line shows them. */
  readonly positionals: string
  readonly minPositionals: number
  readonly maxPositionals: number
  /** Everything after the first positional belongs to the program that is run. */
  readonly passesArguments?: boolean
  readonly options: readonly OptionSpec[]
  /** Two complete command lines. */
  readonly examples: readonly [string, string]
  readonly load: () => Promise<{ readonly command: (invocation: Invocation) => Promise<number> }>
}

const color: OptionSpec = { name: 'no-color', summary: 'no colours (also NO_COLOR=1)' }
const json: OptionSpec = { name: 'json', summary: 'one JSON document on stdout; what the program prints goes to stderr' }

export const reporters = ['default', 'stream', 'json', 'github', 'minimal'] as const

export const commands: readonly CommandSpec[] = [
  {
    name: 'run',
    summary: 'run a program, and say what bounded it',
    positionals: 'FILE [arguments]',
    minPositionals: 1,
    maxPositionals: Number.POSITIVE_INFINITY,
    passesArguments: true,
    options: [json, color],
    examples: ['heddle run build.ts', 'heddle run --json analyse.ts docs'],
    load: () => import('./run.ts'),
  },
]

export const globalOptions: readonly OptionSpec[] = [
  { name: 'help', short: 'h', summary: 'show help' },
  { name: 'version', short: 'v', summary: 'show the version' },
]
