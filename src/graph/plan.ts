/** What a graph will do on N slots, foretold from durations: plain data for people and programs. Made by `makePlan`. */
import type { Bounds } from './bounds.ts'

/** One task of a plan. */
export interface PlannedTask {
  readonly name: string
  /** Names of the tasks that it needs. */
  readonly needs: readonly string[]
  readonly durationMs: number
  /** When the simulated schedule starts and ends it, in milliseconds from the start of the run. */
  readonly startMs: number
  readonly endMs: number
  /** Which of the slots it runs on, from 0 up. */
  readonly slot: number
  /** How many tasks there are on the longest chain of needs above it. */
  readonly level: number
  /** How much later than as early as possible it may start without making the span longer, in milliseconds. */
  readonly slackMs: number
  readonly critical: boolean
}

/** What a graph would do: levels, the critical path, and a simulated schedule. */
export interface Plan {
  readonly graph: string
  readonly concurrency: number
  /** In the order in which the simulated schedule starts them. */
  readonly tasks: readonly PlannedTask[]
  /** Names by level; those of one level need nothing of one another. */
  readonly levels: readonly (readonly string[])[]
  /** The chain of tasks that decides the makespan, first to last. */
  readonly criticalPath: readonly string[]
  /** Sum of all durations. */
  readonly workMs: number
  /** Length of the critical path. */
  readonly spanMs: number
  /** Work / span: no number of slots makes the graph faster by more than this factor. */
  readonly parallelism: number
  /** The end of the simulated schedule. */
  readonly makespanMs: number
  /** Work / makespan. */
  readonly speedup: number
  /** The share of the slots' time in which they have nothing to do, from 0 to 1; 0 for unlimited slots. */
  readonly idle: number
  readonly bounds: Bounds
  /** The largest number of results held at one time. */
  readonly heldMax: number
  /** False when no task has an estimate and no earlier durations were given: each counts as 1 ms, and only the order says something. */
  readonly durationsKnown: boolean
  /**
   * The plan as text, for a terminal.
   * @param columns that the chart may take; names are cut and bars are shorter where it would be wider @default no bound
   */
  toString(columns?: number): string
  /** The graph as a Mermaid flowchart, the critical path drawn bold. */
  toMermaid(): string
}
