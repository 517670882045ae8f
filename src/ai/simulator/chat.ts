/** The wire format of OpenAI's chat completions, which most providers and local servers speak. */
import { estimateTokens } from '../model/tokens.ts'
import type { Answer, ToolCall } from './answer.ts'
import { type Fields, fields, flag, list, oneOf, optional, text, texts, whole } from './fields.ts'
import { openaiCommon } from './openai.ts'
import { BadRequest, contentText, type JsonSchema, type ModelRequest, type RequestMessage, type RequestTool } from './request.ts'
import type { Reply, Usage, Wire } from './wire.ts'

const mostChoices = 128
const mostStops = 4

export const chat: Wire = {
  ...openaiCommon,

  parse(raw) {
    const body = fields(raw, 'body')
    if (typeof body['model'] !== 'string') throw new BadRequest('you must provide a model parameter')
    if (body['messages'] === undefined) throw new BadRequest("Missing required parameter: 'messages'.")
    const messages = list(body['messages'], 'messages').map(messageOf)
    const stop = optional(body['stop'], 'stop', texts) ?? []
    if (stop.length > mostStops)
      throw new BadRequest(`Invalid 'stop': expected at most ${mostStops} texts, but got ${stop.length}.`)
    const maxTokens = optional(body['max_completion_tokens'], 'max_completion_tokens', whole(1))
    const streamOptions = optional(body['stream_options'], 'stream_options', fields)
    return {
      model: body['model'],
      messages,
      inputTokens: messages.reduce((sum, message) => sum + estimateTokens(message.text), 0),
      maxTokens: maxTokens ?? optional(body['max_tokens'], 'max_tokens', whole(1)),
      n: optional(body['n'], 'n', whole(1, mostChoices)) ?? 1,
      stop: stop.filter((one) => one !== ''),
      stream: optional(body['stream'], 'stream', flag) ?? false,
      includeUsage: streamOptions?.['include_usage'] === true,
      ...formatOf(optional(body['response_format'], 'response_format', fields), 'response_format'),
      ...toolsOf(body, (tool, name) => fields(tool['function'], `${name}.function`)),
      seed: optional(body['seed'], 'seed', whole(Number.MIN_SAFE_INTEGER)),
      cache: 'every-beginning',
    } satisfies ModelRequest
  },

  whole: (reply) => ({
    ...envelope(reply, 'chat.completion'),
    choices: reply.answers.map((answer, index) => ({
      index,
      message: {
        role: 'assistant',
        content: answer.calls.length === 0 ? answer.text : null,
        refusal: null,
        ...(answer.calls.length > 0 && {
          tool_calls: answer.calls.map((called, call) => toolCall(reply.id, index, call, called)),
        }),
      },
      logprobs: null,
      finish_reason: finishReason(answer),
    })),
    usage: usageOf(reply.usage),
  }),

  open: (reply) => reply.answers.map((_, index) => chunk(reply, { role: 'assistant', content: '', refusal: null }, index)),

  piece(reply, { text, answer, call, first }) {
    const { calls } = reply.answers[answer] as Answer
    const called = calls[call]
    if (!called) return [chunk(reply, { content: text }, answer)]
    const head = { index: call, ...(first && { id: callId(reply.id, answer, call), type: 'function' }) }
    return [
      chunk(reply, { tool_calls: [{ ...head, function: { ...(first && { name: called.tool }), arguments: text } }] }, answer),
    ]
  },

  close: (reply) => [
    ...reply.answers.map((answer, index) => chunk(reply, {}, index, finishReason(answer))),
    ...(reply.includeUsage
      ? [`data: ${JSON.stringify({ ...envelope(reply, 'chat.completion.chunk'), choices: [], usage: usageOf(reply.usage) })}\n\n`]
      : []),
    'data: [DONE]\n\n',
  ],

  streamError: (_, message) =>
    `data: ${JSON.stringify({ error: { message, type: 'server_error', param: null, code: null } })}\n\n`,
}

const roles: Readonly<Record<string, RequestMessage['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool',
}

