import type { Advice } from '../advice/index.ts'
import type { Adapted } from '../explain/adapted.ts'
import type { Work } from '../explain/contention.ts'
import type { CriticalPath } from '../explain/critical-path.ts'
import type { Failures } from '../explain/failures.ts'
import type { Grouping, GroupStats } from '../explain/groups.ts'
import type { RowUse } from '../explain/idle.ts'
import type { Copied } from '../explain/copying.ts'
import type { Idle } from '../explain/idle-summary.ts'
import type { SpeedupIs } from '../explain/speedup.ts'

/** What {@link explain} gives. */
export interface Explanation {
  /** What bounds the run, in three lines. */
  readonly verdict: readonly string[]
  /** From the beginning to the end of the recording; of a whole program, from its first run to the end of its last. */
  readonly wallMs: number
  /** Sum of measured task time, nothing counted twice. */
  readonly work: Work
  /** Work / wall time. */
  readonly speedup: number
  /** Whether that is what is true, the least that is, or says nothing. */
  readonly speedupIs: SpeedupIs
  /** The longest chain of work that had to be done one after the other. */
  readonly spanMs: number
  /** Work / span: how many executors the program could keep busy. */
  readonly parallelism: number
  readonly criticalPath: CriticalPath
  /** The path's work by group, in order of first appearance. */
  readonly bound: readonly { readonly group: number; readonly label: string; readonly ms: number; readonly tasks: number }[]
  readonly rows: readonly RowUse[]
  /** The most workers that were ever at work at once. */
  readonly workersAtOnce: number
  /** What the trace says of the machine. */
  readonly machine: { readonly cores: number; readonly processorTime: 'threads' | 'process' }
  readonly idle: Idle
  /** How long workers were starting and loading modules before the first of them had a task at work; 0 when they were there. */
  readonly startingMs: number
  readonly groups: readonly GroupStats[]
  readonly grouping: Grouping
  readonly failures: Failures
  /** What adaptive concurrency did. */
  readonly adapted: readonly Adapted[]
  /** What crossing to workers took of this thread, by function. */
  readonly copying: readonly Copied[]
  /** What came from journals, in words: one line for each run with a checkpoint that was not new. */
  readonly restored: readonly string[]
  /** What is worth changing, the largest saving first. */
  readonly advice: readonly Advice[]
}
