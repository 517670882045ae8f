/** `heddle completion bash|zsh|fish`: what the shell needs to complete command lines, from the command table. */
import type { Invocation } from '../interface/command-spec.ts'
import { commands, shells } from '../commands.ts'
import { type CommandSpec, globalOptions, type OptionSpec } from '../interface/command-spec.ts'
import { exitCodes } from '../interface/exit-codes.ts'
import { UsageError } from '../interface/usage-error.ts'

export async function command({ positionals }: Invocation): Promise<number> {
  const shell = shells.find((name) => name === positionals[0])
  if (!shell)
    throw new UsageError(`Expected a shell, ${shells.join(', ')}, got ${JSON.stringify(positionals[0])}`, {
      hint: 'heddle completion bash >> ~/.bashrc',
    })
  process.stdout.write(scripts[shell]())
  return exitCodes.ok
}

const scripts: Readonly<Record<(typeof shells)[number], () => string>> = { bash, zsh, fish }

const optionsOf = (command: CommandSpec): readonly OptionSpec[] => [...command.options, ...globalOptions]
const flagsOf = (command: CommandSpec): string =>
  optionsOf(command)
    .flatMap(({ name, short }) => [`--${name}`, ...(short ? [`-${short}`] : [])])
    .join(' ')
const names = (): string => commands.map(({ name }) => name).join(' ')

function bash(): string {
  const cases = commands.map(
    (command) =>
      `    ${command.name}) words="${[...(command.name === 'completion' ? shells : []), flagsOf(command)].join(' ')}" ;;`,
  )
  const values = commands.flatMap(({ options }) => options).filter(({ oneOf }) => oneOf)
  const valueCases = [
    ...new Map(values.map((option) => [option.name, `    --${option.name}) words="${option.oneOf?.join(' ')}" ;;`])).values(),
  ]
  return [
    '_heddle() {',
    '  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=""',
    '  if [ "$COMP_CWORD" -eq 1 ]; then words="' + names() + '"',
    '  else case "${COMP_WORDS[1]}" in',
    ...cases,
    '  esac; fi',
    '  case "$before" in',
    ...valueCases,
    '  esac',
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    '  [ ${#COMPREPLY[@]} -eq 0 ] && COMPREPLY=($(compgen -f -- "$word"))',
    '}',
    'complete -o filenames -F _heddle heddle',
    '',
  ].join('\n')
}

function zsh(): string {
  const quote = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, '\\$&')
  const flag = ({ name, short, value, oneOf, summary }: OptionSpec): string => {
    const argument = value ? `:${value}:${oneOf ? `(${oneOf.join(' ')})` : '_files'}` : ''
    const both = short ? `'(-${short} --${name})'{-${short},--${name}}'` : `'--${name}`
    return `${both}[${quote(summary)}]${argument}'`
  }
  return [
    '#compdef heddle',
    '_heddle() {',
    '  local -a commands=(',
    ...commands.map(({ name, summary }) => `    '${name}:${quote(summary)}'`),
    '  )',
    '  if (( CURRENT == 2 )); then _describe command commands; return; fi',
    '  case $words[2] in',
    ...commands.map((command) => {
      const rest = command.name === 'completion' ? `'*:shell:(${shells.join(' ')})'` : "'*:file:_files'"
      return `    ${command.name}) _arguments ${optionsOf(command).map(flag).join(' ')} ${rest} ;;`
    }),
    '  esac',
    '}',
    'compdef _heddle heddle',
    '',
  ].join('\n')
}

function fish(): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const lines = commands.flatMap((command) => [
    `complete -c heddle -n __fish_use_subcommand -f -a ${command.name} -d ${quote(command.summary)}`,
    ...optionsOf(command).map(
      ({ name, short, value, oneOf, summary }) =>
        `complete -c heddle -n '__fish_seen_subcommand_from ${command.name}' -l ${name}${short ? ` -s ${short}` : ''}${value ? ` -r${oneOf ? ` -f -a ${quote(oneOf.join(' '))}` : ''}` : ''} -d ${quote(summary)}`,
    ),
  ])
  return [...lines, `complete -c heddle -n '__fish_seen_subcommand_from completion' -f -a ${quote(shells.join(' '))}`, ''].join(
    '\n',
  )
}
