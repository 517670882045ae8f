/** Pitfalls of the machine: work on the wrong thread, more threads than cores. */
import { counted } from '../../base/counted.ts'
import { formatMs } from '../../base/duration.ts'
import { notesOf } from '../explain/notes.ts'
import { percent } from '../explain/words.ts'
import { type Fault, codeName, type Facts, wholeRun } from './advice.ts'

/** Share of the wall time from which on this thread's computing is what bounds the run. */
const busyShare = 0.5
/** Less is mostly what a program spends once, on loading modules and compiling them: a worker would spend it again. Chosen. */
const loadingMs = 1_000

export function cpuOnEventLoop(facts: Facts): Fault[] {
  const { work, wallMs, groups, related } = facts
  const cores = related.trace.meta.cores
  if (cores < 2 || work.threadComputeMs < Math.max(loadingMs, busyShare * wallMs)) return []
  const most = groups.filter(({ onWorkers, tasks }) => onWorkers < tasks / 2).toSorted((a, b) => b.workMs - a.workMs)[0]
  if (!most) return []
  const name = codeName(most.label)
  const held = work.heldMs >= 50 ? `, held for up to ${formatMs(work.heldMs)}` : ''
  return [
    {
      rule: 'cpu-on-event-loop',
      where: most.label,
      message: `${most.label} computes on the event loop`,
      proof: [
        `this thread was busy ${percent(work.threadComputeMs / wallMs)} of the time while tasks ran on it${held}; ${cores === 1 ? 'one core is' : `${cores} cores are`} there`,
      ],
      savingMs: work.threadComputeMs * (1 - 1 / cores),
      remedy: `move it to a module of its own: export const { ${name} } = workers(import.meta.url, { ${name} }), then map(items, ${name})`,
    },
  ]
}

/** Always worth saying: it also costs whatever else runs on the machine. */
const minSaving = 0.05

export function oversubscription(facts: Facts): Fault[] {
  const { related, work, workersAtOnce } = facts
  const cores = related.trace.meta.cores
  const native = nativeThreads(facts)
  if (native.length > 0) return native
  const inner = innerThreads(facts)
  const threads = workersAtOnce * inner
  if (threads <= cores) return []
  // A quarter of the waiting for cores, as switching and colder caches: a guess, where the trace shows only the waiting.
  const savingMs = Math.max(minSaving * facts.wallMs, work.waitedForCoreMs / threads / 4)
  return [
    {
      rule: 'oversubscription',
      where: wholeRun,
      message: `${counted(threads, 'thread')} compute on ${counted(cores, 'core')}`,
      proof: [
        `${counted(workersAtOnce, 'worker')} at once${inner > 1 ? `, each with ${inner} threads of its own` : ''}; their tasks waited ${formatMs(work.waitedForCoreMs)} for a core`,
      ],
      savingMs,
      remedy:
        inner > 1
          ? `bound the inner threads: UV_THREADPOOL_SIZE=1 OMP_NUM_THREADS=1 heddle run …`
          : `heddle run --concurrency ${cores} …`,
    },
  ]
}

/** Native threads wanted at least this many times the cores, and waited this share of the time that they computed. */
const [crowded, waitedShare] = [1.25, 0.25]

/** What native modules and Node's own pool start beside the workers, found by what the system counted. */
function nativeThreads({ related, work, wallMs, idle }: Facts): Fault[] {
  const { cores } = related.trace.meta
  const threads = work.nativeThreads
  if (threads < crowded * cores || work.cores.native < 0.3 || work.waitedForCoreMs < waitedShare * work.computedMs) return []
  const workers = idle.of === 'workers' ? idle.rows : 0
  const used = work.cores.thread + work.cores.workers + work.cores.native + work.cores.children
  return [
    {
      rule: 'oversubscription',
      where: wholeRun,
      message: `${Math.round(threads)} native threads compete for ${counted(cores, 'core')}`,
      proof: [
        `modules of the tasks compute on threads of their own: ${work.cores.native.toFixed(1)} of the ${used.toFixed(1)} cores in use${workers > 0 ? `, beside ${counted(workers, 'worker')}` : ''}; more at once gain nothing, and each takes memory`,
      ],
      savingMs: minSaving * wallMs,
      remedy: `one thread in each task, as many tasks as cores: sharp.concurrency(1) in a worker's setup or the like, and UV_THREADPOOL_SIZE=${cores} OMP_NUM_THREADS=1 heddle run …`,
    },
  ]
}

/** Threads that each worker uses, as notes of kind `worker-start` say. */
function innerThreads({ related }: Facts): number {
  return notesOf(related.trace, 'worker-start').reduce(
    (most, { data }) => (typeof data.threads === 'number' ? Math.max(most, data.threads) : most),
    1,
  )
}
