/** The wire format of Anthropic's messages. */
import { createHash } from 'node:crypto'
import { estimateTokens } from '../model/tokens.ts'
import { type Fields, fields, flag, list, oneOf, optional, text, texts, whole } from './fields.ts'
import {
  BadRequest,
  type CachedBeginning,
  contentText,
  type ModelRequest,
  type RequestMessage,
  type RequestTool,
} from './request.ts'
import type { BucketState, Refusal, Reply, Usage, Wire } from './wire.ts'

export const anthropic: Wire = {
  parse(raw) {
    const body = fields(raw, 'body')
    for (const name of ['model', 'messages', 'max_tokens'])
      if (body[name] === undefined) throw new BadRequest(`${name}: Field required`)
    const messages = list(body['messages'], 'messages').map(messageOf)
    if (messages.length === 0) throw new BadRequest('messages: at least one message is required')
    if (body['system'] !== undefined) messages.unshift({ role: 'system', text: contentText(body['system']) })
    const config = optional(body['output_config'], 'output_config', fields)
    const format = optional(config?.['format'] ?? body['output_format'], 'output_config.format', fields)
    const json = format?.['type'] === 'json_schema'
    const tools = (optional(body['tools'], 'tools', list) ?? []).map((tool, i) => fields(tool, `tools.${i}`))
    return {
      model: text(body['model'], 'model'),
      messages,
      inputTokens: messages.reduce((sum, message) => sum + estimateTokens(message.text), 0),
      maxTokens: whole(1)(body['max_tokens'], 'max_tokens'),
      n: 1,
      stop: (optional(body['stop_sequences'], 'stop_sequences', texts) ?? []).filter((one) => one !== ''),
      stream: optional(body['stream'], 'stream', flag) ?? false,
      includeUsage: true,
      json,
      schema: json ? optional(format['schema'], 'output_config.format.schema', fields) : undefined,
      ...choiceOf(tools.flatMap(toolOf), optional(body['tool_choice'], 'tool_choice', fields)),
      seed: undefined,
      cache: cachedBeginnings(body, tools),
    } satisfies ModelRequest
  },

  charge: (request) => ({
    tokens: request.inputTokens + (request.maxTokens ?? 0),
    input: request.inputTokens,
    output: request.maxTokens ?? 0,
  }),

  whole: (reply) => ({ ...message(reply), content: contentOf(reply), ...stopOf(reply), usage: usageOf(reply.usage) }),

  open: (reply) => [
    event('message_start', {
      message: {
        ...message(reply),
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: { ...usageOf(reply.usage), output_tokens: 1 },
      },
    }),
    event('ping', {}),
  ],

  piece(reply, { text, call: index, first, last }) {
    const called = reply.answers[0]?.calls[index]
    const block = called
      ? { type: 'tool_use', id: useId(reply, index), name: called.tool, input: {} }
      : { type: 'text', text: '' }
    const delta = called ? { type: 'input_json_delta', partial_json: text } : { type: 'text_delta', text }
    return [
      ...(first ? [event('content_block_start', { index, content_block: block })] : []),
      event('content_block_delta', { index, delta }),
      ...(last ? [event('content_block_stop', { index })] : []),
    ]
  },

  close: (reply) => [event('message_delta', { delta: stopOf(reply), usage: usageOf(reply.usage) }), event('message_stop', {})],

  refusal({ kind, message }) {
    const [status, type] = refusals[kind]
    return { status, body: { type: 'error', error: { type, message }, request_id: null } }
  },

  streamError: (_, message) => event('error', { error: { type: 'overloaded_error', message } }),

  headers(state, scale) {
    const headers: Record<string, string> = { 'request-id': state.id }
    const add = (name: string, bucket: BucketState | undefined, rounded: boolean): void => {
      if (!bucket) return
      // Remaining tokens come rounded to the nearest thousand, as its documentation says.
      const remaining = rounded ? Math.min(bucket.limit, Math.round(bucket.remaining / 1_000) * 1_000) : bucket.remaining
      headers[`anthropic-ratelimit-${name}-limit`] = `${bucket.limit}`
      headers[`anthropic-ratelimit-${name}-remaining`] = `${remaining}`
      headers[`anthropic-ratelimit-${name}-reset`] = timestamp(bucket.resetMs / scale, scale !== 1)
    }
    add('requests', state.requests, false)
    add('tokens', state.tokens, true)
    add('input-tokens', state.input, true)
    add('output-tokens', state.output, true)
    return headers
  },

  // Whole seconds, as the provider sends them; a faster world needs finer ones.
  retryAfter: (ms, scale) => ({ 'retry-after': scale === 1 ? `${Math.ceil(ms / 1_000)}` : (ms / 1_000).toFixed(4) }),
}

const refusals: Readonly<Record<Refusal['kind'], readonly [status: number, type: string]>> = {
  requests: [429, 'rate_limit_error'],
  tokens: [429, 'rate_limit_error'],
  'too-large': [429, 'rate_limit_error'],
  quota: [400, 'invalid_request_error'],
  overloaded: [529, 'overloaded_error'],
  'server-error': [500, 'api_error'],
  bad: [400, 'invalid_request_error'],
  foreign: [403, 'permission_error'],
  'unknown-model': [404, 'not_found_error'],
  key: [401, 'authentication_error'],
  route: [404, 'not_found_error'],
}

