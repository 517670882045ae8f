/**
 * What happens in patterns and agents, as events for people to watch. They are made where something happens, and go to whoever follows the work
 * that it belongs to; where nobody follows, nothing is made.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { currentFrame } from '../../base/frame.ts'

/** Where an event belongs: the tasks that it happened in, from the outside in, joined by `/`; empty outside of every task. */
interface Placed {
  readonly branch: string
}

/** What an event says. A `call` names one call of a model or of a tool. */
export type Happening =
  | ({ readonly type: 'run-start'; readonly run: number; readonly name: string; readonly kind: string } & Placed)
  | ({ readonly type: 'run-end'; readonly run: number; readonly state: 'done' | 'failed' | 'cancelled' } & Placed)
  | ({ readonly type: 'task-start'; readonly run: number; readonly task: string } & Placed)
  | ({
      readonly type: 'task-end'
      readonly run: number
      readonly task: string
      readonly state: 'done' | 'failed' | 'cancelled'
      readonly error?: string
    } & Placed)
  | ({ readonly type: 'text' | 'reasoning'; readonly call: string; readonly delta: string } & Placed)
  | ({ readonly type: 'text-end' | 'reasoning-end'; readonly call: string } & Placed)
  | ({ readonly type: 'tool-start'; readonly call: string; readonly tool: string; readonly input: unknown } & Placed)
  | ({ readonly type: 'tool-end'; readonly call: string; readonly tool: string; readonly output: unknown } & Placed)
  | ({ readonly type: 'tool-failed'; readonly call: string; readonly tool: string; readonly error: string } & Placed)
  | ({
      readonly type: 'step'
      readonly step: number
      readonly inputTokens: number | undefined
      readonly outputTokens: number | undefined
    } & Placed)
  | ({ readonly type: 'hand-over'; readonly to: string } & Placed)
  | ({ readonly type: 'question'; readonly id: string; readonly text: string } & Placed)
  | ({ readonly type: 'answer'; readonly id: string; readonly decision: string } & Placed)
  | ({ readonly type: 'end'; readonly state: 'done' | 'failed'; readonly error?: string } & Placed)
  /** How many events the reader came too late for. */
  | ({ readonly type: 'missed'; readonly count: number } & Placed)

/** An event, with its number from 1 up and its time in milliseconds since 1970. */
export type AgentEvent = Happening & { readonly seq: number; readonly at: number }

/** An event as it is made: whoever follows numbers it, and knows the branch where it is not given. */
export type Made = Happening extends infer H
  ? H extends Happening
    ? Omit<H, 'branch'> & { readonly branch?: string }
    : never
  : never

/** One that follows. */
export interface Sink {
  emit(event: Happening): void
}

interface Following {
  readonly sink: Sink
  readonly branch: string
}

const following = new AsyncLocalStorage<Following>()

/** Whether anybody follows the work at hand. */
export function isFollowed(): boolean {
  return following.getStore() !== undefined
}

export function currentSink(): Sink | undefined {
  return following.getStore()?.sink
}

/** Says that something happened, to whoever follows. */
export function emit(event: Made): void {
  const store = following.getStore()
  if (store) store.sink.emit({ ...event, branch: event.branch ?? currentBranch() } as Happening)
}

/** Where the code at hand is: the branch that was entered, else the task of heddle's that it runs in. */
export function currentBranch(): string {
  const store = following.getStore()
  if (!store) return ''
  if (store.branch !== '') return store.branch
  const frame = currentFrame()
  return frame.parent ? frame.label() : ''
}

/** Does the work with a sink for what happens in it. */
export function withSink<T>(sink: Sink, work: () => T): T {
  return following.run({ sink, branch: '' }, work)
}

/** Does the work as a branch of that name, below the one at hand. */
export function inBranch<T>(name: string, work: () => T): T {
  const store = following.getStore()
  if (!store) return work()
  return following.run({ sink: store.sink, branch: store.branch === '' ? name : `${store.branch}/${name}` }, work)
}
