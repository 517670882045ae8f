/**
 * What an analysis found: in source code, in a trace, in a plan. Advice of the verdict, `heddle find`, traces of other systems and plans share these
 * words, so that one reporter can show them all.
 */

/**
 * How sure it is. `proven`: what each part reads and writes is known, and nothing conflicts. `likely`: one question is open, which the finding
 * asks. `info`: counted, and shown on request.
 */
export type Tier = 'proven' | 'likely' | 'info'

export const tiers: readonly Tier[] = ['proven', 'likely', 'info']

/** A replacement of part of a file; offsets count UTF-16 code units from the start of the file. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** What every analysis says of what it found, whatever it looked at: source code, a run, a trace of another system, a plan. */
export interface Finding {
  readonly rule: string
  readonly tier: Tier
  /** The place in words: `src/a.ts:3`, `map "parse"`, a task of a plan. */
  readonly where: string
  /** What is wrong, in one line. */
  readonly message: string
  /** The evidence, a line each: what each part reads and writes, or the numbers that show it. */
  readonly proof: readonly string[]
  /** What a person has to answer; undefined when it is proven. */
  readonly question?: string | undefined
  /** What changes for the better, and what else changes. */
  readonly saving: string
  /** The same as a number, where something was measured: milliseconds of the wall time; 0 when that cannot be said. */
  readonly savingMs?: number | undefined
  /** What to write or do instead, in words, code, or a command that can be typed. */
  readonly remedy: string
}

/** A finding in source code. */
export interface CodeFinding extends Finding {
  /** Stable while the code it names stays the same, also when lines above it change. */
  readonly id: string
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
  readonly endLine: number
  /** The edits that do it; undefined where no rewrite keeps the meaning. */
  readonly fix: readonly Edit[] | undefined
  /** What it comes from, where many places lead to one cause: the first of them is shown. */
  readonly cause?: string | undefined
}
