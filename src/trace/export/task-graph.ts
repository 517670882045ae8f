/** The graph that a trace shows: tasks and what they needed, or groups and how they hang together where there are too many tasks to draw. */
import { formatMs } from '../../base/duration.ts'
import { type CriticalPath, criticalPath } from '../explain/critical-path.ts'
import { groupTasks, taskLabel } from '../explain/groups.ts'
import { type Trace, taskStates } from '../model/trace.ts'
import { needsStart, relate, type Related } from '../explain/relate.ts'

export interface TaskGraphNode {
  readonly label: string
  /** Sum over its tasks, from start to end. */
  readonly ms: number
  readonly tasks: number
  readonly critical: boolean
  /** How many of its tasks failed. */
  readonly failed: number
  readonly needs: readonly number[]
}

/** The second line of a box. */
export function nodeDetails({ ms, tasks, failed }: TaskGraphNode): string {
  return `${formatMs(ms)}${failed > 0 && failed < tasks ? `, ${failed} failed` : ''}`
}

/** More boxes than this are not a picture any more. */
const nodesMax = 150

export function taskGraph(trace: Trace): TaskGraphNode[] {
  const related = relate(trace)
  const path = criticalPath(related)
  return trace.tasks.count <= nodesMax ? ofTasks(related, path) : ofGroups(related, path)
}

function ofTasks(related: Related, path: CriticalPath): TaskGraphNode[] {
  const grouping = groupTasks(related.trace)
  const number = numberOf(related)
  return build(
    related,
    path,
    number,
    [...number.keys()].map((task) => taskLabel(related.trace, grouping, task)),
  )
}

function ofGroups(related: Related, path: CriticalPath): TaskGraphNode[] {
  const { of, labels } = groupTasks(related.trace)
  return build(related, path, of, labels)
}

const numberOf = ({ count }: Related): Int32Array => Int32Array.from({ length: count }, (_, task) => task)

function build(related: Related, path: CriticalPath, of: Int32Array, labels: readonly string[]): TaskGraphNode[] {
  const { trace, started, settled, needs, parent, count } = related
  const failedState = taskStates.indexOf('failed')
  const nodes = labels.map((label) => ({ label, ms: 0, tasks: 0, critical: false, failed: 0, needs: new Set<number>() }))
  for (let task = 0; task < count; task++) {
    const self = of[task] as number
    const node = nodes[self]
    if (!node) continue
    node.ms += (settled[task] as number) - (started[task] as number)
    node.tasks++
    if (trace.tasks.state[task] === failedState) node.failed++
    for (let i = needsStart(related, task); i < (trace.tasks.needsEnd[task] as number); i++) {
      const need = needs[i] as number
      if (need >= 0 && of[need] !== self) node.needs.add(of[need] as number)
    }
    const above = parent[task] as number
    if (above >= 0 && of[above] !== self) node.needs.add(of[above] as number)
  }
  for (const { kind, task } of path.segments) {
    const node = kind === 'work' ? nodes[of[task] as number] : undefined
    if (node) node.critical = true
  }
  return nodes.map((node) => ({ ...node, needs: [...node.needs] }))
}
