/** How a command is described: parsing, help, completion and the documentation are made from it. */

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

/** A command line as it was understood. */
export interface Invocation {
  readonly command: CommandSpec
  readonly positionals: readonly string[]
  /** By the option's long name: `true` for a switch, else its value. */
  readonly options: Readonly<Record<string, string | true>>
}

/** Options that every command takes. */
export const globalOptions: readonly OptionSpec[] = [
  { name: 'help', short: 'h', summary: 'show help' },
  { name: 'version', short: 'v', summary: 'show the version' },
]
