/** What bounded the run, where the time went, and advice. */
import type { Range } from './basics.ts'
import type { SegmentKind } from './path.ts'

export interface ExplanationView {
  readonly version: number
  /** What it explains: a live source may answer with a slightly older state than it has. */
  readonly range: Range
  /** What bounds the run, in up to three lines for people. */
  readonly verdict: readonly string[]
  readonly wallMs: number
  /** Measured task time that was work. */
  readonly workMs: number
  /** Of it, time on a core. */
  readonly computedMs: number
  /** The longest chain of work that had to be done one after the other. */
  readonly spanMs: number
  /** Work / wall. */
  readonly speedup: number
  /** Whether that is what is true, the least that is, or says nothing. */
  readonly speedupIs: 'measured' | 'at-least' | 'unknown'
  /** Tasks under way on average. */
  readonly atOnce: number
  /** Work / span. */
  readonly parallelism: number
  /** Milliseconds of the critical path by kind; they sum to the wall time. */
  readonly pathMs: Readonly<Record<SegmentKind, number>>
  /** The path's work by group, in order of first appearance. */
  readonly bound: readonly { readonly group: number; readonly label: string; readonly ms: number; readonly tasks: number }[]
  /** Where the time went, per executor. */
  readonly rows: readonly UseRow[]
  readonly idle: {
    readonly of: 'workers' | 'slots'
    readonly rows: number
    /** Of the time of all of them; where slots took turns on this thread, of that. */
    readonly share: number
    readonly tookTurns: boolean
    /** In words, the cause with the most idle time. */
    readonly main: string
  }
  /** The largest saving first. */
  readonly advice: readonly AdviceRow[]
}

export interface UseRow {
  /** 0 this thread, else the number of the worker. */
  readonly executor: number
  readonly label: string
  /** 1 for a worker; on this thread, the most that were at work at once. */
  readonly slots: number
  readonly tasks: number
  readonly runningMs: number
  /** Idle time by cause, causes without time left out. Sums with `runningMs` to wall × slots. */
  readonly idle: readonly { readonly cause: string; readonly words: string; readonly ms: number }[]
}

export interface AdviceRow {
  /** `small-tasks`, `stragglers` … */
  readonly rule: string
  readonly message: string
  readonly proof: readonly string[]
  /** What it should save of the wall time; 0 when that cannot be said. */
  readonly savingMs: number
  /** Code or a command that can be typed. */
  readonly remedy: string
}