function messageOf(raw: unknown, i: number): RequestMessage {
  const name = `messages.${i}`
  const message = fields(raw, name)
  const role = oneOf('user', 'assistant', 'system')(message['role'], `${name}.role`)
  const { content } = message
  if (typeof content !== 'string') list(content, `${name}.content`).forEach((part, j) => fields(part, `${name}.content.${j}`))
  return { role: isToolResult(content) ? 'tool' : role, text: contentText(content) }
}

function isToolResult(content: unknown): boolean {
  return Array.isArray(content) && content.some((part: Fields) => part['type'] === 'tool_result')
}

/** Tools of the provider itself (web search …) have no schema and are never called here. */
function toolOf(tool: Fields, i: number): readonly RequestTool[] {
  const parameters = optional(tool['input_schema'], `tools.${i}.input_schema`, fields)
  if (!parameters && tool['type'] !== undefined && tool['type'] !== 'custom') return []
  return [{ name: text(tool['name'], `tools.${i}.name`), parameters: parameters ?? {} }]
}

function choiceOf(
  tools: readonly RequestTool[],
  choice: Fields | undefined,
): Pick<ModelRequest, 'tools' | 'forcedTool' | 'parallel'> {
  const type = choice && oneOf('auto', 'any', 'tool', 'none')(choice['type'], 'tool_choice.type')
  const parallel = choice?.['disable_parallel_tool_use'] !== true
  if (type === 'none') return { tools: [], forcedTool: undefined, parallel }
  if (type !== 'tool') return { tools, forcedTool: type === 'any' ? 'any' : undefined, parallel }
  const forced = text(choice?.['name'], 'tool_choice.name')
  if (tools.some((tool) => tool.name === forced)) return { tools, forcedTool: forced, parallel }
  throw new BadRequest(`tool_choice: Tool '${forced.slice(0, 80)}' not found in provided tools`)
}

/** Parts before one with `cache_control` that the provider looks back at: what an earlier request has cached up to one of them is found (Anthropic's guide, 2026). */
const lookedBack = 20

/** Up to each `cache_control`, in the order in which the provider reads: tools, system, messages. At the top it means all of the prompt. */
function cachedBeginnings(body: Fields, tools: readonly Fields[]): readonly CachedBeginning[] {
  const parts: [text: string, cached: boolean][] = tools.map((tool) => [
    JSON.stringify(withoutCacheControl(tool)),
    asksToCache(tool),
  ])
  const add = (content: unknown): void => {
    for (const part of Array.isArray(content) ? (content as unknown[]) : [content])
      parts.push([contentText([part]), asksToCache(part)])
  }
  if (body['system'] !== undefined) add(body['system'])
  for (const message of body['messages'] as readonly Fields[]) add(message['content'])
  const last = parts.at(-1)
  if (last && asksToCache(body)) last[1] = true
  const hash = createHash('sha256')
  let tokens = 0
  return parts.flatMap(([part, named], i) => {
    hash.update(`${part}\n`)
    tokens += estimateTokens(part)
    const isNear = parts.slice(i, i + lookedBack + 1).some(([, cached]) => cached)
    return isNear ? [{ hash: hash.copy().digest('base64'), tokens, named }] : []
  })
}

function asksToCache(part: unknown): boolean {
  return typeof part === 'object' && part !== null && (part as Fields)['cache_control'] instanceof Object
}

function withoutCacheControl(tool: Fields): Fields {
  return { ...tool, cache_control: undefined }
}

function message(reply: Reply): object {
  return { id: `msg_${reply.id}`, type: 'message', role: 'assistant', model: reply.model }
}

function useId({ id }: Reply, call: number): string {
  return call === 0 ? `toolu_${id}` : `toolu_${id}_${call}`
}

function contentOf(reply: Reply): readonly object[] {
  const [answer] = reply.answers
  if (!answer) return []
  if (answer.calls.length === 0) return [{ type: 'text', text: answer.text }]
  return answer.calls.map(({ tool, json }, call) => ({
    type: 'tool_use',
    id: useId(reply, call),
    name: tool,
    input: inputOf(json),
  }))
}

/** Arguments that `max_tokens` has cut are not JSON: the tool would get an empty object. */
function inputOf(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return {}
  }
}

function stopOf({ answers }: Reply): object {
  const [answer] = answers
  if (answer?.cut) return { stop_reason: 'max_tokens', stop_sequence: null }
  if (answer?.stoppedBy !== undefined) return { stop_reason: 'stop_sequence', stop_sequence: answer.stoppedBy }
  return { stop_reason: (answer?.calls.length ?? 0) === 0 ? 'end_turn' : 'tool_use', stop_sequence: null }
}

function usageOf(usage: Usage): object {
  return {
    input_tokens: usage.input - usage.cached - usage.written,
    cache_creation_input_tokens: usage.written,
    cache_read_input_tokens: usage.cached,
    output_tokens: usage.output,
  }
}

function event(type: string, data: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`
}

/** RFC 3339 in whole seconds, as the provider writes it. */
function timestamp(inMs: number, fine: boolean): string {
  const text = new Date(fine ? Date.now() + inMs : Math.ceil((Date.now() + inMs) / 1_000) * 1_000).toISOString()
  return fine ? text : text.replace(/\.\d+Z$/, 'Z')
}
