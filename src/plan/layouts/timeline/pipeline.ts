/**
 * A training step as a schedule: every microbatch through every stage, there and back, with the messages between stages, the exchange of gradients and the
 * update as tasks. Stages and links are resources that do one thing at a time, in the order that a schedule fixes, so that the graph of needs together
 * with those orders says when everything happens.
 *
 * Orders: GPipe (Huang et al., NeurIPS 2019) sends all microbatches forward, then all back; 1F1B (Narayanan et al., SOSP 2019) alternates as soon as the
 * pipeline is full, which takes as long and keeps at most as many activations as there are stages.
 */
import { type Dag, criticalPath, cull, earliestStarts, GraphModel, remainingPaths, type TaskRef } from '../../../graph/index.ts'

export const pipelineOrders = ['1f1b', 'gpipe'] as const
export type PipelineOrder = (typeof pipelineOrders)[number]

export interface PipelineTimes {
  readonly stages: number
  readonly microbatches: number
  /** Seconds of one microbatch in one stage. */
  readonly forward: number
  readonly backward: number
  /** From one stage to the next. @default 0 */
  readonly hop?: number
  /** Gradients of a stage, after its last microbatch. @default 0 */
  readonly exchange?: number
  readonly update?: number
}

export interface TimelineTask {
  readonly name: string
  readonly kind: 'forward' | 'backward' | 'hop' | 'exchange' | 'update'
  readonly stage: number
  /** Absent for what a stage does once. */
  readonly microbatch?: number
  readonly start: number
  readonly end: number
  readonly critical: boolean
}

export interface Timeline {
  readonly order: PipelineOrder
  readonly tasks: readonly TimelineTask[]
  readonly seconds: number
  /** Share of the stages' time in which they neither compute nor exchange. */
  readonly idle: number
  /** The most microbatches whose activations a stage holds. */
  readonly held: number
}

interface Draft {
  readonly name: string
  readonly kind: TimelineTask['kind']
  readonly stage: number
  readonly microbatch?: number
  readonly seconds: number
}

/** O(stages × microbatches). */
export function pipelineTimeline(order: PipelineOrder, times: PipelineTimes): Timeline {
  const graph = new GraphModel(`a step in ${order}`)
  const drafts: Draft[] = []
  const refs = new Map<string, TaskRef>()
  const add = (draft: Draft, needs: readonly (string | undefined)[]): string => {
    const known = needs.flatMap((name) => refs.get(name ?? '') ?? [])
    refs.set(draft.name, graph.add(draft.name, known, draft.seconds * 1e3))
    drafts.push(draft)
    return draft.name
  }
  addSteps(order, times, refs, add)
  const targets = Array.from({ length: graph.size }, (_, i) => i)
  const { dag } = cull(graph.needStart, graph.needs, targets)
  return read(order, times, drafts, dag)
}

/** Tasks in an order in which what they need is there already: round after round, each stage does the next of its list that can be done. */
function addSteps(
  order: PipelineOrder,
  times: PipelineTimes,
  refs: ReadonlyMap<string, TaskRef>,
  add: (draft: Draft, needs: readonly (string | undefined)[]) => string,
): void {
  const { stages, microbatches, forward, backward, hop = 0, exchange = 0, update = 0 } = times
  const lists = Array.from({ length: stages }, (_, stage) => stageOrder(order, stage, stages, microbatches))
  const last: (string | undefined)[] = lists.map(() => undefined)
  let left = stages * microbatches * 2
  while (left > 0) {
    for (const [stage, list] of lists.entries()) {
      for (let next = list[0]; next !== undefined; next = list[0]) {
        const { kind, microbatch } = next
        const from = kind === 'forward' ? stage - 1 : stage + 1
        const first = kind === 'forward' ? stage === 0 : stage === stages - 1
        const input = first ? nameOf('forward', stage, microbatch) : nameOf(kind, from, microbatch)
        if (!(first && kind === 'forward') && !refs.has(input)) break
        const message =
          first || hop === 0
            ? input
            : add({ name: `${input} → ${stage}`, kind: 'hop', stage: from, microbatch, seconds: hop }, [input])
        last[stage] = add(
          { name: nameOf(kind, stage, microbatch), kind, stage, microbatch, seconds: kind === 'forward' ? forward : backward },
          [message, last[stage]],
        )
        list.shift()
        left--
      }
    }
  }
  for (const [stage, done] of last.entries()) {
    const exchanged = exchange > 0 ? add({ name: `exchange ${stage}`, kind: 'exchange', stage, seconds: exchange }, [done]) : done
    if (update > 0) add({ name: `update ${stage}`, kind: 'update', stage, seconds: update }, [exchanged])
  }
}

function nameOf(kind: 'forward' | 'backward', stage: number, microbatch: number): string {
  return `${kind === 'forward' ? 'F' : 'B'}${microbatch} on ${stage}`
}

interface Work {
  readonly kind: 'forward' | 'backward'
  readonly microbatch: number
}

/** What a stage does, in order. */
function stageOrder(order: PipelineOrder, stage: number, stages: number, microbatches: number): Work[] {
  const ahead = order === 'gpipe' ? microbatches : Math.min(stages - 1 - stage, microbatches)
  const list: Work[] = []
  for (let microbatch = 0; microbatch < ahead; microbatch++) list.push({ kind: 'forward', microbatch })
  for (let microbatch = ahead; microbatch < microbatches; microbatch++) {
    list.push({ kind: 'forward', microbatch }, { kind: 'backward', microbatch: microbatch - ahead })
  }
  for (let microbatch = microbatches - ahead; microbatch < microbatches; microbatch++) list.push({ kind: 'backward', microbatch })
  return list
}

function read(order: PipelineOrder, { stages }: PipelineTimes, drafts: readonly Draft[], dag: Dag): Timeline {
  const durations = Float64Array.from(drafts, ({ seconds }) => seconds)
  const starts = earliestStarts(dag, durations)
  const path = new Set(criticalPath(dag, remainingPaths(dag, durations)))
  const tasks = drafts.map(({ seconds, ...draft }, i): TimelineTask => {
    const start = starts[i] ?? 0
    return { ...draft, start, end: start + seconds, critical: path.has(i) }
  })
  const end = Math.max(...tasks.map((task) => task.end))
  const busy = tasks.filter(({ kind }) => kind !== 'hop').reduce((sum, task) => sum + task.end - task.start, 0)
  return { order, tasks, seconds: end, idle: 1 - busy / (stages * end), held: heldBy(tasks) }
}

/** Activations live from the start of a forward pass to the end of its backward pass. */
function heldBy(tasks: readonly TimelineTask[]): number {
  let most = 0
  for (const some of groups(tasks).values()) {
    const changes = some
      .filter(({ kind }) => kind === 'forward' || kind === 'backward')
      .map(({ kind, start, end }) => (kind === 'forward' ? ([start, 1] as const) : ([end, -1] as const)))
      .toSorted(([a, up], [b, other]) => a - b || up - other)
    let held = 0
    for (const [, change] of changes) most = Math.max(most, (held += change))
  }
  return most
}

function groups(tasks: readonly TimelineTask[]): Map<number, TimelineTask[]> {
  const byStage = new Map<number, TimelineTask[]>()
  for (const task of tasks) byStage.set(task.stage, [...(byStage.get(task.stage) ?? []), task])
  return byStage
}
