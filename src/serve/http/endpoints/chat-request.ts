/** The body of `POST /v1/chat/completions`, as what a model of the kind `'chat'` is asked. What cannot be done is refused by name rather than left out. */
import { describe } from '../../../base/errors.ts'
import type { ChatAbility, ChatMessage, ChatRequest, ChatTool } from '../../kinds.ts'
import { BadRequest } from '../../bad-request.ts'
import { type Fields, fields, flag, list, number, oneOf, optional, text, whole } from '../wire/fields.ts'

export interface ChatBody {
  readonly request: ChatRequest
  readonly stream: boolean
  readonly includeUsage: boolean
}

/** Function names as OpenAI has them. */
const toolName = /^[\w-]{1,64}$/
/** As OpenAI has it. */
const toolsMost = 128
const roles = ['system', 'developer', 'user', 'assistant', 'tool'] as const
/** OpenAI takes four. */
const stopsMost = 16

/**
 * @param accepts what the model takes beyond messages of text
 * @throws {BadRequest}
 */
export function chatBody(given: unknown, accepts: readonly ChatAbility[]): ChatBody {
  const body = fields(given, 'body')
  refuseUnsupported(body)
  const schema = optional(body['response_format'], 'response_format', schemaOf)
  const messages = messagesOf(body['messages'])
  if (messages.some(({ images }) => images) && !accepts.includes('images')) throw notAccepted('messages', 'reads no images')
  const request: ChatRequest = {
    messages,
    ...samplingOf(body, 'max_completion_tokens'),
    ...(schema !== undefined && { schema }),
    ...toolsOf(body, accepts),
  }
  return { request, ...streamOf(body) }
}

function notAccepted(param: string, why: string): BadRequest {
  return new BadRequest(`'${param}' cannot be taken as it is: this model ${why}.`, { param, reason: 'unsupported_parameter' })
}

