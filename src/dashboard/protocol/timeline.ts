/** A window of the timeline: lanes, and in them tasks one by one or the share of each column. */

export interface WindowQuery {
  readonly from: number
  readonly to: number
  /** Pixels across, 1 … 8,192. */
  readonly columns: number
  /** Only tasks of this group. */
  readonly group?: number | undefined
  /** Keys of the lanes whose content is wanted (those in view); the others come without. @default all */
  readonly lanes?: readonly string[] | undefined
}

export interface TimelineWindow {
  readonly version: number
  readonly from: number
  readonly to: number
  readonly columns: number
  /** From top to bottom: this thread's, then the workers'. */
  readonly lanes: readonly Lane[]
  /** Names by id, of the slices that are called otherwise than their group and are {@link namedFrom} columns wide. */
  readonly names: Readonly<Record<string, string>>
}

/** Columns in which a name is worth drawing. */
export const namedFrom = 24

/**
 * One line of the timeline. An executor has one line, or several where its tasks overlap: promises under way at once on
 * this thread. Beyond {@link linesMax} of them the rest share one last line, which shows how many were at work.
 */
export interface Lane {
  /** Stays the same while the trace grows. */
  readonly key: string
  /** 0 this thread, else the number of the worker. */
  readonly executor: number
  /** Which line of its executor, from 0 up. */
  readonly line: number
  readonly label: string
  /** How many tasks at once full coverage means: 1, and for a shared line the most that were ever at work on it. */
  readonly capacity: number
  /** Tasks on it altogether, in and outside the window. */
  readonly tasks: number
  /** Every task in the window, where they are few enough to be drawn one by one (at most one for two columns, and not shared). */
  readonly slices?: Slices | undefined
  /** Else what each pixel column holds. */
  readonly coverage?: Coverage | undefined
}

/** Lines per executor that are shown one by one. */
export const linesMax = 48

/** In order of start; none overlaps another from `started` to `settled`. */
export interface Slices {
  readonly count: number
  /** Ids. */
  readonly task: Uint32Array
  readonly group: Uint16Array
  /** Places in `taskStates`. */
  readonly state: Uint8Array
  /** 1 when the task lies on the critical path; 0 as long as that has not been computed. */
  readonly critical: Uint8Array
  /** Known to the scheduler; then it waited for what it needs. */
  readonly queued: Float64Array
  /** All its needs were there; then it waited for a slot, a worker or a limiter. */
  readonly ready: Float64Array
  readonly started: Float64Array
  /** The present for tasks under way. */
  readonly settled: Float64Array
}

/** Per pixel column. */
export interface Coverage {
  /** Share of the column in which tasks were at work, 0 … 255: draw it as opacity. Anything above nothing is at least 1. */
  readonly share: Uint8Array
  /** The group with the most time in it. */
  readonly group: Uint16Array
  /** Share of its time that belongs to tasks that failed, 0 … 255; anything above nothing is at least 1. */
  readonly failed: Uint8Array
  /** 1 when part of it belongs to the critical path. */
  readonly critical: Uint8Array
}
