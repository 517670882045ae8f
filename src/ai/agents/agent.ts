/**
 * Agents: a model that uses tools until it has an answer, as a member of a team or alone. The loop and the parallel tool calls are the AI SDK's;
 * heddle's are the bounds, the limits that tools share, people who must agree, the memory, and the journal that makes each call once.
 */
import { InvalidOption } from '../../base/errors.ts'
import { context as currentContext, type TaskContext } from '../../base/frame.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { Limiter } from '../../limits/index.ts'
import { agentTools, type Approval, handOverTool, memoryTools } from './agent-tools.ts'
import { inBranch } from '../events/events.ts'
import { ended, spanned } from '../telemetry/spans.ts'
import { readStream, type SdkStream } from '../events/read-stream.ts'
import { type AgentTask, HandOver, type RecordingAgent, recordsItself } from './member.ts'
import { Memory } from './memory.ts'
import type { AnyLanguageModel } from '../model/sdk-model.ts'
import { direct } from '../patterns/once.ts'
import type { StandardSchema } from '../patterns/schema.ts'
import { Budget, budget, type BudgetOptions } from '../pool/budget.ts'
import { pool } from '../pool/pool.ts'
import { recordedModel } from './recorded-model.ts'
import { loadSdk } from '../model/load-sdk.ts'
import { isSdkAgent, type Sdk, type SdkAgent, type Tools } from './sdk.ts'

/** Options of {@link agent}. */
export interface AgentOptions {
  /** In questions to people and in events. @default 'agent' */
  readonly name?: string
  /** The system prompt. @default none */
  readonly system?: string
  /** Tools of the AI SDK; those of an MCP server are `(await mcpTools(…)).tools`. @default none */
  readonly tools?: Tools
  /** Calls of the model for one task at most; in the last one it gets no tools, so that it answers. Minimum 1. @default 8 */
  readonly steps?: number
  /** Shared by the tools of all agents that get the same limiter. @default none */
  readonly toolLimit?: Limiter
  /** What all tasks of this agent together may spend. @default no bound but the pool's */
  readonly budget?: Budget
  /** What each task may spend, out of `budget` where that is given. @default no bound */
  readonly perTask?: BudgetOptions
  /** Notes: private to the agent, or shared with others that get the same. @default none */
  readonly memory?: Memory
  /** Members of the team that tasks may be handed over to; `true` for all. @default nobody */
  readonly handOver?: true | readonly string[]
  /** Calls of tools that a person must agree to. @default none */
  readonly approve?: Approval
  /** What the answer must be, as a Standard Schema. @default text */
  readonly schema?: StandardSchema<unknown>
  /** Of one answer. @default that of the model */
  readonly maxOutputTokens?: number
  /** @default that of the model */
  readonly temperature?: number
}

/** An agent: a member of a team, and a function that can be called alone. */
export type AgentFunction = RecordingAgent & ((input: string, task?: AgentTask, context?: TaskContext) => Promise<unknown>)

const agentRules = {
  name: rules.string,
  system: rules.string,
  tools: rules.object,
  steps: rules.whole(1),
  toolLimit: { expected: 'a limiter', accepts: (value: unknown) => value instanceof Limiter },
  budget: { expected: 'a budget made by budget()', accepts: (value: unknown) => value instanceof Budget },
  perTask: rules.object,
  memory: { expected: 'a memory made by memory()', accepts: (value: unknown) => value instanceof Memory },
  handOver: rules.any,
  approve: rules.object,
  schema: rules.any,
  maxOutputTokens: rules.whole(1),
  temperature: rules.number(0),
}

/**
 * Makes an agent of a model: it answers a task with as many calls of the model and of its tools as it takes, within its bounds. Tools that the model
 * calls together run side by side. In a team with a `checkpoint` every call of the model and of a tool is recorded: after a crash none is made, paid
 * or approved again.
 *
 * @param model a model, best a pool: its limits, retries and budget then hold for the agent
 * @throws {InvalidOption} for a wrong option
 * @returns the agent; calls reject with {BudgetExceeded} when a bound is reached, and with what the model failed with
 *
 * @example
 * const model = pool(openai('gpt-4.1-mini'))
 * const researcher = agent(model, { system: 'You look things up.', tools: { search }, steps: 5, perTask: { tokens: 50_000 } })
 * const { value } = await team(plan, { researcher, writer: agent(model, { system: 'You write.' }) })
 */
