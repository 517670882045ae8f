/** A member of a team, and the arguments that it gets. */
import type { TaskContext } from '../../base/frame.ts'
import type { Once } from '../patterns/once.ts'

/** Does tasks of one kind. */
export type Agent = (input: string, task: AgentTask, context: TaskContext) => unknown

/** What an agent of a team gets. */
export interface AgentTask {
  readonly id: string
  /** What it needs, by id. */
  readonly results: Readonly<Record<string, unknown>>
  /** The other members of the team. */
  readonly members: readonly string[]
  /** Return what this gives, and that member does the task with this input; its result is the task's. */
  handOver(to: string, input: string): HandOver
  /** Makes a call unless the team's journal has it, by what it is about; without a `checkpoint` just makes it. Results must be JSON. */
  step: Once
}

/** A task that is handed over; see {@link AgentTask.handOver}. */
export class HandOver {
  readonly to: string
  readonly input: string

  /** @internal */
  constructor(to: string, input: string) {
    this.to = to
    this.input = input
  }
}

/** Members that record their own steps: their tasks are not recorded a second time. */
export const recordsItself: unique symbol = Symbol('records itself')

/** An agent that records its own steps where its team has a `checkpoint`; {@link Agent} otherwise. */
export interface RecordingAgent extends Agent {
  readonly [recordsItself]?: true
}
