/**
 * Plans of a team: tasks that need one another, given as a list or as text that is still being written by a planner model.
 * Two forms of lines: `id = agent(input)`, also numbered as LLMCompiler does (`1. search("…")`), and one JSON object per line.
 */
import { describe, InvalidGraph } from '../base/errors.ts'

export interface PlannedTask {
  readonly id: string
  /** Who does it. */
  readonly agent: string
  /** What is asked; `$id` stands for the result of that task. */
  readonly input: string
  /** Tasks that must be done before, besides those that the input names. @default none */
  readonly needs?: readonly string[]
}

export type Plan = readonly PlannedTask[] | string | AsyncIterable<string>

/** A task with everything that it needs. */
export interface TeamTask {
  readonly id: string
  readonly agent: string
  readonly input: string
  readonly needs: readonly string[]
  /** What the input may mean by `$id`: a task, if there is one of that id, or a sum of money. */
  readonly mentions: readonly string[]
}

const reference = /\$\{?([A-Za-z0-9_-]+)\}?/g
const callLine = /^([A-Za-z0-9_-]+)\s*[.=:)]\s*([A-Za-z_][\w-]*)\((.*)\)$/s

/** The tasks of a plan, each as soon as its line is complete. @throws {InvalidGraph} */
export async function* tasksOf(plan: Plan): AsyncGenerator<TeamTask> {
  if (typeof plan === 'string') {
    for (const line of plan.split('\n')) yield* taskOfLine(line)
  } else if (Symbol.asyncIterator in plan) {
    let rest = ''
    for await (const piece of plan) {
      const lines = (rest + piece).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) yield* taskOfLine(line)
    }
    yield* taskOfLine(rest)
  } else if (Array.isArray(plan)) {
    for (const task of plan as readonly PlannedTask[]) yield checked(task, describe(task))
  } else throw new InvalidGraph(`Expected a plan to be a list of tasks, a text, or a stream of text, got ${describe(plan)}`)
}

/** Planners also write prose and empty lines: what looks like no task is skipped, what looks like a broken one is refused. */
function* taskOfLine(line: string): Generator<TeamTask> {
  const text = line.trim().replace(/^[-*]\s+/, '')
  if (text.startsWith('{')) {
    let parsed: unknown
    try {
      parsed = JSON.parse(text.replace(/,$/, ''))
    } catch (cause) {
      throw new InvalidGraph(`A line of the plan is no JSON: ${text.slice(0, 120)}`, { cause })
    }
    yield checked(parsed, text.slice(0, 120))
    return
  }
  const match = callLine.exec(text)
  if (match) yield checked({ id: match[1], agent: match[2], input: unquoted(match[3] as string) }, text)
}

function unquoted(text: string): string {
  const trimmed = text.trim()
  if (!/^".*"$/s.test(trimmed)) return trimmed.replace(/^'(.*)'$/s, '$1')
  try {
    return JSON.parse(trimmed) as string
  } catch {
    return trimmed.slice(1, -1)
  }
}

function checked(value: unknown, where: string): TeamTask {
  const { id, agent, input, needs = [] } = (value ?? {}) as Partial<PlannedTask>
  const listed = Array.isArray(needs) && needs.every((need) => typeof need === 'string')
  if (typeof id !== 'string' || typeof agent !== 'string' || typeof input !== 'string' || !listed) {
    throw new InvalidGraph(
      `Expected a task of the plan to have \`id\`, \`agent\` and \`input\` as text, and \`needs\` as a list of ids, got ${where}`,
    )
  }
  const mentions = referencesIn(input).filter((need) => need !== id && !needs.includes(need))
  return { id, agent, input, needs: [...new Set(needs)], mentions: [...new Set(mentions)] }
}

function referencesIn(input: string): string[] {
  return [...input.matchAll(reference)].map((match) => match[1] as string)
}

/** The input with results in place of `$id`. Ids that are no tasks (`$5`, say) stay as they are. */
export function fillIn(input: string, results: ReadonlyMap<string, unknown>): string {
  return input.replace(reference, (whole, id: string) => {
    if (!results.has(id)) return whole
    const value = results.get(id)
    return typeof value === 'string' ? value : JSON.stringify(value)
  })
}
