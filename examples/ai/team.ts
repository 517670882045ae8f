/**
 * A planner model writes a plan, and agents work on it while it is still being written: each task starts as soon as its line is
 * complete and what it needs is there.
 *
 *     npx heddle run examples/ai/team.ts ["Compare Oslo and Bergen"]
 *
 *     1. research ──┐
 *                   ├── 3. compare ── 4. write
 *     2. research ──┘
 */
import { streamText } from 'ai'
import { ask, team } from 'heddle/ai'
import { costLine, openModel } from './provider.ts'

const instructions = `Write a plan for the question below, one task per line and nothing else, in the form
1. agent("input")
Agents: research(topic), compare(texts), write(notes). $1 stands for the result of task 1. The last task must write the answer.`

/** What the simulated planner writes. */
const examplePlan = ['1. research("Oslo")', '2. research("Bergen")', '3. compare("$1\\n\\n$2")', '4. write("$3")'].join('\n')

export default async function askTeam(question = 'Compare Oslo and Bergen'): Promise<string> {
  const { model, simulated, close } = await openModel({
    answer: ({ messages }) => (messages.at(-1)?.text.startsWith(instructions) ? examplePlan : undefined),
  })
  try {
    const log: string[] = []
    const agent = (name: string, task: string) => async (input: string) => {
      log.push(`${name} starts`)
      return ask(model, `${task}:\n\n${input}`)
    }
    const plan = streamText({ model, prompt: `${instructions}\n\nQuestion: ${question}` })
    const { value, results } = await team(
      plan,
      {
        research: agent('research', 'Say what is worth knowing about this'),
        compare: agent('compare', 'Compare these'),
        write: agent('write', 'Write a short answer from these notes'),
      },
      { integrate: (all) => String(Object.values(all).at(-1)) },
    )
    return [value, `${Object.keys(results).length} tasks: ${log.join(', ')}`, costLine(model.report(), simulated)].join('\n\n')
  } finally {
    await close()
  }
}
