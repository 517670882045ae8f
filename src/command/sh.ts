/** Commands of the shell as tasks: what they write carries their name, cancelling ends all that they started, and a failure is an error with a name. */
import type { Socket } from 'node:net'
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { lazily } from '../base/builtin.js'
import { Cancelled, CommandFailed, toError } from '../base/errors.ts'
import { type Duration, durationMs } from '../base/duration.ts'
import { context } from '../base/frame.ts'
import { checkOptions, type OptionRules, rules } from '../base/options.ts'
import { guardGroup } from './orphans.ts'
import { Lines, prefixFor, Tail, takesColor } from './output.ts'

const childProcess = lazily('node:child_process')

/** Options of {@link sh}. */
export interface ShOptions {
  /** What stands before each line that it writes. @default the first word of the command */
  readonly name?: string
  /** @default the folder of the program */
  readonly cwd?: string
  /** Variables beside those of the program; `undefined` takes one away. @default none */
  readonly env?: Readonly<Record<string, string | undefined>>
  /**
   * `'lines'`: each line as it comes, with the name before it. `'buffered'`: the same, all at once when the command has ended, so that commands that run side by
   * side do not mix. `'none'`: nothing is shown, it is only in the result. @default 'lines'
   */
  readonly output?: 'lines' | 'buffered' | 'none'
  /** How much of each stream the result and the error keep, in characters: its end. From 0 up. @default 1,000,000 */
  readonly keep?: number
  /** How long it may take to end after it was cancelled (SIGTERM), before it is killed (SIGKILL). @default '2s' */
  readonly grace?: Duration
  /** Ends the command. The signal of the task that it runs in does, without being given. */
  readonly signal?: AbortSignal
}

/** What a command wrote. */
export interface ShResult {
  /** What it wrote, without the newline at the end. */
  readonly stdout: string
  readonly stderr: string
}

const shRules: OptionRules<ShOptions> = {
  name: rules.string,
  cwd: rules.string,
  env: rules.object,
  output: rules.oneOf('lines', 'buffered', 'none'),
  keep: rules.whole(0),
  grace: rules.duration,
  signal: rules.signal,
}

/** A process that has left its pipes to others in the background is waited for no longer than this. */
const pipesMs = 500

/**
 * Runs a command: text for the shell (`/bin/sh`, on Windows `cmd`), or a program and its arguments, which no shell looks at. Values from outside belong into the
 * second form.
 *
 * @throws {CommandFailed} when its exit code is not 0, a signal ended it, or it cannot be started; `exitCode`, `stdout` and `stderr` say more
 * @throws {Cancelled} or the reason of the signal, once everything that it had started has ended
 *
 * @example
 * const g = graph('build')
 * const types = g.task('types', () => sh('tsc -p .'))
 * g.task('bundle', { types }, () => sh(['esbuild', entry, '--bundle']))
 */
export async function sh(command: string | readonly string[], options: ShOptions = {}): Promise<ShResult> {
  checkOptions<ShOptions>(options, shRules, 'sh')
  const signals = [context().signal, ...(options.signal ? [options.signal] : [])]
  for (const signal of signals) signal.throwIfAborted()
  return new Command(command, options, signals).result
}

class Command {
  readonly result: Promise<ShResult>
  readonly #text: string
  readonly #child: ChildProcess
  readonly #stdout: Tail
  readonly #stderr: Tail
  readonly #graceMs: number
  #cancelledBy: AbortSignal | undefined
  #killer: NodeJS.Timeout | undefined

