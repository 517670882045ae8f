/**
 * Runs of task runners: `turbo run --summarize`, Nx's `run.json`, and the jobs of a GitHub Actions run as its REST interface lists them. A run is the root, its tasks
 * are the children; turbo's say what they need.
 *
 * @see https://turborepo.com/docs/reference/run#--summarize
 * @see https://docs.github.com/en/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run
 */
import type { SpanSink } from '../spans/spans.ts'
import { newDraft, taskOperation } from './draft.ts'
import type { DocumentFormat } from './reader.ts'
import { dateMs, type Doc, docOf, field, listOf, textOf } from './values.ts'

interface TaskOf {
  readonly id: string
  readonly name: string
  readonly service: string
  readonly startMs: number
  readonly endMs: number
  readonly failed: boolean
  readonly needs?: readonly string[]
  readonly steps?: readonly TaskOf[]
}

export const turbo: DocumentFormat = {
  name: 'turbo run summary',
  is: (root) =>
    field(root, 'turboVersion') !== undefined || (field(root, 'execution') !== undefined && Array.isArray(field(root, 'tasks'))),
  read(root, sink, file) {
    const tasks = listOf(field(root, 'tasks')).map((task): TaskOf => {
      const execution = field(task, 'execution')
      const name = textOf(field(task, 'taskId')) || textOf(field(task, 'task'))
      return {
        id: name,
        name,
        service: textOf(field(task, 'package')),
        startMs: dateMs(field(execution, 'startTime')),
        endMs: dateMs(field(execution, 'endTime')),
        failed: Number(field(execution, 'exitCode') ?? 0) !== 0,
        needs: listOf(field(task, 'dependencies')).map(textOf),
      }
    })
    addRun(
      sink,
      turbo.name,
      textOf(field(field(root, 'execution'), 'command')) || 'turbo run',
      textOf(field(root, 'id')) || file,
      tasks,
    )
  },
}

export const nx: DocumentFormat = {
  name: 'Nx run',
  is: (root) => field(root, 'run') !== undefined && Array.isArray(field(root, 'tasks')),
  read(root, sink, file) {
    const run = field(root, 'run')
    const tasks = listOf(field(root, 'tasks')).map((task): TaskOf => ({
      id: textOf(field(task, 'taskId')),
      name: textOf(field(task, 'taskId')),
      service: textOf(field(task, 'projectName')),
      startMs: dateMs(field(task, 'startTime')),
      endMs: dateMs(field(task, 'endTime')),
      failed: field(task, 'status') === 1 || field(task, 'status') === 'failure',
    }))
    addRun(sink, nx.name, textOf(field(run, 'command')) || 'nx run-many', `${file} ${textOf(field(run, 'startTime'))}`, tasks)
  },
}

export const githubJobs: DocumentFormat = {
  name: 'GitHub Actions jobs',
  is: (root) => listOf(field(root, 'jobs')).some((job) => field(job, 'started_at') !== undefined),
  read(root, sink, file) {
    const byRun = new Map<string, TaskOf[]>()
    for (const job of listOf(field(root, 'jobs'))) {
      const run = textOf(field(job, 'run_id')) || file
      const tasks = byRun.get(run) ?? []
      byRun.set(run, tasks)
      tasks.push({
        ...jobTask(job),
        steps: listOf(field(job, 'steps')).map((step, i) => ({ ...jobTask(step), id: `${textOf(field(job, 'id'))}/${i}` })),
      })
    }
    const workflow = textOf(field(docOf(listOf(field(root, 'jobs'))[0]), 'workflow_name'))
    for (const [run, tasks] of byRun) addRun(sink, githubJobs.name, workflow || 'workflow', run, tasks)
  },
}

function jobTask(job: unknown): TaskOf {
  return {
    id: textOf(field(job, 'id')) || textOf(field(job, 'name')),
    name: textOf(field(job, 'name')),
    service: textOf(field(job, 'runner_name')),
    startMs: dateMs(field(job, 'started_at')),
    endMs: dateMs(field(job, 'completed_at')),
    failed: field(job, 'conclusion') === 'failure',
  }
}

/** Tasks that never ran (cached, skipped, waiting) have no time, and are left out. */
function addRun(sink: SpanSink, format: string, name: string, run: string, listed: readonly TaskOf[]): void {
  const ran = ({ startMs, endMs }: TaskOf): boolean => Number.isFinite(startMs) && Number.isFinite(endMs)
  const tasks = listed.filter(ran)
  const all = new Map(listed.map((task) => [task.id, task]))
  if (tasks.length === 0) return sink.warn(`${format}: none of ${listed.length} tasks has a start and an end`)
  sink.format = format
  const draft = newDraft()
  const epochMs = sink.epochMs(Math.min(...tasks.map(({ startMs }) => startMs)))
  const add = (task: Doc & TaskOf, id: string, parentId: string): number => {
    draft.traceId = `${format} ${run}`
    draft.id = id
    draft.parentId = parentId
    draft.name = task.name
    draft.service = task.service
    draft.start = task.startMs - epochMs
    draft.end = task.endMs - epochMs
    draft.failed = task.failed
    draft.operation = taskOperation(task.name)
    return sink.add(draft)
  }
  const root: TaskOf = {
    id: '',
    name,
    service: '',
    startMs: tasks.reduce((least, { startMs }) => Math.min(least, startMs), Number.POSITIVE_INFINITY),
    endMs: tasks.reduce((most, { endMs }) => Math.max(most, endMs), Number.NEGATIVE_INFINITY),
    failed: tasks.some(({ failed }) => failed),
  }
  add({ ...root }, 'the run', '')
  for (const task of tasks) {
    const id = `task ${task.id}`
    const row = add({ ...task }, id, 'the run')
    if (task.needs)
      sink.needs(
        row,
        sink.trace(draft.traceId),
        ranBefore(task, all, ran).map((need) => `task ${need}`),
      )
    for (const step of task.steps?.filter(ran) ?? []) add({ ...step, service: task.service }, `step ${step.id}`, id)
  }
}

/** Tasks that a task needs, through those that did not run: a package without a build script still stands between two that have one. */
function ranBefore(task: TaskOf, all: ReadonlyMap<string, TaskOf>, ran: (task: TaskOf) => boolean): string[] {
  const found: string[] = []
  const seen = new Set<string>()
  const queue = [...(task.needs ?? [])]
  for (let at = 0; at < queue.length; at++) {
    const id = queue[at] as string
    if (seen.has(id)) continue
    seen.add(id)
    const needed = all.get(id)
    if (!needed) continue
    if (ran(needed)) found.push(id)
    else queue.push(...(needed.needs ?? []))
  }
  return found
}
