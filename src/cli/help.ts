/** Help from the command table: what it does, how it is called, two examples, its options. */
import { wrapLine } from './terminal/wrap.ts'
import { commands } from './commands.ts'
import { type CommandSpec, globalOptions, type OptionSpec } from './interface/command-spec.ts'

/** @param columns of the terminal that shows it */
export function generalHelp(columns = Infinity): string {
  const examples = commands.slice(0, 2).map((command) => command.examples[0])
  if (examples.length < 2) examples.push(...(commands[0]?.examples.slice(1) ?? []))
  return [
    'heddle: runs programs in parallel, and says what bounded them',
    '',
    'Usage: heddle COMMAND [options]',
    '',
    ...table(
      commands.map(({ name, summary }) => [name, summary]),
      columns,
    ),
    '',
    'Examples:',
    ...examples.map((example) => `  ${example}`),
    '',
    'heddle COMMAND --help says more about a command.',
    '',
  ]
    .flatMap((line) => wrapLine(line, columns))
    .join('\n')
}

/** @param columns of the terminal that shows it */
export function commandHelp(command: CommandSpec, columns = Infinity): string {
  return [
    `heddle ${command.name}: ${command.summary}`,
    '',
    `Usage: heddle ${command.name} [options] ${command.positionals}`,
    '',
    'Examples:',
    ...command.examples.map((example) => `  ${example}`),
    '',
    'Options:',
    ...table(
      [...command.options, ...globalOptions].map((option) => [flags(option), option.summary]),
      columns,
    ),
    '',
  ]
    .flatMap((line) => wrapLine(line, columns))
    .join('\n')
}

function flags({ name, short, value }: OptionSpec): string {
  return `${short ? `-${short}, ` : ''}--${name}${value ? ` ${value}` : ''}`
}

function table(rows: readonly (readonly [string, string])[], columns: number): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.flatMap(([left, right]) => wrapLine(`  ${left.padEnd(width)}  ${right}`, columns, width + 4))
}