function messageOf(raw: unknown, i: number): RequestMessage {
  const message = fields(raw, `messages[${i}]`)
  const role =
    roles[oneOf('system', 'developer', 'user', 'assistant', 'tool', 'function')(message['role'], `messages[${i}].role`)]
  const calls = optional(message['tool_calls'], `messages[${i}].tool_calls`, list)
  return {
    role: role ?? 'user',
    text: contentText(message['content']) || (calls === undefined ? '' : JSON.stringify(calls)),
  }
}

/** `{ type: 'json_schema', json_schema: { schema } }` of chat completions, `{ type: 'json_schema', schema }` of responses. */
export function formatOf(format: Fields | undefined, name: string): { json: boolean; schema: JsonSchema | undefined } {
  if (!format) return { json: false, schema: undefined }
  const type = oneOf('text', 'json_object', 'json_schema')(format['type'], `${name}.type`)
  if (type !== 'json_schema') return { json: type === 'json_object', schema: undefined }
  const place = format['json_schema'] === undefined ? format : fields(format['json_schema'], `${name}.json_schema`)
  return { json: true, schema: optional(place['schema'], `${name}.schema`, fields) }
}

/** The tools and how they must be used. @param partOf where a tool has its name and parameters */
export function toolsOf(
  body: Fields,
  partOf: (tool: Fields, name: string) => Fields,
): { tools: readonly RequestTool[]; forcedTool: string | undefined; parallel: boolean } {
  const parallel = optional(body['parallel_tool_calls'], 'parallel_tool_calls', flag) ?? true
  const tools = (optional(body['tools'], 'tools', list) ?? []).flatMap((raw, i): RequestTool[] => {
    const name = `tools[${i}]`
    const tool = fields(raw, name)
    // Tools of the provider itself (web search …) are never called here.
    if (text(tool['type'], `${name}.type`) !== 'function') return []
    const part = partOf(tool, name)
    const parameters = optional(part['parameters'], `${name}.parameters`, fields)
    return [{ name: text(part['name'], `${name}.function.name`), parameters: parameters ?? {} }]
  })
  const choice = body['tool_choice']
  if (choice === 'none') return { tools: [], forcedTool: undefined, parallel }
  if (choice === undefined || choice === null || choice === 'auto') return { tools, forcedTool: undefined, parallel }
  if (choice === 'required') return { tools, forcedTool: 'any', parallel }
  const chosen = fields(choice, 'tool_choice')
  // A list of tools that are allowed, in which the model may choose.
  if (chosen['type'] === 'allowed_tools') return { tools, forcedTool: undefined, parallel }
  const forced = text(partOf(chosen, 'tool_choice')['name'], 'tool_choice.function.name')
  if (tools.some((tool) => tool.name === forced)) return { tools, forcedTool: forced, parallel }
  throw new BadRequest(`Tool choice '${forced.slice(0, 80)}' not found in 'tools' parameter.`)
}

function envelope(reply: Reply, object: string): object {
  return {
    id: `chatcmpl-${reply.id}`,
    object,
    created: Math.floor(Date.now() / 1_000),
    model: reply.model,
    service_tier: 'default',
  }
}

function chunk(reply: Reply, delta: object, index: number, finish: string | null = null): string {
  const choices = [{ index, delta, logprobs: null, finish_reason: finish }]
  const usage = reply.includeUsage ? { usage: null } : {}
  return `data: ${JSON.stringify({ ...envelope(reply, 'chat.completion.chunk'), choices, ...usage })}\n\n`
}

function finishReason(answer: Answer): string {
  return answer.cut ? 'length' : answer.calls.length === 0 ? 'stop' : 'tool_calls'
}

function toolCall(id: string, answer: number, call: number, { tool, json }: ToolCall): object {
  return { id: callId(id, answer, call), type: 'function', function: { name: tool, arguments: json } }
}

/** Unique in a reply; the first has the reply's own. */
export function callId(id: string, answer: number, call: number): string {
  return `call_${id}${answer === 0 ? '' : `-${answer}`}${call === 0 ? '' : `_${call}`}`
}

function usageOf(usage: Usage): object {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: 0,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}
