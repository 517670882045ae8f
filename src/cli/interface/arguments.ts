/** Command lines, read by the table in `cli/commands.ts`. Anything that it does not know is an error, and runs nothing. */
import { parseArgs } from 'node:util'
import { nearest } from '../../base/options.ts'
import { type CommandSpec, globalOptions, type Invocation, type OptionSpec } from './command-spec.ts'
import { UsageError } from './usage-error.ts'

/** @throws {UsageError} for an option, value or number of arguments that the command does not take */
export function parseCommand(command: CommandSpec, args: readonly string[]): Invocation {
  const known = [...command.options, ...globalOptions]
  const own = command.passesArguments ? args.slice(0, firstPositional(known, args) + 1) : args
  const { tokens } = tokenize(known, own)
  const options: Record<string, string | true> = Object.create(null)
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind === 'option') options[token.name] = optionValue(command, known, token)
  }
  positionals.push(...args.slice(own.length))
  if (options.help !== true) checkPositionals(command, positionals)
  return { command, positionals, options }
}

type Token = { kind: 'option'; name: string; rawName: string; value?: string | undefined }

function tokenize(known: readonly OptionSpec[], args: readonly string[]) {
  const options = Object.fromEntries(
    known.map(({ name, short, value }) => [name, { type: value ? 'string' : 'boolean', ...(short && { short }) } as const]),
  )
  return parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
}

function firstPositional(known: readonly OptionSpec[], args: readonly string[]): number {
  const first = tokenize(known, args).tokens.find((token) => token.kind === 'positional')
  return first?.index ?? args.length
}

function optionValue(command: CommandSpec, known: readonly OptionSpec[], token: Token): string | true {
  const option = known.find(({ name }) => name === token.name)
  if (!option) {
    const near = nearest(
      token.rawName.replace(/^-+/, ''),
      known.map(({ name }) => name),
    )
    throw new UsageError(`Unknown option ${token.rawName} of heddle ${command.name}`, {
      hint: near === undefined ? `heddle ${command.name} --help lists its options` : `did you mean --${near}?`,
    })
  }
  if (option.value === undefined) {
    if (token.value !== undefined)
      throw new UsageError(`The option --${option.name} takes no value, got ${JSON.stringify(token.value)}`)
    return true
  }
  if (token.value === undefined || token.value === '') {
    throw new UsageError(`The option --${option.name} needs a value: --${option.name} ${option.value}`)
  }
  if (option.oneOf && !option.oneOf.includes(token.value)) {
    const near = nearest(token.value, option.oneOf)
    throw new UsageError(`Expected --${option.name} to be ${option.oneOf.join(', ')}, got ${JSON.stringify(token.value)}`, {
      hint: near === undefined ? undefined : `did you mean --${option.name} ${near}?`,
    })
  }
  return token.value
}

function checkPositionals(command: CommandSpec, positionals: readonly string[]): void {
  if (positionals.length < command.minPositionals) {
    throw new UsageError(`heddle ${command.name} needs ${command.positionals}`, { hint: command.examples[0] })
  }
  if (positionals.length > command.maxPositionals) {
    throw new UsageError(
      `heddle ${command.name} takes ${command.positionals}; ${JSON.stringify(positionals[command.maxPositionals])} is too many`,
    )
  }
}
