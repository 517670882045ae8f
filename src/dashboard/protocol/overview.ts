/** The first view: the head, the groups, the failures and the notes of a recording. */
import type { Counts, Range, TaskRef } from './basics.ts'

export interface Overview {
  readonly version: number
  readonly head: Head
  readonly counts: Counts
  /** In order of first appearance. */
  readonly groups: readonly GroupRow[]
  /** The same failures together, in order of first appearance, at most 100. */
  readonly failures: readonly FailureRow[]
  /** Things worth saying that are not tasks, in order of time; at most 1,000, the last ones. */
  readonly notes: readonly NoteRow[]
  /** How many notes there are. */
  readonly notesTotal: number
}

export interface Head {
  /** The recorded program: the file that was run. */
  readonly name: string
  /** When the trace began, in milliseconds since 1970. */
  readonly epochMs: number
  /** Until when it reaches. */
  readonly nowMs: number
  /** What wall time means: of a program, from its first run to the end of its last. */
  readonly wall: Range
  readonly live: boolean
  /** False for a recording whose program ended without ending it (a crash), and while it is live. */
  readonly complete: boolean
  /** Processors of the machine. */
  readonly cores: number
  /** Such as `node 20.20.2`. */
  readonly runtime: string
  readonly tasks: number
  readonly runs: number
}

export interface GroupRow {
  /** Stays the same while the trace grows; index of its colour. */
  readonly number: number
  readonly label: string
  /** `map`, `graph`, `scope` …; kind of the runs that its tasks belong to. */
  readonly kind: string
  readonly counts: Counts
  /** All tasks of the group (or of the range), settled or not, and those known to come. */
  readonly total: number
  readonly attempts: number
  /** Sum from start to end. */
  readonly totalMs: number
  readonly medianMs: number
  readonly p95Ms: number
  readonly maxMs: number
  /** Id of its first failure; 0 none. */
  readonly firstFailure: number
}

export interface FailureRow {
  readonly name: string
  readonly message: string
  readonly code?: string | undefined
  readonly tasks: number
  /** The task that failed so first. */
  readonly first: TaskRef
  readonly group: number
}

export interface NoteRow {
  readonly at: number
  /** `worker-start`, `worker-crash`, `inline`, `concurrency` … */
  readonly kind: string
  readonly text: string
}
