/** A conversation, as llama.cpp for Node reads it: with what tools were called, and what came of them. Pure. */
import { describe, InvalidOption } from '../../base/errors.ts'
import { BadRequest } from '../bad-request.ts'
import type { ChatMessage, ChatTool } from '../kinds.ts'
import type { HistoryItem } from './engine.ts'

/** @throws {InvalidOption} @throws {BadRequest} for messages that are no conversation */
export function historyOf(messages: readonly ChatMessage[], tools: readonly ChatTool[] = []): HistoryItem[] {
  const given: unknown = messages
  if (!Array.isArray(given) || given.length === 0)
    throw new InvalidOption(`Expected \`messages\` to be a list of at least one message, got ${describe(given)}`)
  const last = messages.at(-1) as ChatMessage
  if (last.role !== 'user' && last.role !== 'tool')
    throw new BadRequest(`Expected the last message to be the user's or a tool's, got ${describe(last.role)}`, {
      param: 'messages',
    })
  const results = new Map(
    messages.flatMap(({ role, toolCallId, content }) => (role === 'tool' && toolCallId ? [[toolCallId, content]] : [])),
  )
  const history: HistoryItem[] = []
  for (const message of messages) {
    const { role, content, toolCalls = [], toolCallId } = message
    if (role === 'assistant') {
      const calls = toolCalls.map((call) => callOf(call, results, tools))
      // An answer after results of tools goes on where the calls stand.
      const before = history.at(-1)
      const response = [...(content === '' ? [] : [content]), ...calls]
      if (before?.type === 'model') history.splice(-1, 1, { type: 'model', response: [...before.response, ...response] })
      else history.push({ type: 'model', response })
    } else if (role === 'tool') {
      const known = messages.some((one) => one.toolCalls?.some(({ id }) => id === toolCallId))
      // A result stands in the call that it belongs to.
      if (!known)
        throw new BadRequest(
          `The message of a tool answers the call ${describe(toolCallId)}, which is none of this conversation`,
          { param: 'messages' },
        )
    } else history.push({ type: role === 'user' ? 'user' : 'system', text: content })
  }
  // What the model writes now.
  if (history.at(-1)?.type !== 'model') history.push({ type: 'model', response: [] })
  return history
}

type ToolCall = NonNullable<ChatMessage['toolCalls']>[number]

function callOf(
  { id, name, arguments: text }: ToolCall,
  results: ReadonlyMap<string, string>,
  tools: readonly ChatTool[],
): object {
  const result = results.get(id)
  if (result === undefined)
    throw new BadRequest(`The call ${describe(id)} of the tool ${name} has no result in this conversation`, { param: 'messages' })
  const description = tools.find((tool) => tool.name === name)?.description
  return {
    type: 'functionCall',
    name,
    params: jsonOf(text),
    result: jsonOf(result),
    ...(description !== undefined && { description }),
  }
}

/** What is no JSON is a text. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}
