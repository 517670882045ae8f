import { checkOptions, rules } from '../base/options.ts'
import { describe, InvalidOption } from '../base/errors.ts'
import { type Executor, refOf } from '../run/executor.ts'
import { insideWorker } from './define.ts'

/** Options of {@link warmUp}. */
export interface WarmUpOptions {
  /** Warms these workers. @default those on which the functions run */
  readonly on?: Executor
}

/**
 * Starts every worker, and loads and sets up the modules of these functions there, so that the first calls need not wait for it: for servers,
 * before they say that they are ready. Inside a worker there is nothing to do.
 *
 * @param functions a worker function, or a list of them; one of each module is enough
 * @throws {WorkerStartFailed} when a module cannot be loaded
 *
 * @example
 * await warmUp([resize, entities])
 */
export async function warmUp(functions: WorkerLike | readonly WorkerLike[], options: WarmUpOptions = {}): Promise<void> {
  checkOptions<WarmUpOptions>(options, { on: rules.executor }, 'warmUp')
  if (insideWorker()) return
  const refs = [functions].flat().map((fn) => {
    const ref = refOf(fn)
    if (ref) return ref
    throw new InvalidOption(`Expected warmUp to get worker functions, got ${describe(fn)}`, {
      hint: 'Define them in a module of their own: export const { name } = workers(import.meta.url, { name(item) { … } }).',
    })
  })
  await Promise.all(refs.map((ref) => (options.on ?? ref.executor).warmUp?.(ref)))
}

type WorkerLike = (...args: never[]) => Promise<unknown>
