/** The wire format of Anthropic's messages. */
import { estimateTokens } from '../tokens.ts'
import { BadRequest, contentText, type JsonSchema, type ModelRequest, type RequestTool } from './request.ts'
import type { BucketState, Refusal, Reply, Usage, Wire } from './wire.ts'

interface Body {
  readonly model?: string
  readonly system?: unknown
  readonly messages?: readonly { readonly role: string; readonly content?: unknown }[]
  readonly max_tokens?: number
  readonly stream?: boolean
  readonly tools?: readonly { readonly name: string; readonly input_schema?: JsonSchema }[]
  readonly tool_choice?: { readonly type: string; readonly name?: string }
  readonly output_format?: { readonly type: string; readonly schema?: JsonSchema }
  readonly output_config?: { readonly format?: { readonly type: string; readonly schema?: JsonSchema } }
}

export const anthropic: Wire = {
  parse(raw) {
    const body = raw as Body
    if (typeof body.model !== 'string') throw new BadRequest('model: Field required')
    if (!Array.isArray(body.messages)) throw new BadRequest('messages: Field required')
    if (typeof body.max_tokens !== 'number') throw new BadRequest('max_tokens: Field required')
    const messages: ModelRequest['messages'][number][] = (body.messages as NonNullable<Body['messages']>).map((message) => ({
      role: message.role === 'assistant' ? 'assistant' : isToolResult(message.content) ? 'tool' : 'user',
      text: contentText(message.content),
    }))
    if (body.system !== undefined) messages.unshift({ role: 'system', text: contentText(body.system) })
    const format = body.output_config?.format ?? body.output_format
    return {
      model: body.model,
      messages,
      inputTokens: messages.reduce((sum, message) => sum + estimateTokens(message.text), 0),
      maxTokens: body.max_tokens,
      stream: body.stream === true,
      includeUsage: true,
      json: format?.type === 'json_schema',
      schema: format?.schema,
      tools: (body.tools ?? []).map((tool): RequestTool => ({ name: tool.name, parameters: tool.input_schema ?? {} })),
      forcedTool:
        body.tool_choice?.type === 'tool' ? body.tool_choice.name : body.tool_choice?.type === 'any' ? 'any' : undefined,
      seed: undefined,
    } satisfies ModelRequest
  },

  charge: (request) => ({
    tokens: request.inputTokens + (request.maxTokens ?? 0),
    input: request.inputTokens,
    output: request.maxTokens ?? 0,
  }),

  whole: (reply) => ({ ...message(reply), content: [block(reply)], stop_reason: stopReason(reply), usage: usageOf(reply.usage) }),

  open: (reply) => [
    event('message_start', {
      message: { ...message(reply), content: [], stop_reason: null, usage: { ...usageOf(reply.usage), output_tokens: 1 } },
    }),
    event('content_block_start', {
      index: 0,
      content_block: reply.answer.tool
        ? { type: 'tool_use', id: `toolu_${reply.id}`, name: reply.answer.tool, input: {} }
        : { type: 'text', text: '' },
    }),
  ],

  piece: (reply, text) => [
    event('content_block_delta', {
      index: 0,
      delta: reply.answer.tool ? { type: 'input_json_delta', partial_json: text } : { type: 'text_delta', text },
    }),
  ],

  close: (reply) => [
    event('content_block_stop', { index: 0 }),
    event('message_delta', {
      delta: { stop_reason: stopReason(reply), stop_sequence: null },
      usage: { output_tokens: reply.usage.output },
    }),
    event('message_stop', {}),
  ],

  refusal({ kind, message }) {
    const [status, type] = refusals[kind]
    return { status, body: { type: 'error', error: { type, message } } }
  },

  streamError: (message) => event('error', { error: { type: 'overloaded_error', message } }),

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
  'unknown-model': [404, 'not_found_error'],
  key: [401, 'authentication_error'],
  route: [404, 'not_found_error'],
}

function isToolResult(content: unknown): boolean {
  return Array.isArray(content) && content.some((part: { type?: string }) => part.type === 'tool_result')
}

function message(reply: Reply): object {
  return { id: `msg_${reply.id}`, type: 'message', role: 'assistant', model: reply.model, stop_sequence: null }
}

function block({ answer, id }: Reply): object {
  if (!answer.tool) return { type: 'text', text: answer.text }
  return { type: 'tool_use', id: `toolu_${id}`, name: answer.tool, input: JSON.parse(answer.text) as unknown }
}

function stopReason(reply: Reply): string {
  return reply.cut ? 'max_tokens' : reply.answer.tool ? 'tool_use' : 'end_turn'
}

function usageOf(usage: Usage): object {
  return {
    input_tokens: usage.input - usage.cached,
    cache_creation_input_tokens: 0,
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
