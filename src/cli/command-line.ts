/** Finds the command that a command line names, and runs it. Every failure ends as one report and a documented exit code. */
import { existsSync } from 'node:fs'
import { nearest } from '../base/options.ts'
import { parseCommand } from './interface/arguments.ts'
import type { CommandSpec, Invocation } from './interface/command-spec.ts'
import { commands } from './commands.ts'
import { exitCodes } from './interface/exit-codes.ts'
import { columnsOf } from './terminal/wrap.ts'
import { UsageError } from './interface/usage-error.ts'
import { version } from './version.ts'

export async function runCommandLine(args: readonly string[]): Promise<void> {
  try {
    process.exitCode = await dispatch(args)
  } catch (error) {
    const { reportError } = await import('./reporters/report-error.ts')
    reportError(error)
    process.exitCode = error instanceof UsageError ? exitCodes.usage : exitCodes.failed
  }
}

async function dispatch(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const { generalHelp, commandHelp } = await import('./help.ts')
    const columns = columnsOf(process.stdout)
    return print(name === 'help' && rest[0] !== undefined ? commandHelp(commandNamed(rest[0]), columns) : generalHelp(columns))
  }
  const spec = commandNamed(name)
  if (rest.length === 0 && spec.minPositionals > 0) return help(spec)
  const invocation = parseCommand(spec, rest)
  if (invocation.options.help === true) return help(spec)
  if (invocation.options.version === true) return print(`${version}\n`)
  return start(spec, invocation)
}

async function start(spec: CommandSpec, invocation: Invocation): Promise<number> {
  const { command } = await spec.load()
  return command(invocation)
}

async function help(spec: CommandSpec): Promise<number> {
  const { commandHelp } = await import('./help.ts')
  return print(commandHelp(spec, columnsOf(process.stdout)))
}

/** A file, by its name or because it is there: people leave the command out. */
function looksLikeFile(name: string): boolean {
  return !name.startsWith('-') && (/\.[cm]?[jt]sx?$/.test(name) || /[\\/]/.test(name) || existsSync(name))
}

function commandNamed(name: string): CommandSpec {
  const found = commands.find((command) => command.name === name)
  if (found) return found
  if (looksLikeFile(name)) {
    const command = name.endsWith('.heddle') ? 'trace' : 'run'
    throw new UsageError(`Unknown command ${JSON.stringify(name)}; it looks like a file`, {
      hint: `did you mean heddle ${command} ${name}?`,
    })
  }
  const near = nearest(
    name,
    commands.map((command) => command.name),
  )
  const what = name.startsWith('-') ? `Unknown option ${name}` : `Unknown command ${JSON.stringify(name)}`
  throw new UsageError(what, { hint: near === undefined ? 'heddle --help lists the commands' : `did you mean heddle ${near}?` })
}

function print(text: string): number {
  process.stdout.write(text)
  return exitCodes.ok
}
