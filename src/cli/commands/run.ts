/**
 * `heddle run FILE [arguments]`: runs a program and records it, then says what bounded it.
 *
 * A program is a script, or a module whose default export is a graph (it is run) or a function (it is called with the arguments).
 * It sees the same `process.argv` as under plain Node. Its results go to stdout, everything that heddle says to stderr.
 */
import { statSync } from 'node:fs'
import { HeddleError, nameClass } from '../../base/errors.ts'
import { concurrencyVariable, parseConcurrency } from '../../base/parallelism.ts'
import type { TaskRecord } from '../../base/observer.ts'
import { printable, Recorder, TraceFile, type TraceSink, TraceStream } from '../../trace/index.ts'
import { isTrace } from '../../trace/format/file.ts'
import type { Invocation } from '../interface/command-spec.ts'
import { exitForSure } from '../program/exit.ts'
import { explained, manyTasks } from '../program/explained.ts'
import { exitCodes } from '../interface/exit-codes.ts'
import { Interrupts } from '../program/interrupts.ts'
import { defaultExportOf } from '../program/default-export.ts'
import { loadModule, programPath } from '../program/load.ts'
import type { Webhook } from '../program/webhook.ts'
import { forbidColor } from '../terminal/paint.ts'
import { type Outcome, shown } from '../reporters/report-run.ts'
import { chooseReporter, openReporter, type Reporter } from '../reporters/reporter.ts'
import type { RunPage } from './run-page.ts'
import { say, sayJson } from '../terminal/say.ts'
import { columnsOf } from '../terminal/wrap.ts'
import { UsageError } from '../interface/usage-error.ts'

export async function command({ positionals, options }: Invocation): Promise<number> {
  const [file = '', ...args] = positionals
  const path = programPath(file)
  applyOptions(options)
  // Worker modules compare themselves with the entry, and programs read their arguments.
  process.argv = [process.argv[0] ?? 'node', path, ...args]
  if (options['dry-run'] === true) return dryRun(path, options)
  const json = options.json === true
  // Looked up when it is called: the window watches what is written from then on.
  const write = (text: string): unknown => process.stdout.write(text)
  const name = chooseReporter({ json, reporter: options.reporter === true ? undefined : options.reporter })
  const reporter = await openReporter(name, options.quiet === true)
  const webhook = typeof options['webhook'] === 'string' ? await openWebhook(options['webhook'], file) : undefined
  const page = options.ui === true ? await openPage(options['no-open'] !== true) : undefined
  const run = new ProgramRun(file, reporter, typeof options.trace === 'string' ? options.trace : undefined, page, webhook)
  return run.run(path, args, boundOf(options), name === 'json' ? undefined : write)
}

