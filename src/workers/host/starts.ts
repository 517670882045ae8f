/**
 * Keeps count of workers that died before they were of any use. A module that ends every worker that loads it, or workers that cannot
 * even start, would be started for ever.
 */
import { fileURLToPath } from 'node:url'
import { fromElsewhere } from '../../base/call-site.ts'
import { WorkerStartFailed } from '../../base/errors.ts'
import { lostItems } from './crash.ts'
import type { Posted } from './job.ts'
import type { LinkExit } from './link.ts'
import type { PoolWorker } from './worker.ts'

/** A worker that dies this often in a row before anything came back is not started again. */
const mostFailedStarts = 5
/** A module that ends this many workers while it is loaded is given up. */
const mostLoadDeaths = 3

export class Starts {
  #failed = 0
  readonly #loadDeaths = new Map<string, number>()

  /** Something came back from a worker. */
  proved(module?: string): void {
    this.#failed = 0
    if (module !== undefined) this.#loadDeaths.delete(module)
  }

  died(worker: PoolWorker, lost: readonly Posted[]): void {
    if (worker.killed) return
    if (!worker.ready) this.#failed++
    const module = worker.ready ? moduleAtLoad(worker, lost) : undefined
    if (module !== undefined) this.#loadDeaths.set(module, (this.#loadDeaths.get(module) ?? 0) + 1)
  }

  /** Makes the errors for what waits for that function, when it is time to give up; the count then begins anew. */
  verdict(module: string, name: string, exit: LinkExit): (() => WorkerStartFailed) | undefined {
    const deaths = this.#loadDeaths.get(module) ?? 0
    if (deaths < mostLoadDeaths && this.#failed < mostFailedStarts) return undefined
    const what = deaths >= mostLoadDeaths ? `ended ${deaths} workers while it was loaded` : 'found no worker that could start'
    this.proved(module)
    return () => startFailed({ module, name }, `${what} (${exit.reason})`, exit.error)
  }
}

export function startFailed({ module, name }: { module: string; name: string }, what: string, cause: unknown): WorkerStartFailed {
  return fromElsewhere(new WorkerStartFailed(`The worker module of "${name}", ${placeOf(module)}, ${what}`, { cause }))
}

function placeOf(module: string): string {
  return module.startsWith('file:') ? fileURLToPath(module) : module
}

/** The module that was being loaded when the worker died: a thread says so; a process has only the one call that it was given. */
function moduleAtLoad(worker: PoolWorker, lost: readonly Posted[]): string | undefined {
  if (worker.loading !== undefined) return worker.loading
  const [only] = lost
  if (!only || lost.length > 1 || worker.hasLoaded(only.job)) return undefined
  return lostItems(worker, only).started.length === 0 ? only.job.ref.module : undefined
}
