/** `POST /v1/chat/completions`, as OpenAI's. */
import type { ChatResult } from '../../kinds.ts'
import type { Endpoint } from './call.ts'
import { chatBody, lettersOf } from './chat-request.ts'
import { answerWritten, estimateWritten, type Form } from './written.ts'

export const chat: Endpoint = {
  kind: 'chat',
  estimate: (body) => estimateWritten(body, lettersOf(body)),
  answer: (call) => answerWritten(call, chatBody(call.body, call.model.accepts), form, lettersOf(call.body)),
}

const form: Form = {
  prefix: 'chatcmpl-',
  object: 'chat.completion',
  chunk: 'chat.completion.chunk',
  whole(result) {
    const calls = callsOf(result)
    // Who only calls tools says nothing.
    const content = result.text === '' && calls.length > 0 ? null : result.text
    return { message: { role: 'assistant', content, refusal: null, ...(calls.length > 0 && { tool_calls: calls }) } }
  },
  first: { delta: { role: 'assistant', content: '' } },
  piece: (content) => ({ delta: { content } }),
  calls: (result) => callsOf(result).map((call, index) => ({ delta: { tool_calls: [{ index, ...call }] } })),
  last: () => ({ delta: {} }),
}

function callsOf({ toolCalls = [] }: ChatResult): readonly object[] {
  return toolCalls.map(({ id, name, arguments: args }) => ({ id, type: 'function', function: { name, arguments: args } }))
}
