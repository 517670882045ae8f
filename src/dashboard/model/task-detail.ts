/** Everything that is known of one task. */
import { type Buckets, bucketsOf } from '../../trace/explain/buckets.ts'
import { runLabel } from '../../trace/explain/groups.ts'
import { taskError } from '../../trace/model/trace.ts'
import { needsStart, type Related } from '../../trace/explain/relate.ts'
import type { CodeFrame, TaskDetail } from '../protocol.ts'
import { rowNumbers } from './overview.ts'
import { rowOf } from './task-list.ts'
import type { Timeline } from './timeline.ts'
import type { View } from './view.ts'

const neighboursShown = 100

/** Which tasks need a task; made when the first detail is asked for. */
export class Dependents {
  readonly #edges: Buckets
  readonly #taskOf: Uint32Array

  constructor(related: Related) {
    const { needs, count } = related
    this.#taskOf = new Uint32Array(needs.length)
    for (let task = 0; task < count; task++)
      this.#taskOf.fill(task, needsStart(related, task), related.trace.tasks.needsEnd[task] as number)
    this.#edges = bucketsOf(needs, count + 1, rowNumbers(needs.length))
  }

  of(task: number): number[] {
    const { start, items } = this.#edges
    return Array.from(items.subarray(start[task], start[task + 1]), (edge) => this.#taskOf[edge] as number)
  }
}

export interface DetailContext {
  readonly timeline: Timeline
  readonly dependents: Dependents
  readonly version: number
  readonly frameOf?: ((stack: string) => CodeFrame | undefined) | undefined
}

export function detailOf(view: View, task: number, context: DetailContext): TaskDetail {
  const { trace, related } = view
  const { tasks } = trace
  const needs = [...related.needs.subarray(needsStart(related, task), tasks.needsEnd[task])].filter((need) => need >= 0)
  const neededBy = context.dependents.of(task)
  const children = related.children.items.subarray(related.children.start[task], related.children.start[task + 1])
  const parent = related.parent[task] as number
  const run = related.run[task] as number
  const limiterMs = tasks.limiterMs[task] as number
  const refs = (list: ArrayLike<number>) =>
    Array.from({ length: Math.min(list.length, neighboursShown) }, (_, i) => view.ref(list[i] as number))
  return {
    version: context.version,
    ...rowOf(view, task),
    index: tasks.index[task] as number,
    run: run < 0 ? '' : runLabel(trace, run),
    lane: context.timeline.lines[context.timeline.lineOf[task] as number]?.key ?? '',
    critical: view.explained && view.critical[task] === 1,
    waits: {
      dependencyMs: (related.ready[task] as number) - (related.queued[task] as number),
      slotMs: Math.max(0, (related.started[task] as number) - (related.ready[task] as number) - limiterMs),
      limiterMs,
      retryMs: tasks.retryMs[task] as number,
    },
    bytes: tasks.bytes[task] as number,
    ...(parent >= 0 && { parent: view.ref(parent) }),
    needs: refs(needs),
    needsTotal: needs.length,
    neededBy: refs(neededBy),
    neededByTotal: neededBy.length,
    children: refs(children),
    childrenTotal: children.length,
    ...failure(view, task, context),
  }
}

function failure(view: View, task: number, { frameOf }: DetailContext): Pick<TaskDetail, 'failure'> {
  const error = taskError(view.trace, task)
  if (!error) return {}
  const frame = error.stack === undefined ? undefined : frameOf?.(error.stack)
  return { failure: { ...error, ...(frame && { frame }) } }
}
