/** The wire format of OpenAI's responses. A conversation that is kept by the provider is named by the response before. */
import { estimateTokens } from '../model/tokens.ts'
import { callId, formatOf, toolsOf } from './chat.ts'
import { type Fields, fields, flag, list, optional, text, whole } from './fields.ts'
import { openaiCommon } from './openai.ts'
import { BadRequest, contentText, type ModelRequest, type RequestMessage } from './request.ts'
import type { Reply, Usage, Wire } from './wire.ts'

export const responses: Wire = {
  ...openaiCommon,

  parse(raw, before = []) {
    const body = fields(raw, 'body')
    const { input } = body
    if (typeof body['model'] !== 'string') throw new BadRequest("Missing required parameter: 'model'.")
    if (input === undefined) throw new BadRequest("Missing required parameter: 'input'.")
    const asked =
      typeof input === 'string'
        ? [{ role: 'user' as const, text: input }]
        : list(input, 'input').map((item, i) => itemOf(item, i))
    if (asked.length === 0) throw new BadRequest("Invalid 'input': empty array. Expected an array with minimum length 1.")
    const instructions = optional(body['instructions'], 'instructions', text)
    const system = instructions === undefined ? [] : [{ role: 'system' as const, text: instructions }]
    const messages = [...system, ...before, ...asked]
    const format = optional(body['text'], 'text', fields)?.['format']
    return {
      model: body['model'],
      messages,
      inputTokens: messages.reduce((sum, message) => sum + estimateTokens(message.text), 0),
      maxTokens: optional(body['max_output_tokens'], 'max_output_tokens', whole(1)),
      n: 1,
      stop: [],
      stream: optional(body['stream'], 'stream', flag) ?? false,
      includeUsage: true,
      ...formatOf(optional(format, 'text.format', fields), 'text.format'),
      ...toolsOf(body, (tool) => tool),
      seed: undefined,
      cache: 'every-beginning',
    } satisfies ModelRequest
  },

  whole: (reply) => response(reply, reply.answers[0]?.cut ? 'incomplete' : 'completed', itemsOf(reply)),

  open: (reply) => [
    event(reply, 'response.created', { response: response(reply, 'in_progress', []) }),
    event(reply, 'response.in_progress', { response: response(reply, 'in_progress', []) }),
  ],

  piece(reply, { text: delta, call, first, last }) {
    const [answer] = reply.answers
    const called = answer?.calls[call]
    const events: string[] = []
    const place = { item_id: itemId(reply, call), output_index: call }
    const content = { ...place, content_index: 0 }
    if (first) events.push(event(reply, 'response.output_item.added', { output_index: call, item: item(reply, call, false) }))
    if (first && !called)
      events.push(event(reply, 'response.content_part.added', { ...content, part: { ...outputText(reply), text: '' } }))
    if (called) events.push(event(reply, 'response.function_call_arguments.delta', { ...place, delta }))
    else events.push(event(reply, 'response.output_text.delta', { ...content, delta, logprobs: [] }))
    if (!last) return events
    if (called)
      events.push(event(reply, 'response.function_call_arguments.done', { ...place, name: called.tool, arguments: called.json }))
    else
      events.push(
        event(reply, 'response.output_text.done', { ...content, text: answer?.text, logprobs: [] }),
        event(reply, 'response.content_part.done', { ...content, part: outputText(reply) }),
      )
    return [...events, event(reply, 'response.output_item.done', { output_index: call, item: item(reply, call, true) })]
  },

  close(reply) {
    const status = reply.answers[0]?.cut ? 'incomplete' : 'completed'
    return [event(reply, `response.${status}`, { response: response(reply, status, itemsOf(reply)) })]
  },

  streamError: (reply, message) => event(reply, 'error', { code: 'server_error', message, param: null }),
}

/** The response that this one goes on from. */
export function previousResponse(body: unknown): string | undefined {
  return optional((body as Fields)['previous_response_id'], 'previous_response_id', text)
}

export function responseId(id: string): string {
  return `resp_${id}`
}

function itemOf(raw: unknown, i: number): RequestMessage {
  const name = `input[${i}]`
  const item = fields(raw, name)
  const type = item['type'] ?? 'message'
  if (type === 'function_call_output') {
    return { role: 'tool', text: typeof item['output'] === 'string' ? item['output'] : contentText(item['output']) }
  }
  if (type === 'function_call')
    return { role: 'assistant', text: `${text(item['name'], `${name}.name`)}(${String(item['arguments'])})` }
  if (type !== 'message') return { role: 'assistant', text: '' }
  const role = text(item['role'], `${name}.role`)
  return {
    role: role === 'user' || role === 'assistant' ? role : 'system',
    text: contentText(item['content']),
  }
}

function itemId(reply: Reply, call: number): string {
  return reply.answers[0]?.calls[call] ? `fc_${reply.id}${call === 0 ? '' : `_${call}`}` : `msg_${reply.id}`
}

function outputText(reply: Reply): object {
  return { type: 'output_text', text: reply.answers[0]?.text, annotations: [], logprobs: [] }
}

/** The calls of an answer, or its text. */
function itemsOf(reply: Reply): readonly object[] {
  const calls = Math.max(1, reply.answers[0]?.calls.length ?? 0)
  return Array.from({ length: calls }, (_, call) => item(reply, call, true))
}

function item(reply: Reply, call: number, done: boolean): object {
  const [answer] = reply.answers
  const called = answer?.calls[call]
  const status = !done ? 'in_progress' : answer?.cut ? 'incomplete' : 'completed'
  const common = { id: itemId(reply, call), status }
  return called
    ? {
        ...common,
        type: 'function_call',
        call_id: callId(reply.id, 0, call),
        name: called.tool,
        arguments: done ? called.json : '',
      }
    : { ...common, type: 'message', role: 'assistant', content: done ? [outputText(reply)] : [] }
}

function response(reply: Reply, status: string, output: readonly object[]): object {
  return {
    id: responseId(reply.id),
    object: 'response',
    created_at: Math.floor(Date.now() / 1_000),
    status,
    error: null,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: null,
    max_output_tokens: null,
    model: reply.model,
    output,
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: 'default',
    store: true,
    temperature: 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    truncation: 'disabled',
    usage: status === 'in_progress' ? null : usageOf(reply.usage),
    user: null,
    metadata: {},
  }
}

function usageOf(usage: Usage): object {
  return {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cached },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.input + usage.output,
  }
}

function event(reply: Reply, type: string, data: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: reply.sequence(), ...data })}\n\n`
}
