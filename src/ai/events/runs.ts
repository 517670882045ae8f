/** Runs and tasks of heddle as events: every pattern is made of them. Subscribes while somebody follows. */
import { channels, type RunRecord, type TaskRecord } from '../../base/observer.ts'
import { messageOf } from '../../base/look.js'
import { withoutSecrets } from '../../base/secrets.ts'
import { currentBranch, currentSink, type Sink } from './events.ts'

/** Which sink a run belongs to, and where it was started: runs under way. */
const runs = new Map<number, { readonly sink: Sink; readonly branch: string }>()
let followers = 0

/** Until the function that is returned is called, runs that start in followed work are reported. */
export function reportRuns(): () => void {
  if (followers++ === 0) {
    channels.runStart.subscribe(onRunStart)
    channels.runSettle.subscribe(onRunSettle)
    channels.taskStart.subscribe(onTaskStart)
    channels.taskSettle.subscribe(onTaskSettle)
  }
  return () => {
    if (--followers > 0) return
    runs.clear()
    channels.runStart.unsubscribe(onRunStart)
    channels.runSettle.unsubscribe(onRunSettle)
    channels.taskStart.unsubscribe(onTaskStart)
    channels.taskSettle.unsubscribe(onTaskSettle)
  }
}

function onRunStart(message: unknown): void {
  const sink = currentSink()
  if (!sink) return
  const { id, name, kind } = message as RunRecord
  const branch = currentBranch()
  runs.set(id, { sink, branch })
  sink.emit({ type: 'run-start', run: id, name: name === '' ? kind : name, kind, branch })
}

function onRunSettle(message: unknown): void {
  const { id, state } = message as RunRecord
  const found = runs.get(id)
  if (!found || state === 'running') return
  runs.delete(id)
  found.sink.emit({ type: 'run-end', run: id, state, branch: found.branch })
}

function onTaskStart(message: unknown): void {
  const { run, name, index } = message as TaskRecord
  const found = runs.get(run.id)
  found?.sink.emit({ type: 'task-start', run: run.id, task: name ?? `${index}`, branch: found.branch })
}

function onTaskSettle(message: unknown): void {
  const { run, name, index, state, error } = message as TaskRecord
  const found = runs.get(run.id)
  if (!found || state === 'running' || state === 'queued') return
  const failure = state === 'failed' ? { error: withoutSecrets(messageOf(error)) } : {}
  found.sink.emit({ type: 'task-end', run: run.id, task: name ?? `${index}`, state, ...failure, branch: found.branch })
}
