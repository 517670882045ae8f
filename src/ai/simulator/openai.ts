/** The wire format of OpenAI's chat completions and embeddings, which most providers and local servers speak. */
import { estimateTokens } from '../tokens.ts'
import type { Answer } from './answer.ts'
import { BadRequest, contentText, type JsonSchema, type ModelRequest, type RequestTool } from './request.ts'
import type { Refusal, Reply, Usage, Wire } from './wire.ts'

interface Body {
  readonly model?: string
  readonly messages?: readonly { readonly role: string; readonly content?: unknown; readonly tool_calls?: unknown }[]
  readonly max_tokens?: number | null
  readonly max_completion_tokens?: number | null
  readonly stream?: boolean
  readonly stream_options?: { readonly include_usage?: boolean }
  readonly response_format?: { readonly type: string; readonly json_schema?: { readonly schema?: JsonSchema } }
  readonly tools?: readonly { readonly function: { readonly name: string; readonly parameters?: JsonSchema } }[]
  readonly tool_choice?: string | { readonly function?: { readonly name?: string } }
  readonly seed?: number
}

export const openai: Wire = {
  parse(raw) {
    const body = raw as Body
    if (typeof body.model !== 'string') throw new BadRequest('you must provide a model parameter')
    if (!Array.isArray(body.messages)) throw new BadRequest("Missing required parameter: 'messages'.")
    const messages = (body.messages as NonNullable<Body['messages']>).map((message) => ({
      role: roles[message.role] ?? ('user' as const),
      text: contentText(message.content) || (message.tool_calls === undefined ? '' : JSON.stringify(message.tool_calls)),
    }))
    const choice = body.tool_choice
    return {
      model: body.model,
      messages,
      inputTokens: messages.reduce((sum, message) => sum + estimateTokens(message.text), 0),
      maxTokens: body.max_completion_tokens ?? body.max_tokens ?? undefined,
      stream: body.stream === true,
      includeUsage: body.stream_options?.include_usage === true,
      json: body.response_format?.type.startsWith('json') ?? false,
      schema: body.response_format?.json_schema?.schema,
      tools: (body.tools ?? []).map((tool): RequestTool => ({
        name: tool.function.name,
        parameters: tool.function.parameters ?? {},
      })),
      forcedTool: typeof choice === 'object' ? choice.function?.name : choice === 'required' ? 'any' : undefined,
      seed: body.seed,
    } satisfies ModelRequest
  },

  charge: (request) => ({ tokens: Math.max(request.maxTokens ?? 0, request.inputTokens), input: 0, output: 0 }),

  whole(reply) {
    const { answer, usage } = reply
    return {
      ...envelope(reply, 'chat.completion'),
      choices: [
        {
          index: 0,
          message: {
            role: 'assistant',
            content: answer.tool ? null : answer.text,
            ...(answer.tool && { tool_calls: [toolCall(reply.id, answer)] }),
          },
          finish_reason: finishReason(reply),
        },
      ],
      usage: usageOf(usage),
    }
  },

  open: (reply) => [chunk(reply, { role: 'assistant', content: '' })],

  piece(reply, text, first) {
    if (!reply.answer.tool) return [chunk(reply, { content: text })]
    const call = { index: 0, ...(first && { id: `call_${reply.id}`, type: 'function' }) }
    return [chunk(reply, { tool_calls: [{ ...call, function: { ...(first && { name: reply.answer.tool }), arguments: text } }] })]
  },

  close: (reply, includeUsage) => [
    `data: ${JSON.stringify({ ...envelope(reply, 'chat.completion.chunk'), choices: [{ index: 0, delta: {}, finish_reason: finishReason(reply) }] })}\n\n`,
    ...(includeUsage
      ? [`data: ${JSON.stringify({ ...envelope(reply, 'chat.completion.chunk'), choices: [], usage: usageOf(reply.usage) })}\n\n`]
      : []),
    'data: [DONE]\n\n',
  ],

  refusal({ kind, message }) {
    const [status, type, code] = refusals[kind]
    return { status, body: { error: { message, type, param: null, code } } }
  },

  streamError: (message) => `data: ${JSON.stringify({ error: { message, type: 'server_error', param: null, code: null } })}\n\n`,

  headers(state, scale) {
    const headers: Record<string, string> = { 'x-request-id': state.id, 'openai-processing-ms': '0' }
    for (const [name, bucket] of [
      ['requests', state.requests],
      ['tokens', state.tokens],
    ] as const) {
      if (!bucket) continue
      headers[`x-ratelimit-limit-${name}`] = `${bucket.limit}`
      headers[`x-ratelimit-remaining-${name}`] = `${bucket.remaining}`
      headers[`x-ratelimit-reset-${name}`] = bucket.limit < 0 ? '0' : goDuration(bucket.resetMs / scale)
    }
    return headers
  },

  retryAfter: (ms) => ({ 'retry-after-ms': `${Math.ceil(ms)}`, 'retry-after': `${Math.ceil(ms / 1_000)}` }),
}

const roles: Readonly<Record<string, ModelRequest['messages'][number]['role']>> = {
  system: 'system',
  developer: 'system',
  assistant: 'assistant',
  tool: 'tool',
}

const refusals: Readonly<Record<Refusal['kind'], readonly [status: number, type: string, code: string | null]>> = {
  requests: [429, 'requests', 'rate_limit_exceeded'],
  tokens: [429, 'tokens', 'rate_limit_exceeded'],
  'too-large': [429, 'tokens', 'rate_limit_exceeded'],
  quota: [429, 'insufficient_quota', 'insufficient_quota'],
  overloaded: [503, 'server_error', 'server_is_overloaded'],
  'server-error': [500, 'server_error', null],
  bad: [400, 'invalid_request_error', null],
  'unknown-model': [404, 'invalid_request_error', 'model_not_found'],
  key: [401, 'invalid_request_error', 'invalid_api_key'],
  route: [404, 'invalid_request_error', null],
}

function envelope(reply: Reply, object: string): object {
  return { id: `chatcmpl-${reply.id}`, object, created: Math.floor(Date.now() / 1_000), model: reply.model }
}

function chunk(reply: Reply, delta: object): string {
  return `data: ${JSON.stringify({ ...envelope(reply, 'chat.completion.chunk'), choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`
}

function finishReason(reply: Reply): string {
  return reply.cut ? 'length' : reply.answer.tool ? 'tool_calls' : 'stop'
}

function toolCall(id: string, answer: Answer): object {
  return { id: `call_${id}`, type: 'function', function: { name: answer.tool, arguments: answer.text } }
}

function usageOf(usage: Usage): object {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cached },
  }
}

/** A duration as Go prints it, which is what these headers hold: `6m0s`, `1.5s`, `120ms`. */
export function goDuration(ms: number): string {
  if (ms < 1_000) return `${Number(ms.toFixed(3))}ms`
  const minutes = Math.floor(ms / 60_000)
  const seconds = Number(((ms % 60_000) / 1_000).toFixed(3))
  const hours = Math.floor(minutes / 60)
  return `${hours > 0 ? `${hours}h` : ''}${minutes > 0 ? `${minutes % 60}m` : ''}${seconds}s`
}