  constructor(command: string | readonly string[], options: ShOptions, signals: readonly AbortSignal[]) {
    const { name, output = 'lines', keep = 1_000_000, grace = '2s' } = options
    this.#text = typeof command === 'string' ? command : command.join(' ')
    this.#graceMs = durationMs(grace, 'grace')
    this.#stdout = new Tail(keep)
    this.#stderr = new Tail(keep)
    this.#child = spawned(command, options)
    const { pid } = this.#child
    const ended = pid === undefined || process.platform === 'win32' ? () => {} : guardGroup(pid)
    const prefix = prefixFor(name ?? (this.#text.trim().split(/\s+/)[0] || 'command'))
    const shown = output === 'none' ? [] : [this.#show('stdout', prefix, output), this.#show('stderr', prefix, output)]
    const aborts = signals.map((signal) => {
      const abort = (): void => this.#cancel(signal)
      signal.addEventListener('abort', abort, { once: true })
      return () => signal.removeEventListener('abort', abort)
    })
    this.result = this.#settled().finally(() => {
      clearTimeout(this.#killer)
      ended()
      for (const done of aborts) done()
      for (const show of shown) show()
    })
  }

  async #settled(): Promise<ShResult> {
    const { stdout, stderr } = this.#child
    stdout?.setEncoding('utf8').on('data', (text: string) => this.#stdout.add(text))
    stderr?.setEncoding('utf8').on('data', (text: string) => this.#stderr.add(text))
    const [exitCode, signal] = await this.#exit()
    if (this.#cancelledBy) {
      // The shell has ended; what it started and what does not heed the signal has not.
      this.#kill('SIGKILL')
      throw this.#cancelledBy.reason ?? new Cancelled(`${this.#text} was cancelled`)
    }
    if (exitCode === 0) return { stdout: trimmed(this.#stdout), stderr: trimmed(this.#stderr) }
    throw this.#failure(exitCode, signal)
  }

  #exit(): Promise<[number | null, NodeJS.Signals | null]> {
    return new Promise((resolve, reject) => {
      this.#child.once('error', (error) => reject(this.#unstarted(error)))
      this.#child.once('close', (code, signal) => resolve([code, signal]))
      this.#child.once('exit', (code, signal) => {
        setTimeout(() => {
          // What it left in the background may hold its pipes for ever, which must not keep this program.
          for (const pipe of [this.#child.stdout, this.#child.stderr]) (pipe as Socket | null)?.unref()
          resolve([code, signal])
        }, pipesMs).unref()
      })
    })
  }

  #show(which: 'stdout' | 'stderr', prefix: (stream: NodeJS.WriteStream) => string, output: 'lines' | 'buffered'): () => void {
    const from = this.#child[which]
    if (!from) return () => {}
    const to = process[which]
    const lines = new Lines(from, to, prefix(to))
    if (output === 'lines') {
      from.setEncoding('utf8').on('data', (text: string) => lines.add(text))
      return () => lines.end()
    }
    return () => {
      lines.add(String(which === 'stdout' ? this.#stdout : this.#stderr))
      lines.end()
    }
  }

  #cancel(signal: AbortSignal): void {
    if (this.#cancelledBy) return
    this.#cancelledBy = signal
    this.#kill('SIGTERM')
    this.#killer = setTimeout(() => this.#kill('SIGKILL'), this.#graceMs)
  }

  /** With everything that it has started. */
  #kill(signal: NodeJS.Signals): void {
    const { pid } = this.#child
    if (pid === undefined) return
    if (process.platform === 'win32') {
      childProcess()
        .spawn('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore' })
        .on('error', () => {})
      return
    }
    try {
      process.kill(-pid, signal)
    } catch {
      // It has ended.
    }
  }

  #failure(exitCode: number | null, signal: NodeJS.Signals | null): CommandFailed {
    const how = signal === null ? `exited with code ${exitCode}` : `was ended by ${signal}`
    return new CommandFailed(`${this.#text} ${how}${lastLine(this.#stderr)}`, {
      exitCode: exitCode ?? undefined,
      signal: signal ?? undefined,
      command: this.#text,
      stdout: trimmed(this.#stdout),
      stderr: trimmed(this.#stderr),
      hint: hints.get(exitCode ?? -1),
    })
  }

  #unstarted(error: Error): CommandFailed {
    return new CommandFailed(`${this.#text} could not be started: ${toError(error).message}`, {
      cause: error,
      command: this.#text,
      hint:
        (error as NodeJS.ErrnoException).code === 'ENOENT'
          ? 'Is the program installed, and is `cwd` a folder that exists?'
          : undefined,
    })
  }
}

/** As shells count. */
const hints = new Map([
  [126, 'The file was found, but it cannot be executed.'],
  [127, 'The shell did not find the program. Those of packages are in node_modules/.bin: run it with npx.'],
  [137, 'SIGKILL: it may have used too much memory.'],
])

function spawned(command: string | readonly string[], { cwd, env }: ShOptions): ChildProcess {
  const inherited = process.env
  // Commands see a pipe, and would leave out the colours that the terminal takes.
  const color = inherited['FORCE_COLOR'] === undefined && takesColor(process.stdout) ? { FORCE_COLOR: '1' } : {}
  const settings: SpawnOptions = {
    cwd,
    env: { ...inherited, ...color, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
    windowsHide: true,
  }
  if (typeof command === 'string') return childProcess().spawn(command, { ...settings, shell: true })
  const [file = '', ...args] = command
  return childProcess().spawn(file, args, settings)
}

function trimmed(tail: Tail): string {
  return String(tail).replace(/\r?\n$/, '')
}

function lastLine(tail: Tail): string {
  const line = String(tail).slice(-2_000).trimEnd().split('\n').at(-1)?.trim()
  return line === undefined || line === '' ? '' : `: ${line}`
}
