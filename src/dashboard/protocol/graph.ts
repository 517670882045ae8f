/** The graph of groups and tasks. */
import type { Counts, RangeQuery } from './basics.ts'

export interface GraphQuery extends RangeQuery {
  /** Groups whose tasks are wanted one by one. @default none, but all of them when there are no more than 60 tasks */
  readonly expanded?: readonly number[] | undefined
}

/** Drawn with needs on the left: a node is in column `layer`, at height `place` of the `layers[layer]` nodes there. */
export interface GraphView {
  readonly version: number
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  /** How many nodes stand in each layer. */
  readonly layers: readonly number[]
  /** The groups that are expanded. */
  readonly expanded: readonly number[]
  /** Tasks of expanded groups that are not shown one by one, because there are more than 400 of a group. */
  readonly leftOut: number
}

export interface GraphNode {
  /** `g3` for a group, `t17` for a task. */
  readonly key: string
  readonly label: string
  readonly group: number
  /** Id of the one task; 0 for a group. */
  readonly task: number
  readonly tasks: number
  readonly counts: Counts
  /** Sum from start to end over its tasks. */
  readonly ms: number
  readonly critical: boolean
  readonly layer: number
  readonly place: number
}

export interface GraphEdge {
  /** Places in `nodes`. */
  readonly from: number
  readonly to: number
  /** `needs`: `to` needs the result of `from`; `inside`: tasks of `to` were started inside tasks of `from`. */
  readonly kind: 'needs' | 'inside'
  /** How many pairs of tasks it stands for. */
  readonly count: number
  readonly critical: boolean
}
