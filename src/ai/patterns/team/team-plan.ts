/**
 * Plans of a team: tasks that need one another, as a list, as text, or as what a planner model is still writing.
 * A plan that breaks off is refused: what is lost at its end cannot be seen in what is there.
 */
import { Cancelled, describe, HeddleError, InvalidGraph, isError } from '../../../base/errors.ts'
import { PlanText } from './plan-text.ts'
import type { TeamView } from './team-work.ts'
import { checkedTask, type PlannedTask, type TeamTask } from './task.ts'

/** What `streamText` of the AI SDK gives, as far as it is read. Its stream also says that the planner failed or was cut off. */
export interface PlannerStream {
  readonly fullStream: AsyncIterable<unknown>
}

/** What `generateText` of the AI SDK gives, as far as it is read. */
export interface PlannerAnswer {
  readonly text: string
  readonly finishReason?: string
}

/**
 * A list of tasks; a text; the result of `streamText` or `generateText`; or a stream of text, of tasks (`elementStream`), or of the parts
 * of `fullStream`; or a function that gives one of these, and plans while the members work. A bare `textStream` of the AI SDK ends alike whether its model was done or failed: hand over the result itself.
 */
export type Plan = WrittenPlan | ((team: TeamView) => WrittenPlan)

/** A plan that is there, or is being written. */
export type WrittenPlan =
  | readonly PlannedTask[]
  | string
  | PlannerStream
  | PlannerAnswer
  | AsyncIterable<string | PlannedTask | PlanPart>

/** A part of a `fullStream`, as far as it is read. */
export interface PlanPart {
  readonly type: string
}

/** @param agents the names that there are: they distinguish a task from a remark */
export async function* tasksOf(plan: WrittenPlan, agents: readonly string[]): AsyncGenerator<TeamTask> {
  if (typeof plan === 'string') yield* tasksOfText(plan, agents)
  else if (Array.isArray(plan)) {
    for (const task of plan as readonly PlannedTask[]) yield checkedTask(task, describe(task))
  } else if (typeof plan !== 'object' || plan === null) throw notAPlan(plan)
  else if ('fullStream' in plan) yield* tasksOfStream(plan.fullStream, agents)
  else if (Symbol.asyncIterator in plan) yield* tasksOfStream(plan, agents)
  else if ('text' in plan && typeof plan.text === 'string') {
    if (plan.finishReason !== undefined) checkFinish(plan.finishReason)
    yield* tasksOfText(plan.text, agents)
  } else throw notAPlan(plan)
}

function notAPlan(plan: unknown): InvalidGraph {
  return new InvalidGraph(
    `Expected a plan to be a list of tasks, a text, the result of streamText or generateText, or a stream, got ${describe(plan)}`,
  )
}

function* tasksOfText(plan: string, agents: readonly string[]): Generator<TeamTask> {
  const text = new PlanText(agents)
  // All of it is read before the first task runs.
  yield* [...text.push(plan), ...text.end()]
}

async function* tasksOfStream(stream: AsyncIterable<unknown>, agents: readonly string[]): AsyncGenerator<TeamTask> {
  const text = new PlanText(agents)
  let [tasks, parts, finished] = [0, false, false]
  for await (const item of stream) {
    if (typeof item === 'string') yield* text.push(item)
    else if (isPart(item)) {
      parts = true
      finished ||= item.type === 'finish'
      yield* text.push(textOfPart(item))
    } else {
      yield checkedTask(item, describe(item))
      tasks++
    }
  }
  if (parts && !finished) throw new InvalidGraph('The plan broke off: its stream ended before the planner had finished')
  if (tasks === 0 || !text.blank) yield* text.end()
}

interface Part {
  readonly type: string
  readonly text?: unknown
  readonly delta?: unknown
  readonly error?: unknown
  readonly reason?: unknown
  readonly finishReason?: unknown
}

function isPart(item: unknown): item is Part {
  return typeof item === 'object' && item !== null && 'type' in item && typeof item.type === 'string' && !('agent' in item)
}

/** The text of a part. @throws what the planner failed with, in `error` and `abort`; {InvalidGraph} when it was cut off */
function textOfPart(part: Part): string {
  if (part.type === 'error') {
    throw isError(part.error)
      ? part.error
      : new HeddleError(`The planner failed: ${messageOf(part.error)}`, { cause: part.error })
  }
  if (part.type === 'abort') throw new Cancelled('The planner was cancelled', { cause: part.reason })
  if (part.type === 'finish') checkFinish(part.finishReason)
  if (part.type !== 'text-delta') return ''
  const text = part.text ?? part.delta
  return typeof text === 'string' ? text : ''
}

function messageOf(error: unknown): string {
  const { message } = (typeof error === 'object' && error !== null ? error : {}) as { message?: unknown }
  return typeof message === 'string' ? message : describe(error)
}

/** @param reason a word, or `{ unified }` as the models of the SDK have it */
function checkFinish(reason: unknown): void {
  const word = typeof reason === 'object' && reason !== null ? (reason as { unified?: unknown }).unified : reason
  if (word === 'length') {
    throw new InvalidGraph('The plan is cut off: the planner reached its limit of output tokens', {
      hint: 'Raise `maxOutputTokens` of the planner.',
    })
  }
  if (word === 'error' || word === 'content-filter') {
    throw new InvalidGraph(`The plan is not whole: the planner ended with finish reason "${word}"`)
  }
}
