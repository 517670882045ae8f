/** The executors that people name: threads and processes, shared or of one's own. */
import { type Duration, durationMs } from '../base/duration.ts'
import { InvalidOption } from '../base/errors.ts'
import { checkOptions, rules } from '../base/options.ts'
import { parallelism } from '../base/parallelism.ts'
import type { Executor } from '../run/executor.ts'
import { PoolAtFirstUse } from './first-use.ts'
import type { WorkerSettings } from './host/pool.ts'
import { processReach, threadReach } from './reach.ts'

/** Options of a pool of workers of one's own. */
export interface PoolOptions {
  /** How many workers there are at most; they start when they are needed. @default the number of cores (`availableParallelism()`), or what `heddle run --concurrency` says */
  readonly size?: number
  /** How long a cancelled function may go on before its worker is ended. @default '250ms' */
  readonly grace?: Duration
  /** Bound on the heap of each worker, in megabytes, from 8 up: with less a worker cannot start, and V8 may end the whole process. @default that of Node */
  readonly memoryLimitMb?: number
}

/** More threads than any machine has cores; a slip such as a size in megabytes must not start thousands. */
const mostWorkers = 1_024

const poolRules = {
  size: {
    expected: `a whole number from 1 to ${mostWorkers}`,
    accepts: (value: unknown) => Number.isInteger(value) && (value as number) >= 1 && (value as number) <= mostWorkers,
  },
  grace: rules.duration,
  memoryLimitMb: rules.number(8),
}

/** Chosen so that a runaway is gone within half a second of its timeout. */
const defaultGraceMs = 250

let threadsShared: Executor | undefined
let processesShared: Executor | undefined

/**
 * Worker threads of one's own, beside those that all worker modules share. Close them when done.
 *
 * @throws {InvalidOption} for a wrong option
 * @example
 * const pool = threads({ size: 2, memoryLimitMb: 512 })
 * await map(files, parse, { on: pool })
 * await pool.close()
 */
export function threads(options: PoolOptions = {}): Executor {
  checkOptions<PoolOptions>(options, poolRules, 'threads')
  const given = settings(options)
  return new PoolAtFirstUse('threads', given.size, threadReach, async () => (await import('./host/thread.ts')).threadPool(given))
}

/**
 * Child processes of one's own: slower to reach than threads, and proof against anything that a task does to its process.
 *
 * @throws {InvalidOption} for a wrong option, and on Bun, which cannot run them
 * @example
 * const pool = processes({ size: 2 })
 * await map(images, decode, { on: pool })
 * await pool.close()
 */
export function processes(options: PoolOptions = {}): Executor {
  checkOptions<PoolOptions>(options, poolRules, 'processes')
  if (process.versions.bun !== undefined)
    throw new InvalidOption("Worker processes do not run on Bun: isolation: 'process' and processes() need Node", {
      hint: 'Leave isolation out to use threads, or run the program with node.',
    })
  const given = settings(options)
  return new PoolAtFirstUse('processes', given.size, processReach, async () =>
    (await import('./host/process.ts')).processPool(given),
  )
}

export function sharedThreads(): Executor {
  return (threadsShared ??= threads())
}

export function sharedProcesses(): Executor {
  return (processesShared ??= processes())
}

function settings(options: PoolOptions): WorkerSettings {
  return {
    size: options.size ?? parallelism(),
    graceMs: options.grace === undefined ? defaultGraceMs : durationMs(options.grace, 'grace'),
    memoryLimitMb: options.memoryLimitMb,
  }
}
