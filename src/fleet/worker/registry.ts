/** What a worker runs: the functions of the modules that its command line named, and nothing else, whatever a message asks for. */
import { InvalidOption, WorkerStartFailed } from '../../base/errors.ts'
import { composedRef } from '../../run/composed.ts'
import { type FunctionRef, refOf } from '../../run/executor.ts'
import { workers } from '../../workers/define.ts'
import { moduleBuildOf } from '../naming/build.ts'
import { keyOf, type ModuleBuild } from '../naming/names.ts'
import type { FunctionName } from '../protocol/message.ts'

export interface RegisteredModule {
  readonly build: ModuleBuild
  readonly functions: readonly FunctionRef[]
}

export class Registry {
  readonly modules: readonly RegisteredModule[]
  readonly #functions = new Map<string, FunctionRef>()

  /**
   * @param loaded modules, by the URL of each
   * @throws {InvalidOption} for a module without functions
   */
  constructor(loaded: ReadonlyMap<string, Readonly<Record<string, unknown>>>) {
    const byModule = new Map<string, Map<string, FunctionRef>>()
    for (const [url, exports] of loaded) {
      const found = functionsOf(url, exports)
      if (found.length === 0)
        throw new InvalidOption(`The module ${url} exports no worker functions`, {
          hint: 'A worker module says: export const { name } = workers(import.meta.url, { name(item) { … } }).',
        })
      // A module may export those of another one.
      for (const ref of found) {
        const functions = byModule.get(ref.module) ?? new Map<string, FunctionRef>()
        // What holds the thread of the program would hold its locks too.
        byModule.set(ref.module, functions.set(ref.name, { ...ref, inline: false }))
      }
    }
    this.modules = [...byModule].map(([url, functions]) => ({ build: moduleBuildOf(url), functions: [...functions.values()] }))
    for (const { build, functions } of this.modules)
      for (const ref of functions)
        this.#functions.set(keyOf({ package: build.package, module: build.module, name: ref.name }), ref)
  }

  /** Which code the functions are of; undefined where it is not here. */
  buildOf([fn]: readonly FunctionName[]): string | undefined {
    return this.modules.find(({ build }) => build.package === fn?.package && build.module === fn.module)?.build.build
  }

  /** @throws {WorkerStartFailed} for a function that is not registered here */
  find(fns: readonly FunctionName[]): FunctionRef {
    const refs = fns.map((fn) => {
      const ref = this.#functions.get(keyOf(fn))
      if (ref) return ref
      const cause = new InvalidOption(`This worker was started without ${fn.package}/${fn.module}, or that has no such function`)
      throw new WorkerStartFailed(`The worker has no function ${JSON.stringify(fn.name)}`, {
        cause,
        hint: 'A worker runs the functions of the modules that its command line names.',
      })
    })
    return refs.reduce(composedRef)
  }
}

/** Those that `workers` made; of a module that knows nothing of heddle, all its functions. */
function functionsOf(url: string, exports: Readonly<Record<string, unknown>>): FunctionRef[] {
  const candidates = Object.values(exports).flatMap((value) =>
    typeof value === 'object' && value !== null ? [value, ...Object.values(value)] : [value],
  )
  const refs = candidates.map(refOf).filter((ref) => ref !== undefined)
  // What no file is named of, nobody could load.
  if (refs.length > 0 || !URL.canParse(url)) return refs
  const theirs = workers<Record<string, () => unknown>>(new URL(url)) as Readonly<Record<string, unknown>>
  return Object.keys(exports)
    .filter((name) => typeof exports[name] === 'function')
    .map((name) => refOf(theirs[name]))
    .filter((ref) => ref !== undefined)
}
