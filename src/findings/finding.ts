/**
 * What an analysis found: in source code, in a trace, in a plan. Advice of the verdict, `heddle find` and imported traces share these words.
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

/** What a rule found: where, why, and what to write instead. */
export interface Finding {
  /** Stable while the code it names stays the same, also when lines above it change. */
  readonly id: string
  readonly rule: string
  readonly tier: Tier
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly message: string
  /** What each part reads and writes, a line each. */
  readonly proof: readonly string[]
  /** What a person has to answer; undefined when it is proven. */
  readonly question: string | undefined
  /** What changes for the better, and what else changes. */
  readonly saving: string
  /** What to write instead, in words. */
  readonly remedy: string
  /** The edits that do it; undefined where no rewrite keeps the meaning. */
  readonly fix: readonly Edit[] | undefined
}
