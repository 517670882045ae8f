/** Going from task to task: opening one, the next failure, the next step of the critical path. */
import type { Range } from '../../../src/dashboard/page.ts'
import { lengthOf } from '../time/scale.ts'
import type { Model } from './model.ts'

/** Opens a task's details and brings it into view: closer when it would be too small to see, else only moved when it is outside. */
export async function openTask(model: Model, id: number, stretch?: Range): Promise<void> {
  model.task.value = id
  try {
    const found = stretch ?? (await spanOf(model, id))
    if (model.task.peek() !== id) return
    const view = model.view.peek()
    const outside = found.to < view.from || found.from > view.to
    const tiny = lengthOf(found) < lengthOf(view) / 200
    if (tiny) model.focus({ from: found.from - 10 * lengthOf(found), to: found.to + 10 * lengthOf(found) })
    else if (outside) model.focus({ from: found.from - lengthOf(found), to: found.to + lengthOf(found) })
  } catch {
    // The details say that there is not such a task.
  }
}

async function spanOf(model: Model, id: number): Promise<Range> {
  const { queuedAt, startedAt, durationMs } = await model.source.task({ id })
  const from = startedAt < 0 ? queuedAt : startedAt
  return { from, to: from + Math.max(0, durationMs) }
}

/** The failure after the one that is open, in order of start; from the last on to the first. */
export async function nextFailure(model: Model, step: 1 | -1): Promise<void> {
  const range = model.range.peek()
  const query = { ...(range && { range }), state: 'failed', order: 'start', limit: 1 } as const
  const { total } = await model.source.tasks({ ...query, offset: 0 })
  if (total === 0) return
  const place = model.failurePlace
  const next = place === undefined ? (step === 1 ? 0 : total - 1) : (place + step + total) % total
  model.failurePlace = next
  const found = (await model.source.tasks({ ...query, offset: next })).rows[0]
  if (found) await openTask(model, found.id)
}

/** The next piece of work on the critical path, from the one that is open or from the start of the view. */
export async function alongPath(model: Model, step: 1 | -1): Promise<void> {
  const work = (model.path.value.peek()?.segments ?? []).filter(({ kind, task }) => kind === 'work' && task !== undefined)
  if (work.length === 0) return
  const open = model.task.peek()
  const at = model.pathPlace !== undefined && work[model.pathPlace]?.task?.id === open ? model.pathPlace : undefined
  const here = at ?? (step === 1 ? -1 : work.length)
  const next = (here + step + work.length) % work.length
  model.pathPlace = next
  const segment = work[next]
  if (segment?.task) await openTask(model, segment.task.id, { from: segment.from, to: segment.to })
}
