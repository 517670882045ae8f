/** The critical path. */
import type { Range, RangeQuery, TaskRef } from './basics.ts'

export const segmentKinds = ['work', 'limiter', 'queue', 'dispatch', 'outside'] as const
export type SegmentKind = (typeof segmentKinds)[number]

export interface PathQuery extends RangeQuery {
  /** The most segments to return: the longest. @default 500 */
  readonly limit?: number | undefined
}

export interface PathView {
  readonly version: number
  readonly range: Range
  /** In order of time. Joined end to end over the whole wall time where none is left out. */
  readonly segments: readonly PathSegment[]
  /** How many there are. */
  readonly total: number
  readonly ms: Readonly<Record<SegmentKind, number>>
}

export interface PathSegment {
  /** `work`: the task itself; `limiter`, `queue`: it waited; `dispatch`: handing it out; `outside`: the program between runs. */
  readonly kind: SegmentKind
  readonly from: number
  readonly to: number
  /** Not for `outside`. */
  readonly task?: TaskRef | undefined
  /** Key of the task's lane in the timeline. */
  readonly lane?: string | undefined
}