export function agent(model: AnyLanguageModel, options: AgentOptions = {}): AgentFunction {
  checkOptions<AgentOptions>(options, agentRules, 'agent')
  const { handOver } = options
  if (handOver !== undefined && handOver !== true && !Array.isArray(handOver))
    throw new InvalidOption('Expected `handOver` of agent to be true or names of members')
  const act = async (input: string, task: AgentTask = alone(), context: TaskContext = currentContext()): Promise<unknown> => {
    const { name = 'agent' } = options
    // With a journal the task is a step of it; what it noted is noted again when it is read from there.
    const done = await task.step(name, [task.id, input, task.results], () =>
      spanned(
        () => ({ kind: 'agent', name, model: model.modelId, input }),
        (span) =>
          ended(
            span,
            () => new Acting(model, options, input, task, context).run(),
            ({ value }) => value,
          ),
      ),
    )
    for (const [note, text] of done.notes) options.memory?.set(note, text)
    return done.handedOver ? new HandOver(done.handedOver.to, done.handedOver.input) : done.value
  }
  return Object.assign(act, { [recordsItself]: true as const })
}

/** An agent of the AI SDK, such as `ToolLoopAgent`, as a member of a team. */
export function sdkMember(of: SdkAgent): (input: string, task: AgentTask, context: TaskContext) => Promise<string> {
  return async (prompt, _task, { signal }) => readStream((await of.stream({ prompt, abortSignal: signal } as never)) as SdkStream)
}

export { isSdkAgent, type SdkAgent }

function alone(): AgentTask {
  return { id: 'task', results: {}, members: [], handOver: (to, input) => new HandOver(to, input), step: direct }
}

interface Done {
  readonly value: unknown
  readonly handedOver: { readonly to: string; readonly input: string } | undefined
  readonly notes: readonly (readonly [name: string, text: string])[]
}

/** One task of an agent. */
class Acting {
  readonly #model: AnyLanguageModel
  readonly #options: AgentOptions
  readonly #input: string
  readonly #task: AgentTask
  readonly #context: TaskContext
  readonly #notes = new Map<string, string>()
  #handedOver: Done['handedOver']

  constructor(model: AnyLanguageModel, options: AgentOptions, input: string, task: AgentTask, context: TaskContext) {
    this.#model = model
    this.#options = options
    this.#input = input
    this.#task = task
    this.#context = context
  }

  async run(): Promise<Done> {
    const { system, steps = 8, schema, maxOutputTokens, temperature, name = 'agent' } = this.#options
    const sdk = await loadSdk<Sdk>('Running an agent')
    const tools = this.#tools(sdk)
    const hasTools = Object.keys(tools).length > 0
    const ask = (): SdkStream =>
      sdk.streamText({
        model: this.#bounded(),
        prompt: this.#input,
        ...(system !== undefined && { system }),
        ...(hasTools && {
          tools,
          prepareStep: ({ stepNumber }: { readonly stepNumber: number }) =>
            stepNumber >= steps - 1 ? { toolChoice: 'none' } : {},
        }),
        stopWhen: [sdk.stepCountIs(steps), sdk.hasToolCall('hand_over')],
        ...(schema !== undefined && { output: sdk.Output.object({ schema }) }),
        ...(maxOutputTokens !== undefined && { maxOutputTokens }),
        ...(temperature !== undefined && { temperature }),
        maxRetries: 0,
        abortSignal: this.#context.signal,
        onError: () => {},
      })
    // All of it in the branch: tools run where the stream was made.
    const value = await inBranch(name, async () => {
      const result = ask()
      const text = await readStream(result)
      return this.#handedOver || schema === undefined ? text : result.output
    })
    return { value, handedOver: this.#handedOver, notes: [...this.#notes] }
  }

  /** The model under the budgets of the agent and of the task, and its answers recorded. */
  #bounded(): AnyLanguageModel {
    const { budget: whole, perTask, name = 'agent' } = this.#options
    const bound = perTask === undefined ? whole : whole ? whole.child(perTask) : budget(perTask)
    const own = this.#model as AnyLanguageModel & { with?: (options: { budget: Budget }) => AnyLanguageModel }
    const model = !bound
      ? this.#model
      : typeof own.with === 'function'
        ? own.with({ budget: bound })
        : pool(this.#model, { budget: bound })
    const { step, id } = this.#task
    return step === direct ? model : recordedModel(model, step, [name, id, this.#input])
  }

  #tools(sdk: Sdk): Tools {
    const { tools = {}, toolLimit: limit, approve: approval, memory, handOver, name: agent = 'agent' } = this.#options
    const members = handOver === true ? this.#task.members : (handOver ?? [])
    return {
      ...agentTools(tools, { sdk, agent, task: this.#task, limit, approval }),
      ...(memory && memoryTools(memory, sdk, this.#notes)),
      ...(members.length > 0 && handOverTool(members, sdk, (to, input) => (this.#handedOver = { to, input }))),
    }
  }
}
