/** The body of `POST /v1/chat/completions`, as what a model of the kind `'chat'` is asked. What cannot be done is refused by name rather than left out. */
import { describe } from '../../../base/errors.ts'
import type { ChatMessage, ChatRequest } from '../../kinds.ts'
import { BadRequest } from '../wire/bad-request.ts'
import { type Fields, fields, flag, list, number, oneOf, optional, text, whole } from '../wire/fields.ts'

export interface ChatBody {
  readonly request: ChatRequest
  readonly stream: boolean
  readonly includeUsage: boolean
}

const roles = ['system', 'developer', 'user', 'assistant', 'tool'] as const
/** OpenAI takes four. */
const stopsMost = 16

/** @throws {BadRequest} */
export function chatBody(given: unknown): ChatBody {
  const body = fields(given, 'body')
  refuseUnsupported(body)
  const maxTokens = optional(body['max_completion_tokens'] ?? body['max_tokens'], 'max_tokens', whole(1))
  const temperature = optional(body['temperature'], 'temperature', number(0, 2))
  const topP = optional(body['top_p'], 'top_p', topPOf)
  const seed = optional(body['seed'], 'seed', whole(Number.MIN_SAFE_INTEGER))
  const stop = optional(body['stop'], 'stop', stopsOf)
  const schema = optional(body['response_format'], 'response_format', schemaOf)
  const stream = optional(body['stream'], 'stream', flag) ?? false
  const options = optional(body['stream_options'], 'stream_options', fields)
  const request: ChatRequest = {
    messages: messagesOf(body['messages']),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(seed !== undefined && { seed }),
    ...(stop !== undefined && stop.length > 0 && { stop }),
    ...(schema !== undefined && { schema }),
  }
  return { request, stream, includeUsage: optional(options?.['include_usage'], 'stream_options.include_usage', flag) ?? false }
}

function topPOf(value: unknown, name: string): number {
  const found = number(0, 1)(value, name)
  if (found > 0) return found
  throw new BadRequest(`Expected '${name}' to be a number above 0, up to 1, got 0.`, { param: name })
}

function refuseUnsupported(body: Fields): void {
  const refuse = (param: string, why: string): never => {
    throw new BadRequest(`'${param}' is not supported: ${why}.`, { param, reason: 'unsupported_parameter' })
  }
  const given = (name: string): unknown => body[name] ?? undefined
  const tools = given('tools') ?? given('functions')
  if (Array.isArray(tools) ? tools.length > 0 : tools !== undefined) refuse('tools', 'the models of this server call no tools')
  if ((given('n') ?? 1) !== 1) refuse('n', 'there is one answer to a request')
  if (given('logprobs') === true) refuse('logprobs', 'the models of this server do not give them')
  for (const name of ['frequency_penalty', 'presence_penalty'])
    if ((given(name) ?? 0) !== 0) refuse(name, 'the models of this server do not know it')
  if (given('audio') !== undefined) refuse('audio', 'answers are text')
}

function messagesOf(value: unknown): readonly ChatMessage[] {
  const messages = list(value, 'messages')
  if (messages.length === 0) throw new BadRequest("Expected 'messages' to have at least one message.", { param: 'messages' })
  return messages.map((one, i) => {
    const at = `messages[${i}]`
    const message = fields(one, at)
    return { role: oneOf(...roles)(message['role'], `${at}.role`), content: contentOf(message['content'], `${at}.content`) }
  })
}

/** Text, or a list of parts that are text. */
function contentOf(value: unknown, name: string): string {
  if (value === null) return ''
  if (!Array.isArray(value)) return text(value, name)
  return value
    .map((one, i) => {
      const part = fields(one, `${name}[${i}]`)
      if (part['type'] !== 'text') {
        const message = `Expected '${name}[${i}].type' to be 'text', got ${describe(part['type'])}: the models of this server read text.`
        throw new BadRequest(message, { param: name, reason: 'unsupported_value' })
      }
      return text(part['text'], `${name}[${i}].text`)
    })
    .join('')
}

function stopsOf(value: unknown, name: string): readonly string[] {
  const stops = typeof value === 'string' ? [value] : list(value, name).map((one, i) => text(one, `${name}[${i}]`))
  if (stops.length > stopsMost || stops.includes('')) {
    throw new BadRequest(`Expected '${name}' to be up to ${stopsMost} texts that are not empty.`, { param: name })
  }
  return stops
}

function schemaOf(value: unknown, name: string): object | undefined {
  const format = fields(value, name)
  const type = oneOf('text', 'json_object', 'json_schema')(format['type'], `${name}.type`)
  if (type === 'text') return undefined
  if (type === 'json_object') return { type: 'object' }
  return fields(fields(format['json_schema'], `${name}.json_schema`)['schema'], `${name}.json_schema.schema`)
}

/** All text of the messages, for a guess at their tokens; of a body that has not been checked. */
export function lettersOf(given: unknown): number {
  const messages: unknown = (given as Record<string, unknown> | null)?.['messages']
  let letters = 0
  for (const one of Array.isArray(messages) ? messages : []) {
    const content: unknown = (one as Record<string, unknown> | null)?.['content']
    for (const part of Array.isArray(content) ? content : [content]) {
      const words: unknown = typeof part === 'object' && part !== null ? (part as Record<string, unknown>)['text'] : part
      if (typeof words === 'string') letters += words.length
    }
  }
  return letters
}
