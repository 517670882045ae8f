/** What the parts of an evaluation hand to one another: where they are, and the walk that they send on. */
import type { Node } from '../source/ast.ts'
import type { SourceFile } from '../source/source-file.ts'
import type { Effect } from './effect.ts'

export interface Context {
  readonly file: SourceFile
  readonly into: Effect
  /** How many calls have been followed to get here. */
  readonly depth: number
}

/** Calls and summaries send the walk on with it, so that neither imports the walk that calls them. */
export interface Walk {
  visit(node: Node, context: Context): void
  /** `a.b.c` reads that one path, not `a` as a whole. */
  visitBase(node: Node, context: Context): void
  /** Defaults within a pattern are evaluated; the names themselves are new. */
  declare(pattern: Node, context: Context): void
}