/** What chats and completions have in common. */
export function samplingOf(body: Fields, newerMaxTokens?: string): Omit<ChatRequest, 'messages'> {
  const most = (newerMaxTokens === undefined ? undefined : body[newerMaxTokens]) ?? body['max_tokens']
  const maxTokens = optional(most, 'max_tokens', whole(1))
  const temperature = optional(body['temperature'], 'temperature', number(0, 2))
  const topP = optional(body['top_p'], 'top_p', topPOf)
  const seed = optional(body['seed'], 'seed', whole(Number.MIN_SAFE_INTEGER))
  const stop = optional(body['stop'], 'stop', stopsOf)
  return {
    ...(maxTokens !== undefined && { maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(seed !== undefined && { seed }),
    ...(stop !== undefined && stop.length > 0 && { stop }),
  }
}

export function streamOf(body: Fields): Pick<ChatBody, 'stream' | 'includeUsage'> {
  const options = optional(body['stream_options'], 'stream_options', fields)
  return {
    stream: optional(body['stream'], 'stream', flag) ?? false,
    includeUsage: optional(options?.['include_usage'], 'stream_options.include_usage', flag) ?? false,
  }
}

function topPOf(value: unknown, name: string): number {
  const found = number(0, 1)(value, name)
  if (found > 0) return found
  throw new BadRequest(`Expected '${name}' to be a number above 0, up to 1, got 0.`, { param: name })
}

/** What no model here can do; a value that asks for nothing is none. */
export function refuseUnsupported(body: Fields): void {
  const refuse = (param: string, why: string): never => {
    throw new BadRequest(`'${param}' is not supported: ${why}.`, { param, reason: 'unsupported_parameter' })
  }
  const given = (name: string): unknown => body[name] ?? undefined
  if (given('functions') !== undefined) refuse('functions', "'tools' has taken its place")
  if ((given('n') ?? 1) !== 1) refuse('n', 'there is one answer to a request')
  if ((given('logprobs') ?? false) !== false) refuse('logprobs', 'the models of this server do not give them')
  for (const name of ['frequency_penalty', 'presence_penalty'])
    if ((given(name) ?? 0) !== 0) refuse(name, 'the models of this server do not know it')
  if (Object.keys(optional(body['logit_bias'], 'logit_bias', fields) ?? {}).length > 0)
    refuse('logit_bias', 'the models of this server do not know it')
  if (given('audio') !== undefined) refuse('audio', 'answers are text')
}

function toolsOf(body: Fields, accepts: readonly ChatAbility[]): Pick<ChatRequest, 'tools' | 'toolChoice'> {
  const given = optional(body['tools'], 'tools', list) ?? []
  const choice = optional(body['tool_choice'], 'tool_choice', choiceOf) ?? 'auto'
  if (given.length === 0) {
    if (choice === 'none' || choice === 'auto') return {}
    throw new BadRequest("'tool_choice' asks for a call of a tool, and there are no 'tools'.", { param: 'tool_choice' })
  }
  if (!accepts.includes('tools')) throw notAccepted('tools', 'calls no tools')
  if (given.length > toolsMost) throw new BadRequest(`Expected 'tools' to have at most ${toolsMost} tools.`, { param: 'tools' })
  const tools = given.map((one, i) => toolOf(one, `tools[${i}]`))
  const names = new Set(tools.map(({ name }) => name))
  if (names.size < tools.length) throw new BadRequest("Expected each of 'tools' to have a name of its own.", { param: 'tools' })
  if (typeof choice === 'object' && !names.has(choice.name)) {
    const message = `'tool_choice' names the tool ${JSON.stringify(choice.name)}, which is not among 'tools'.`
    throw new BadRequest(message, { param: 'tool_choice' })
  }
  if (choice === 'none') return {}
  return { tools, ...(choice !== 'auto' && { toolChoice: choice }) }
}

function toolOf(value: unknown, name: string): ChatTool {
  const tool = fields(value, name)
  oneOf('function')(tool['type'], `${name}.type`)
  const fn = fields(tool['function'], `${name}.function`)
  const called = text(fn['name'], `${name}.function.name`)
  if (!toolName.test(called)) {
    const message = `Expected '${name}.function.name' to be up to 64 letters, digits, '_' and '-', got ${describe(called)}.`
    throw new BadRequest(message, { param: name })
  }
  const description = optional(fn['description'], `${name}.function.description`, text)
  const parameters = optional(fn['parameters'], `${name}.function.parameters`, fields)
  return { name: called, ...(description !== undefined && { description }), ...(parameters !== undefined && { parameters }) }
}

function choiceOf(value: unknown, name: string): 'none' | 'auto' | 'required' | { readonly name: string } {
  if (typeof value === 'string') return oneOf('none', 'auto', 'required')(value, name)
  const choice = fields(value, name)
  oneOf('function')(choice['type'], `${name}.type`)
  return { name: text(fields(choice['function'], `${name}.function`)['name'], `${name}.function.name`) }
}

function messagesOf(value: unknown): readonly ChatMessage[] {
  const messages = list(value, 'messages')
  if (messages.length === 0) throw new BadRequest("Expected 'messages' to have at least one message.", { param: 'messages' })
  return messages.map((one, i) => messageOf(fields(one, `messages[${i}]`), `messages[${i}]`))
}

function messageOf(message: Fields, at: string): ChatMessage {
  const role = oneOf(...roles)(message['role'], `${at}.role`)
  const calls = role === 'assistant' ? (optional(message['tool_calls'], `${at}.tool_calls`, list) ?? []) : []
  const toolCalls = calls.map((one, i) => {
    const call = fields(one, `${at}.tool_calls[${i}]`)
    const fn = fields(call['function'], `${at}.tool_calls[${i}].function`)
    return {
      id: text(call['id'], `${at}.tool_calls[${i}].id`),
      name: text(fn['name'], `${at}.tool_calls[${i}].function.name`),
      arguments: text(fn['arguments'], `${at}.tool_calls[${i}].function.arguments`),
    }
  })
  // Who only calls tools says nothing.
  const { content, images } = contentOf(message['content'] ?? (toolCalls.length > 0 ? '' : message['content']), `${at}.content`)
  return {
    role,
    content,
    ...(images.length > 0 && { images }),
    ...(toolCalls.length > 0 && { toolCalls }),
    ...(role === 'tool' && { toolCallId: text(message['tool_call_id'], `${at}.tool_call_id`) }),
  }
}

/** Text, or a list of parts that are text and images. */
function contentOf(value: unknown, name: string): { readonly content: string; readonly images: readonly string[] } {
  if (value === null) return { content: '', images: [] }
  if (!Array.isArray(value)) return { content: text(value, name), images: [] }
  const images: string[] = []
  const texts = value.map((one, i) => {
    const at = `${name}[${i}]`
    const part = fields(one, at)
    const { type } = part
    if (type === 'text') return text(part['text'], `${at}.text`)
    if (type !== 'image_url') {
      const message = `Expected '${at}.type' to be 'text' or 'image_url', got ${describe(type)}.`
      throw new BadRequest(message, { param: name, reason: 'unsupported_value' })
    }
    images.push(imageOf(text(fields(part['image_url'], `${at}.image_url`)['url'], `${at}.image_url.url`), at))
    return ''
  })
  return { content: texts.join(''), images }
}

/** A server that fetched what its clients name would ask on their behalf whatever it can reach. */
function imageOf(url: string, at: string): string {
  if (/^data:image\/[\w.+-]+;base64,/i.test(url)) return url
  const message = `Expected '${at}.image_url.url' to be a 'data:image/…;base64,' URL: this server fetches no addresses.`
  throw new BadRequest(message, { param: 'messages', reason: 'unsupported_value' })
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