/** @throws {UsageError} when an option has a value that it cannot have */
function applyOptions(options: Invocation['options']): void {
  if (options['no-color'] === true) forbidColor()
  if (typeof options.concurrency !== 'string') return
  try {
    parseConcurrency(options.concurrency, '--concurrency')
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  process.env[concurrencyVariable] = options.concurrency
}

async function openPage(open: boolean): Promise<RunPage> {
  return (await import('./run-page.ts')).RunPage.open(open)
}

async function openWebhook(url: string, program: string): Promise<Webhook> {
  const webhook = await import('../program/webhook.ts')
  return new webhook.Webhook(url, program)
}

class ProgramRun {
  readonly #reporter: Reporter
  readonly #page: RunPage | undefined
  readonly #webhook: Webhook | undefined
  /** Where the recording goes while it grows. */
  readonly #stream: { close(): void } | undefined
  readonly #recorder: Recorder
  readonly #file: TraceFile | undefined
  readonly #interrupts: Interrupts
  #reported = false

  constructor(
    name: string,
    reporter: Reporter,
    traceFile: string | undefined,
    page: RunPage | undefined,
    webhook: Webhook | undefined,
  ) {
    this.#reporter = reporter
    this.#webhook = webhook
    this.#recorder = new Recorder({ name, window: 'runs', live: true })
    this.#page = page
    const sinks = page ? [page.send] : []
    this.#file = traceFile === undefined ? undefined : openTraceFile(traceFile, this.#recorder, sinks)
    this.#stream = this.#file ?? (page && new TraceStream(this.#recorder, sinks))
    this.#interrupts = new Interrupts((code) => this.#leave({ code }))
  }

  /** @param printResult takes what the default export gives, as text; without it the reporter has it */
  async run(
    path: string,
    args: readonly string[],
    bound: Bound,
    printResult: ((text: string) => unknown) | undefined,
  ): Promise<number> {
    const quiet = new QuietEnd(() => underWay(this.#recorder.open.list()))
    process.once('exit', (code) => {
      this.#report({ code })
      // The program ended the process itself; no turn of the event loop is left to wait in.
      if (this.#interrupts.code === undefined) this.#page?.stayInPlace()
    })
    process.on('uncaughtException', this.#onUncaught)
    this.#reporter.begin?.(this.#recorder)
    await this.#interrupts.ready
    try {
      const program = programIn(await quiet.unless(loadModule(path)))
      const value = await quiet.unless(runDefault(await program, args, bound))
      if (value !== undefined) printResult?.(`${typeof value === 'string' ? value : shown(value)}\n`)
      await quiet.wait()
      return await this.#stay(this.#report({ code: this.#interrupts.code ?? Number(process.exitCode ?? exitCodes.ok), value }))
    } catch (error) {
      const code = this.#report({ code: this.#interrupts.code ?? exitCodes.failed, error })
      this.#exit(await this.#stay(code))
    }
  }

  /** Keeps the page until Ctrl-C, unless the run itself was interrupted; gives the exit code of the run. */
  async #stay(code: number): Promise<number> {
    if (this.#interrupts.code === undefined) await this.#page?.stay()
    return code
  }

  #onUncaught = (error: unknown): void => {
    // A program that handles its own is left to it.
    if (process.listenerCount('uncaughtException') === 1) this.#leave({ code: exitCodes.failed, error })
  }

  /** Reports and ends the process, whatever is still under way. */
  #leave(outcome: Outcome): never {
    this.#exit(this.#report({ ...outcome, code: this.#interrupts.code ?? outcome.code }))
  }

  #exit(code: number): never {
    if (this.#interrupts.code === undefined) process.exit(code)
    exitForSure(code)
  }

  /** Once; gives the exit code. */
  #report(outcome: Outcome): number {
    if (this.#reported) return outcome.code
    this.#reported = true
    this.#interrupts.stop()
    const trace = this.#recorder.end()
    this.#stream?.close()
    this.#page?.end()
    const broken = this.#file?.error !== undefined && this.#recorder.spilled === 0
    const file = broken || this.#file?.seekable === false ? undefined : this.#file?.path
    this.#reporter.end(explained(this.#recorder, trace, file), outcome)
    if (this.#file?.error) say(process.stderr, `the trace ${this.#file.path} is not complete: ${this.#file.error.message}`)
    this.#webhook?.send(outcome)
    return outcome.code
  }
}

function openTraceFile(path: string, recorder: Recorder, alsoTo: readonly TraceSink[]): TraceFile {
  if (isSpecial(path))
    throw new UsageError(`--trace ${path}: not a regular file; a trace is written to one`, {
      hint: 'heddle run --trace run.heddle FILE',
    })
  if (isOtherFile(path))
    throw new UsageError(`--trace ${path}: the file there is not a trace, and would be overwritten`, {
      hint: 'heddle run --trace run.heddle FILE',
    })
  try {
    return new TraceFile(path, recorder, alsoTo, manyTasks)
  } catch (error) {
    throw new UsageError(`The trace ${path} cannot be written: ${(error as Error).message}`, { cause: error })
  }
}

/** Whether it is a pipe or a device: opening one may wait for ever. */
function isSpecial(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat !== undefined && !stat.isFile() && !stat.isDirectory()
}

/** Whether there is something at the path that a trace must not replace, such as the program. */
function isOtherFile(path: string): boolean {
  try {
    const stat = statSync(path)
    return stat.size > 0 && !isTrace(path)
  } catch {
    // A file that cannot be looked at is reported when it is opened.
    return false
  }
}

/** Shows what a graph would do, and runs nothing of it. */
async function dryRun(path: string, options: Invocation['options']): Promise<number> {
  const seen = await defaultExportOf(path).catch(() => 'a value' as const)
  if (seen !== 'a value') {
    const what = seen === 'none' ? 'this file has none' : `that of this file is ${seen}`
    throw new UsageError(`Only a graph can be planned: --dry-run needs a default export that is one; ${what}`, {
      hint: 'nothing was run; write `export default` before the graph, or run the program without --dry-run',
    })
  }
  const program = programIn(await loadModule(path))
  if (!isGraph(program)) {
    throw new UsageError('Only a graph can be planned: the default export of this file is not one', {
      hint: 'the file was loaded to see that, so its top level has run; nothing else has',
    })
  }
  const plan = program.plan(boundOf(options))
  if (options.json === true) sayJson(process.stdout, JSON.stringify(plan, null, 2))
  else say(process.stdout, plan.toString(columnsOf(process.stdout)))
  return exitCodes.ok
}

interface Bound {
  readonly concurrency?: number
}

interface Runnable {
  run(targets: undefined, options: Bound): Promise<unknown>
  plan(options: Bound): { toString(columns?: number): string }
}

/** What `--concurrency` says for a graph. */
function boundOf({ concurrency }: Invocation['options']): Bound {
  return typeof concurrency === 'string' ? { concurrency: parseConcurrency(concurrency, '--concurrency') } : {}
}

/** The default export; that of a module which was compiled to CommonJS is one level deeper. */
function programIn(module: Record<string, unknown>): unknown {
  const { default: program } = module
  const inner = typeof program === 'object' && program !== null ? (program as Record<string, unknown>) : {}
  return inner.__esModule === true ? inner.default : program
}

function runDefault(program: unknown, args: readonly string[], bound: Bound): Promise<unknown> {
  // As npm and other runners write it, `--` stands between the file and the program's arguments.
  const own = args[0] === '--' ? args.slice(1) : args
  if (typeof program === 'function') return Promise.resolve((program as (...args: string[]) => unknown)(...own))
  if (isGraph(program)) return program.run(undefined, bound)
  return Promise.resolve(undefined)
}

function isGraph(value: unknown): value is Runnable {
  return (
    typeof value === 'object' &&
    value !== null &&
    'run' in value &&
    'plan' in value &&
    typeof value.run === 'function' &&
    typeof value.plan === 'function'
  )
}

/**
 * The moment at which the process has nothing left to do. Other listeners, such as the detector of deadlocks, get another turn
 * to end what waits for ever in its own words.
 */
class QuietEnd {
  readonly #underWay: () => string
  readonly #quiet = new Promise<void>((resolve) => {
    process.once('beforeExit', () => {
      setImmediate(() => process.once('beforeExit', () => resolve()))
    })
  })

  /** @param underWay says what has not settled, to follow the error's message */
  constructor(underWay: () => string) {
    this.#underWay = underWay
  }

  wait(): Promise<void> {
    return this.#quiet
  }

  /** The value of the promise; an error when the process has nothing left to do and the promise still waits. */
  async unless<T>(promise: Promise<T>): Promise<T> {
    const stuck = Symbol('stuck')
    const first = await Promise.race([promise, this.#quiet.then(() => stuck)])
    if (first !== stuck) return first as T
    throw new ProgramStuck(
      `The program waits for something that cannot come any more: no timer, no worker and no I/O is left${this.#underWay()}`,
      { hint: 'look for a promise that is never resolved, such as one made by hand or a lock that is never released' },
    )
  }
}

const namedUnderWay = 3

/** The tasks that wait themselves, not for those inside them. */
function underWay(open: readonly TaskRecord[]): string {
  const parents = new Set(open.map(({ parent }) => parent))
  const names = open
    .filter(({ id }) => !parents.has(id))
    .map(({ name, run, index }) => printable(name ?? `${run.name}[${index}]`))
  if (names.length === 0) return ''
  const more = names.length > namedUnderWay ? ` and ${names.length - namedUnderWay} more` : ''
  return `; still under way: ${names.slice(0, namedUnderWay).join(', ')}${more}`
}

/** The program can never end by itself. */
class ProgramStuck extends HeddleError {
  static {
    nameClass(this, 'ProgramStuck', 'HEDDLE_PROGRAM_STUCK')
  }
}
