/**
 * `heddle run FILE [arguments]`: runs a program and records it, then says what bounded it.
 *
 * A program is a script, or a module whose default export is a graph (it is run) or a function (it is called with the arguments).
 * It sees the same `process.argv` as under plain Node. Its results go to stdout, everything that heddle says to stderr.
 */
import { inspect } from 'node:util'
import { HeddleError } from '../base/errors.ts'
import { explain, Recorder } from '../trace/index.ts'
import type { Invocation } from './arguments.ts'
import { exitCodes } from './exit-codes.ts'
import { Interrupts } from './interrupts.ts'
import { loadModule, programPath } from './load.ts'
import { type Outcome, writeJson, writeReport } from './report-run.ts'

export async function command({ positionals, options }: Invocation): Promise<number> {
  const [file = '', ...args] = positionals
  const path = programPath(file)
  // Worker modules compare themselves with the entry, and programs read their arguments.
  process.argv = [process.argv[0] ?? 'node', path, ...args]
  const json = options.json === true
  const toStdout = process.stdout.write.bind(process.stdout)
  if (json) process.stdout.write = process.stderr.write.bind(process.stderr) as typeof process.stdout.write
  return new ProgramRun(file, json, toStdout).run(path, args)
}

class ProgramRun {
  readonly #json: boolean
  readonly #write: (text: string) => unknown
  readonly #recorder: Recorder
  readonly #interrupts: Interrupts
  #reported = false

  constructor(file: string, json: boolean, write: (text: string) => unknown) {
    this.#json = json
    this.#write = write
    this.#recorder = new Recorder({ name: file, window: 'runs', live: true })
    this.#interrupts = new Interrupts((code) => this.#leave({ code }))
  }

  async run(path: string, args: readonly string[]): Promise<number> {
    const quiet = new QuietEnd()
    process.once('exit', (code) => this.#report({ code }))
    process.on('uncaughtException', this.#onUncaught)
    try {
      const { default: program } = await quiet.unless(loadModule(path))
      const value = await quiet.unless(runDefault(program, args))
      if (value !== undefined && !this.#json) this.#write(`${typeof value === 'string' ? value : inspect(value, { depth: 6 })}\n`)
      await quiet.wait()
      return this.#report({ code: this.#interrupts.code ?? Number(process.exitCode ?? exitCodes.ok), value })
    } catch (error) {
      return this.#leave({ code: exitCodes.failed, error })
    }
  }

  #onUncaught = (error: unknown): void => {
    // A program that handles its own is left to it.
    if (process.listenerCount('uncaughtException') === 1) this.#leave({ code: exitCodes.failed, error })
  }

  /** Reports and ends the process, whatever is still under way. */
  #leave(outcome: Outcome): never {
    process.exit(this.#report({ ...outcome, code: this.#interrupts.code ?? outcome.code }))
  }

  /** Once; gives the exit code. */
  #report(outcome: Outcome): number {
    if (this.#reported) return outcome.code
    this.#reported = true
    this.#interrupts.stop()
    const explanation = explain(this.#recorder.end())
    if (this.#json) writeJson(this.#write, explanation, outcome)
    else writeReport(process.stderr, explanation, outcome)
    return outcome.code
  }
}

interface Runnable {
  run(): Promise<unknown>
}

function runDefault(program: unknown, args: readonly string[]): Promise<unknown> {
  if (typeof program === 'function') return Promise.resolve((program as (args: readonly string[]) => unknown)(args))
  if (isGraph(program)) return program.run()
  return Promise.resolve(undefined)
}

function isGraph(value: unknown): value is Runnable {
  return typeof value === 'object' && value !== null && 'run' in value && 'plan' in value && typeof value.run === 'function'
}

/** The moment at which the process has nothing left to do. */
class QuietEnd {
  readonly #quiet = new Promise<void>((resolve) => {
    process.once('beforeExit', () => resolve())
  })

  wait(): Promise<void> {
    return this.#quiet
  }

  /** What the promise gives; an error when the process has nothing left to do and the promise still waits. */
  async unless<T>(promise: Promise<T>): Promise<T> {
    const stuck = Symbol('stuck')
    const first = await Promise.race([promise, this.#quiet.then(() => stuck)])
    if (first !== stuck) return first as T
    throw new HeddleError('The program waits for something that cannot come any more: no timer, no worker and no I/O is left', {
      hint: 'look for a promise that is never resolved, such as one made by hand or a lock that is never released',
    })
  }
}
