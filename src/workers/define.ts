/**
 * Worker modules: a module defines its functions where they are written, and everybody else calls them as if they were here.
 */
import { fileURLToPath } from 'node:url'
import { lazily } from '../base/builtin.js'
import { describe, InvalidOption } from '../base/errors.ts'
import type { Explicit, TaskContext } from '../base/frame.ts'
import { checkFunction, checkOptions, rules } from '../base/options.ts'
import { call } from '../run/call.ts'
import { type Executor, type FunctionRef, functionRef } from '../run/executor.ts'
import { byName } from './by-name.ts'
import { identityOf } from './identity.ts'
import { sharedProcesses, sharedThreads } from './executors.ts'
import { type Definitions, insideWorker, plainly } from './in-worker.ts'
import { thisThread } from './this-thread.ts'

const fs = lazily('node:fs')
const modules = lazily('node:module')

/** A function as others see it: the same arguments without the context that heddle adds, and always a promise. */
export type WorkerFunction<F> = F extends (...args: infer A) => infer R
  ? (...args: WithoutContext<A>) => Promise<Awaited<R>>
  : never

type WithoutContext<A extends unknown[]> = Explicit<A> extends [...infer Rest, TaskContext | undefined] ? Rest : Explicit<A>

/** The functions of a module as worker functions: same parameters, promises of the same results. */
export type WorkerFunctions<M> = {
  readonly [K in keyof M as M[K] extends (...args: never[]) => unknown ? K : never]: WorkerFunction<M[K]>
}

/** Options of {@link workers}. */
export interface WorkersOptions {
  /** Runs once in each worker, before the first call of the module there. May be asynchronous. @default none */
  readonly setup?: () => unknown
  /**
   * `'thread'`: worker threads, shared by all modules. `'process'`: child processes, for code that may bring the process down, such
   * as with memory. `'none'`: this thread, to find a mistake with a debugger. @default 'thread'
   */
  readonly isolation?: 'thread' | 'process' | 'none'
  /**
   * Consents that functions of this module may run on the caller's thread, where a map of tiny items costs less than sending it. They may then
   * get the caller's own objects as arguments, and must not change them, nor keep what they give back. Nothing contains a function there: it can end the process, fill its
   * memory and hold the event loop. (A call that holds the thread for a second is stopped, rejects with `TimedOut`, and the module runs on workers
   * only from then on.) Functions with a `setup` or a `timeout` run on workers all the same. @default false
   */
  readonly inline?: boolean
  /** An executor of one's own: `threads({ … })`, `processes({ … })`. @default the shared one of `isolation` */
  readonly on?: Executor
}

const workersRules = {
  setup: rules.function,
  isolation: rules.oneOf('thread', 'process', 'none'),
  inline: rules.boolean,
  on: rules.executor,
}

/**
 * Defines worker functions in their own module, or names those of somebody else's.
 *
 * @param module `import.meta.url` together with the functions; or the URL of a module whose exports are meant, which is then
 *   not loaded on this thread: `workers<typeof import('./image.js')>(new URL('./image.js', import.meta.url))`
 * @param functions run on the workers; each gets its arguments, then a `TaskContext`. Arguments and results are copied as
 *   `structuredClone` copies them; `transfer` moves buffers, and a `SharedArrayBuffer` is shared
 * @returns the same functions, each returning a promise. Inside a worker they run right there
 * @throws {InvalidOption} when the module is the program's entry, which every worker would run again
 *
 * @example
 * // analyse.ts
 * export const { entities, sentiment } = workers(import.meta.url, {
 *   entities(text: string): string[] { … },
 *   sentiment(text: string): number { … },
 * })
 */
export function workers<const D extends Definitions>(module: string, functions: D, options?: WorkersOptions): WorkerFunctions<D>
export function workers<M extends object>(module: URL, options?: WorkersOptions): WorkerFunctions<M>
export function workers(module: string | URL, second?: Definitions | WorkersOptions, third?: WorkersOptions): unknown {
  const definitions = typeof module === 'string' ? checkDefinitions(second) : undefined
  const options = (definitions ? third : (second as WorkersOptions | undefined)) ?? {}
  checkOptions<WorkersOptions>(options, workersRules, 'workers')
  const url = checkModule(module)
  const inside = insideWorker()
  if (inside) return plainly(inside, url, definitions, options.setup)
  if (definitions) refuseEntry(url)
  checkInline(options, definitions !== undefined)
  const executor = options.on ?? executorOf(options.isolation)
  const { setup, inline } = options
  const make = (name: string): unknown =>
    workerFunction({
      module: url,
      name,
      local: definitions?.[name]?.bind(definitions),
      setup,
      inline: inline === true,
      executor,
      identity: () => identityOf(url, name),
    })
  if (definitions) return Object.freeze(Object.fromEntries(Object.keys(definitions).map((name) => [name, make(name)])))
  return byName(make)
}

function checkInline({ inline, isolation }: WorkersOptions, local: boolean): void {
  if (inline !== true) return
  if (isolation === 'process')
    throw new InvalidOption("Expected workers to get isolation: 'process' or inline: true, not both", {
      hint: 'A process contains what a function does, and inline: true lets the function run in this process. Take one of them away.',
    })
  if (!local)
    throw new InvalidOption(
      'Expected inline: true only where the functions are defined: a module named by URL is not loaded here',
      {
        hint: 'Write workers(import.meta.url, { … }, { inline: true }) in that module.',
      },
    )
}

function executorOf(isolation: WorkersOptions['isolation']): Executor {
  if (isolation === 'process') return sharedProcesses()
  return isolation === 'none' ? thisThread : sharedThreads()
}

function workerFunction(ref: FunctionRef): unknown {
  const stub = { [ref.name]: (...args: unknown[]): Promise<unknown> => call(ref, args) }[ref.name] as object
  return Object.defineProperty(stub, functionRef, { value: ref })
}

function checkModule(module: unknown): string {
  if (module instanceof URL) return module.href
  if (typeof module === 'string' && URL.canParse(module)) return module
  throw new InvalidOption(`Expected the module of workers to be import.meta.url or a URL, got ${describe(module)}`, {
    hint: 'Write workers(import.meta.url, { … }), or workers(new URL("./module.js", import.meta.url)).',
  })
}

function checkDefinitions(functions: unknown): Definitions {
  if (typeof functions !== 'object' || functions === null) {
    throw new InvalidOption(`Expected workers(import.meta.url, …) to get a record of functions, got ${describe(functions)}`)
  }
  for (const [name, fn] of Object.entries(functions)) checkFunction(fn, name, 'workers')
  return functions as Definitions
}

/** Every worker loads the module again; were it the program itself, each would start the whole program. */
function refuseEntry(url: string): void {
  const entry = process.argv[1]
  if (entry === undefined || !url.startsWith('file:')) return
  if (fileOf(fileURLToPath(url)) !== fileOf(entry)) return
  throw new InvalidOption(
    'A worker module must be a module of its own: this one is the program itself, which every worker would run again',
    {
      hint: 'Move the worker functions into a file of their own and import them from there. In a bundle, make that file an entry of its own.',
    },
  )
}

/** The file that `node PATH` runs: also `node folder`, and `node main` for main.js. */
function fileOf(path: string): string {
  try {
    return fs().realpathSync(
      modules()
        .createRequire(import.meta.url)
        .resolve(path),
    )
  } catch {
    return fs().existsSync(path) ? fs().realpathSync(path) : path
  }
}
