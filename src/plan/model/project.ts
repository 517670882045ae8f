/**
 * A project as people write it: tasks, what each depends on, who and what it takes. Readers make it, everything else reads it.
 *
 * Every length of time is in milliseconds and whole. A plan in periods (PSPLIB) counts a thousand for each. Working time counts: where
 * there is a calendar, a duration of a day is a working day of it.
 */
import type { CalendarRules } from './calendar.ts'
import type { Unit } from './time.ts'

/** Finish-to-start, start-to-start, finish-to-finish, start-to-finish. */
export type LinkType = 'FS' | 'SS' | 'FF' | 'SF'

export const linkTypes: readonly LinkType[] = ['FS', 'SS', 'FF', 'SF']

/** The task that has it may start (FS, SS) or finish (FF, SF) no earlier than `lagMs` after `task` finishes (FS, FF) or starts (SS, SF). */
export interface Link {
  /** The identity of the task that is needed. */
  readonly task: string
  readonly type: LinkType
  /** Working time; negative for a lead. */
  readonly lagMs: number
  /** Where the file says it, from 1; 0 when no file does. */
  readonly line: number
  /** Nobody wrote it: the format puts a task after the one above it. */
  readonly implied?: boolean
}

/** So many units of one resource, or of any that has a skill. */
export type Demand =
  | { readonly resource: string; readonly units: number; readonly line: number }
  | { readonly skill: string; readonly units: number; readonly line: number }

/** A task is expected to take between `minMs` and `maxMs`, most likely `likelyMs`. */
export interface Estimate {
  readonly minMs: number
  readonly likelyMs: number
  readonly maxMs: number
}

/** A task of a plan. */
export interface Task {
  readonly id: string
  readonly name: string
  readonly durationMs: number
  readonly estimate?: Estimate
  readonly links: readonly Link[]
  readonly demands: readonly Demand[]
  /** No start before this, from the start of the project. */
  readonly earliestMs?: number
  /** It should have ended by this, from the start of the project. */
  readonly dueMs?: number
  /** Name of its calendar; else the project's. */
  readonly calendar?: string
  /** A heading that it stands under. */
  readonly section?: string
  /** Where the file says it, from 1; 0 when no file does. */
  readonly line: number
}

/** A person, a machine, or several that are alike. */
export interface Resource {
  readonly id: string
  readonly name: string
  /** How many units there are at a time. */
  readonly capacity: number
  readonly skills: readonly string[]
  readonly calendar?: string
  readonly line: number
}

/** A plan: tasks, and the resources that they share. */
export interface Project {
  readonly name: string
  /** As findings name it; empty when no file is known. */
  readonly file: string
  readonly format: string
  /** What numbers are given in. */
  readonly unit: Unit
  /** Milliseconds since 1970; undefined when the plan has no dates. */
  readonly startMs?: number
  /** Name of the calendar of everything that has none of its own. */
  readonly calendar?: string
  readonly calendars: Readonly<Record<string, CalendarRules>>
  readonly resources: readonly Resource[]
  readonly tasks: readonly Task[]
  /** What the reader took for granted, a sentence each. */
  readonly notes: readonly string[]
}
