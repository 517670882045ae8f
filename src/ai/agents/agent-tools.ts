/** The tools of an agent as its model gets them: under its limit, asked for where a person must agree, recorded where the team has a journal. */
import { HeddleError } from '../../base/errors.ts'
import type { Limiter } from '../../limits/index.ts'
import { scope } from '../../run/scope.ts'
import type { Inbox } from '../human/inbox.ts'
import type { AgentTask } from './member.ts'
import type { Memory } from './memory.ts'
import type { Sdk, SdkTool, Tools } from './sdk.ts'
import { ended, spanned } from '../telemetry/spans.ts'

/** Which calls of tools a person must agree to. */
export interface Approval {
  /** Where people are asked. */
  readonly inbox: Inbox
  /** Names of tools, or a function that says it of each call. */
  readonly tools: readonly string[] | ((tool: string, input: unknown) => boolean)
}

interface CallOptions {
  readonly toolCallId?: string
  readonly abortSignal?: AbortSignal
}

export interface ToolSetting {
  readonly sdk: Sdk
  readonly agent: string
  readonly task: AgentTask
  readonly limit: Limiter | undefined
  readonly approval: Approval | undefined
}

/** @returns tools that do the same, and more */
export function agentTools(tools: Tools, setting: ToolSetting): Tools {
  return Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, wrapped(name, tool, setting)] as const))
}

function wrapped(name: string, tool: SdkTool, { sdk, agent, task, limit, approval }: ToolSetting): SdkTool {
  const execute = tool.execute as ((input: unknown, options: CallOptions) => unknown) | undefined
  // Tools that the provider or the user's page runs.
  if (!execute) return tool
  const call = async (input: unknown, options: CallOptions): Promise<unknown> => {
    const about = [task.id, agent, options.toolCallId ?? '', name, input]
    let used = input
    if (approval && needsApproval(approval, name, input)) {
      const question = {
        id: `${task.id}/${agent}/${name}/${options.toolCallId ?? ''}`,
        text: `${agent} wants to use the tool ${name}`,
        draft: input,
      }
      const answer = await approval.inbox.ask(question, options.abortSignal ? { signal: options.abortSignal } : {})
      if (answer.decision === 'reject')
        throw new HeddleError(`A person rejected this call of ${name}${answer.note === undefined ? '' : `: ${answer.note}`}`)
      if (answer.decision === 'edit') used = await edited(name, tool, answer.value, sdk)
    }
    const run = (): unknown => execute(used, options)
    const made = async (): Promise<unknown> => (await (limit ? limit.run(run, signalOf(options)) : run())) ?? null
    return task.step('tool', about, () =>
      spanned(
        () => ({ kind: 'tool', name, callId: options.toolCallId ?? '', input: used }),
        (span) => ended(span, made, (output) => output),
      ),
    )
  }
  return {
    ...tool,
    // A task of its own: traces show it, and code inside sees its cancellation.
    execute: (input: unknown, options: CallOptions = {}) =>
      scope((s) => s.fork(() => call(input, options), { name: `tool ${name}` }), { name: 'tool', ...signalOf(options) }),
  } as SdkTool
}

/** A person may write what the tool cannot take; the model's own input was checked by the SDK. @throws {HeddleError} */
async function edited(name: string, { inputSchema }: SdkTool, value: unknown, { asSchema }: Sdk): Promise<unknown> {
  const checked = await asSchema(inputSchema).validate?.(value)
  if (!checked) return value
  if (checked.success) return checked.value
  throw new HeddleError(`A person edited this call of ${name} to arguments that the tool does not accept`, {
    cause: checked.error,
  })
}

function signalOf({ abortSignal }: CallOptions): { readonly signal?: AbortSignal } {
  return abortSignal ? { signal: abortSignal } : {}
}

function needsApproval({ tools }: Approval, name: string, input: unknown): boolean {
  return typeof tools === 'function' ? tools(name, input) : tools.includes(name)
}

/** Tools for notes. They are done again after a crash: what they change lies in memory. */
export function memoryTools(memory: Memory, { jsonSchema }: Sdk, written: Map<string, string>): Tools {
  const text = { type: 'string' }
  return {
    remember: {
      description: 'Writes a note that you and others with this memory can read later.',
      inputSchema: jsonSchema({ type: 'object', properties: { name: text, text }, required: ['name', 'text'] }),
      execute: ({ name, text }: { name: string; text: string }) => {
        memory.set(name, text)
        written.set(name, text)
        return 'noted'
      },
    },
    recall: {
      description: `Reads a note. There are: ${memory.names.join(', ') || 'none yet'}.`,
      inputSchema: jsonSchema({ type: 'object', properties: { name: text }, required: ['name'] }),
      execute: ({ name }: { name: string }) =>
        memory.get(name) ?? `There is no note "${name}"; there are: ${memory.names.join(', ') || 'none'}`,
    },
  }
}

/** A tool that gives the task to another member; the loop ends with its call. */
export function handOverTool(
  members: readonly string[],
  { jsonSchema }: Sdk,
  handOver: (to: string, input: string) => void,
): Tools {
  const properties = { to: { type: 'string', enum: members }, input: { type: 'string' } }
  return {
    hand_over: {
      description: 'Hands the whole task over to another member, who answers instead of you.',
      inputSchema: jsonSchema({ type: 'object', properties, required: ['to', 'input'] }),
      execute: ({ to, input }: { to: string; input: string }) => {
        handOver(to, input)
        return 'handed over'
      },
    },
  }
}
