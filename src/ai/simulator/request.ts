/** What a request asks for, whichever wire format it came in. */
import { createHash } from 'node:crypto'

/** One message of a conversation. */
export interface RequestMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly text: string
}

/** A tool that a request offers. */
export interface RequestTool {
  readonly name: string
  readonly parameters: JsonSchema
}

/** As much of JSON Schema as answers are filled in from; `true` allows everything. A client may send anything. */
export type JsonSchema = JsonSchemaObject | boolean

export interface JsonSchemaObject {
  readonly type?: unknown
  readonly properties?: unknown
  readonly patternProperties?: unknown
  readonly propertyNames?: unknown
  readonly additionalProperties?: unknown
  readonly minProperties?: unknown
  readonly required?: unknown
  readonly items?: unknown
  readonly prefixItems?: unknown
  readonly additionalItems?: unknown
  readonly enum?: unknown
  readonly const?: unknown
  readonly anyOf?: unknown
  readonly oneOf?: unknown
  readonly allOf?: unknown
  readonly $ref?: unknown
  readonly description?: unknown
  readonly minimum?: unknown
  readonly maximum?: unknown
  readonly exclusiveMinimum?: unknown
  readonly exclusiveMaximum?: unknown
  readonly multipleOf?: unknown
  readonly minItems?: unknown
  readonly maxItems?: unknown
  readonly uniqueItems?: unknown
  readonly minLength?: unknown
  readonly maxLength?: unknown
  readonly pattern?: unknown
  readonly format?: unknown
}

/** A request to a simulated model, whatever wire format it came in. */
export interface ModelRequest {
  readonly model: string
  readonly messages: readonly RequestMessage[]
  /** Estimate, as the provider charges it. */
  readonly inputTokens: number
  readonly maxTokens: number | undefined
  /** Answers to give. */
  readonly n: number
  /** The answer ends before the first of these. */
  readonly stop: readonly string[]
  readonly stream: boolean
  readonly includeUsage: boolean
  /** The answer must be JSON; with a schema where one came along. */
  readonly json: boolean
  readonly schema: JsonSchema | undefined
  /** The tools that may be called. */
  readonly tools: readonly RequestTool[]
  /** The tool that must be called; `any` when the model may choose which. */
  readonly forcedTool: string | 'any' | undefined
  /** Several may be called at once. */
  readonly parallel: boolean
  readonly seed: number | undefined
  /** What the provider may cache: every beginning (OpenAI), or the beginnings that the request names (Anthropic). */
  readonly cache: 'every-beginning' | readonly CachedBeginning[]
}

/** A beginning of a prompt that may be in the cache. */
export interface CachedBeginning {
  readonly hash: string
  readonly tokens: number
  /** It is to be written there. */
  readonly named: boolean
}

/** What a wire format cannot read: a 400 with this message. */
export class BadRequest extends Error {}

/** The text of the last message of the user in a `request`; empty when there is none. Never throws. */
export function question(request: ModelRequest): string {
  return request.messages.findLast((message) => message.role === 'user')?.text ?? ''
}

/** The text of a message whose content is text or a list of parts. */
export function contentText(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map(partText).join('\n')
}

function partText(part: unknown): string {
  if (typeof part === 'string') return part
  if (typeof part !== 'object' || part === null) throw new BadRequest('A part of a message must be an object.')
  const { text, content } = part as { text?: unknown; content?: unknown }
  return typeof text === 'string' ? text : contentText(content)
}

/** Equal for requests that ask the same. */
export function keyOf({ messages, tools, schema }: ModelRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([messages, tools, schema]))
    .digest('hex')
}
