/** One task of a plan: as a planner writes it, and as the team needs it. */
import { InvalidGraph } from '../../../base/errors.ts'
import { type Mention, mentionsIn } from './references.ts'

/** One task of a team's plan. */
export interface PlannedTask {
  readonly id: string
  /** The member that does it. */
  readonly agent: string
  /** What is asked; `$id` stands for the result of that task. */
  readonly input: string
  /** Tasks that must be done before, besides those that the input names. @default none */
  readonly needs?: readonly string[]
}

/** A task with everything that it needs. */
export interface TeamTask {
  readonly id: string
  readonly agent: string
  readonly input: string
  readonly needs: readonly string[]
  /** What the input may mean by `$id`: a task, if there is one of that id, or a sum of money. */
  readonly mentions: readonly Mention[]
}

/** @param where the task as an error shows it @throws {InvalidGraph} */
export function checkedTask(value: unknown, where: string): TeamTask {
  const { id, agent, input, needs = [] } = (value ?? {}) as Partial<PlannedTask>
  const listed = Array.isArray(needs) && needs.every((need) => typeof need === 'string')
  if (typeof id !== 'string' || typeof agent !== 'string' || typeof input !== 'string' || !listed) {
    throw new InvalidGraph(
      `Expected a task of the plan to have \`id\`, \`agent\` and \`input\` as text, and \`needs\` as a list of ids, got ${where}`,
    )
  }
  return { id, agent, input, needs: [...new Set(needs)], mentions: mentionsIn(input) }
}
