/** The graph that a trace shows: groups, and the single tasks of those that are expanded; what needs what, and what was started inside what. */
import { layout } from '../../trace/export/layout.ts'
import { needsStart } from '../../trace/explain/relate.ts'
import type { GraphEdge, GraphNode, GraphQuery, GraphView } from '../protocol.ts'
import { type CountName, noCounts, statesAt } from './counts.ts'
import type { View } from './view.ts'

/** With no more tasks than this all groups are expanded, unless the query says which. */
const expandAllMax = 60
/** So many tasks of one group are shown one by one; the group's own node keeps the rest. */
const expandedMax = 400

type MutableNode = Omit<GraphNode, 'layer' | 'place' | 'tasks' | 'ms' | 'critical' | 'counts'> & {
  tasks: number
  ms: number
  critical: boolean
  counts: Record<CountName, number>
}

export function graphOf(view: View, query: GraphQuery, version: number): GraphView {
  const everything = query.expanded === undefined && view.trace.tasks.count <= expandAllMax
  const expanded = everything ? [...new Set(view.groupOf)] : (query.expanded ?? [])
  const { nodes, nodeOf, leftOut } = nodesOf(view, new Set(expanded))
  const edges = edgesOf(view, nodeOf)
  markCritical(view, nodes, nodeOf, edges)
  const needs: number[][] = nodes.map(() => [])
  for (const { from, to } of edges.values()) needs[to]?.push(from)
  const { nodes: placed, layers } = layout(needs)
  return {
    version,
    nodes: nodes.map((node, i) => ({ ...node, layer: placed[i]?.layer ?? 0, place: placed[i]?.place ?? 0 })),
    edges: [...edges.values()],
    layers: layers.map(({ length }) => length),
    expanded: [...expanded],
    leftOut,
  }
}

function nodesOf(view: View, expanded: ReadonlySet<number>) {
  const { trace, related, groupOf, groups, wall } = view
  const nodes: MutableNode[] = []
  const nodeOf = new Int32Array(related.count)
  const groupNode = new Map<number, number>()
  const shown = new Map<number, number>()
  const stateOf = statesAt(trace, wall.to)
  let leftOut = 0
  const add = (key: string, label: string, group: number, task: number): number =>
    nodes.push({ key, label, group, task, tasks: 0, counts: noCounts(), ms: 0, critical: false }) - 1
  // In order of settling, so that the nodes keep their places while a trace grows.
  for (const task of related.order) {
    const group = groupOf[task] as number
    const soFar = shown.get(group) ?? 0
    let number: number | undefined
    if (expanded.has(group) && soFar < expandedMax) {
      shown.set(group, soFar + 1)
      const id = trace.tasks.id[task] as number
      number = add(`t${id}`, view.label(task), group, id)
    } else {
      number = groupNode.get(group)
      if (number === undefined) groupNode.set(group, (number = add(`g${group}`, groups.labels[group] as string, group, 0)))
      if (expanded.has(group)) leftOut++
    }
    const node = nodes[number] as MutableNode
    node.tasks++
    node.ms += (related.settled[task] as number) - (related.started[task] as number)
    node.counts[stateOf(task)]++
    nodeOf[task] = number
  }
  return { nodes, nodeOf, leftOut }
}

type MutableEdge = { -readonly [K in keyof GraphEdge]: GraphEdge[K] }

function edgesOf(view: View, nodeOf: Int32Array): Map<number, MutableEdge> {
  const { related, trace } = view
  const edges = new Map<number, MutableEdge>()
  const add = (from: number, to: number, kind: GraphEdge['kind']): void => {
    if (from === to) return
    const key = edgeKey(from, to, kind)
    const known = edges.get(key)
    if (known) known.count++
    else edges.set(key, { from, to, kind, count: 1, critical: false })
  }
  for (let task = 0; task < related.count; task++) {
    const to = nodeOf[task] as number
    for (let i = needsStart(related, task); i < (trace.tasks.needsEnd[task] as number); i++) {
      const need = related.needs[i] as number
      if (need >= 0) add(nodeOf[need] as number, to, 'needs')
    }
    const parent = related.parent[task] as number
    if (parent >= 0) add(nodeOf[parent] as number, to, 'inside')
  }
  return edges
}

const edgeKey = (from: number, to: number, kind: GraphEdge['kind']): number =>
  (from * 2 ** 25 + to) * 2 + (kind === 'needs' ? 0 : 1)

/** An edge is critical when the critical path goes from one of its nodes straight to the other. */
function markCritical(view: View, nodes: readonly MutableNode[], nodeOf: Int32Array, edges: Map<number, MutableEdge>): void {
  if (!view.explained) return
  let before = -1
  for (const { kind, task } of view.explanation.criticalPath.segments) {
    if (kind !== 'work' || task < 0) continue
    const node = nodeOf[task] as number
    ;(nodes[node] as MutableNode).critical = true
    if (before >= 0 && before !== node) {
      for (const [from, to] of [
        [before, node],
        [node, before],
      ] as const)
        for (const edge of ['needs', 'inside'] as const) {
          const found = edges.get(edgeKey(from, to, edge))
          if (found && (edge === 'inside' || from === before)) found.critical = true
        }
    }
    before = node
  }
}
