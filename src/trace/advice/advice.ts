/** Advice: pitfalls that a trace shows by itself, each with its evidence, what avoiding it should save, and what to type. */
import { formatMs } from '../../base/duration.ts'
import type { Finding } from '../../findings/finding.ts'
import type { Work } from '../explain/contention.ts'
import type { CriticalPath } from '../explain/critical-path.ts'
import type { Grouping, GroupStats } from '../explain/groups.ts'
import type { RowUse } from '../explain/idle.ts'
import type { Idle } from '../explain/idle-summary.ts'
import type { Related } from '../explain/relate.ts'
import { isWorkerRow } from '../processor/rows.ts'

/** The faults that a trace shows by itself. */
export type Pitfall =
  | 'small-tasks'
  | 'not-worth-threads'
  | 'contained'
  | 'copying'
  | 'merging-here'
  | 'waiting-for-machines'
  | 'too-few-tasks'
  | 'one-after-the-other'
  | 'stragglers'
  | 'cpu-on-event-loop'
  | 'oversubscription'
  | 'waiting-on-limiter'
  | 'big-messages'
  | 'retry-storm'
  | 'not-retried'
  | 'two-retries'
  | 'more-workers-hurt'
  | 'unused-result'
  | 'calls-in-sequence'

/** Something that is worth changing: a finding in a run, with the numbers that show it and what to type. */
export interface Advice extends Finding {
  readonly rule: Pitfall
  /** What avoiding it should save of the wall time, in milliseconds; 0 when that cannot be said. */
  readonly savingMs: number
  /** The same as `rule`. */
  readonly pitfall: Pitfall
  /** The same as `message`. */
  readonly title: string
  /** `proof` in one line. */
  readonly evidence: string
  /** The same as `remedy`. */
  readonly suggestion: string
}

/** What a rule says; the rest follows from it. */
export type Fault = Pick<Advice, 'rule' | 'where' | 'message' | 'proof' | 'savingMs' | 'remedy'>

/** A trace shows what something cost, never that another order gives the same result: a person decides. */
export function adviceOf(fault: Fault): Advice {
  const { rule, message, proof, savingMs, remedy } = fault
  return {
    ...fault,
    tier: 'likely',
    saving: savingMs > 0 ? `about ${formatMs(savingMs)}` : '',
    pitfall: rule,
    title: message,
    evidence: proof.join('; '),
    suggestion: remedy,
  }
}

/** Where a fault is that no one function has. */
export const wholeRun = 'the run'

/** What the rules judge. */
export interface Facts {
  readonly related: Related
  readonly wallMs: number
  readonly work: Work
  readonly selfMs: Float64Array
  readonly criticalPath: CriticalPath
  readonly rows: readonly RowUse[]
  readonly workersAtOnce: number
  readonly idle: Idle
  readonly groups: readonly GroupStats[]
  readonly grouping: Grouping
}

export type Rule = (facts: Facts) => readonly Fault[]

/** A saving below this share of the wall time is not worth anybody's attention; chosen. */
const worthSaying = 0.05

export function worthIt(facts: Facts, fault: Fault): boolean {
  return fault.savingMs >= Math.max(1, worthSaying * facts.wallMs)
}

/** The workers that ran something. */
export function workerRows(facts: Facts): readonly RowUse[] {
  return facts.rows.filter(({ row }) => isWorkerRow(row))
}

/** Shares of the machine from which on other programs explain why something took long, or was late; chosen. */
const [othersMatter, othersRule] = [0.2, 0.5]
/** How long a thread may be off its core then, seen on machines of two cores with six busy programs; where others rule, half of the run. */
const [offCoreMs, offCoreShare] = [100, 0.5]

/** How much longer than the others a task may take only because other programs had its core; 0 on a quiet machine. */
export function noiseMs({ work, related, wallMs }: Facts): number {
  const share = work.cores.others / related.trace.meta.cores
  if (share < othersMatter) return 0
  return share < othersRule ? offCoreMs : Math.max(offCoreMs, offCoreShare * wallMs)
}

/** What stages and runs of functions without a name are called; in code these would be other functions. */
const operations = new Set([
  'all',
  'batch',
  'batched',
  'filter',
  'flatMap',
  'forEach',
  'graph',
  'fork',
  'map',
  'mapReduce',
  'reduce',
  'scatter',
  'scope',
  'stream',
])

/** A name that can stand in code: the function's own where there is one. */
export function codeName(label: string): string {
  const quoted = /"([^"]+)"/.exec(label)?.[1] ?? label
  if (operations.has(quoted)) return 'fn'
  return /^[\p{ID_Start}$_][\p{ID_Continue}$.]*$/u.test(quoted) ? quoted : 'fn'
}
