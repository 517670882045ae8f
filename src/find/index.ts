/**
 * Finds what runs one after the other in source code that could run at once, and what runs at once that must not.
 *
 * @module heddle/find
 */

export { find, type FindOptions, type FindResult } from './find.ts'
export type { CodeFinding as Finding, Edit, Tier } from '../findings/finding.ts'
export { type Applied, applyFixes, edited } from './apply.ts'
export { type Cost, costsOf, rankedByCost } from './cost.ts'
export { markdown } from './report/markdown.ts'
export { sarif } from './report/sarif.ts'
