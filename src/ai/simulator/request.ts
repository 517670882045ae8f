/** What a request asks for, whichever wire format it came in. */

export interface RequestMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool'
  readonly text: string
}

export interface RequestTool {
  readonly name: string
  readonly parameters: JsonSchema
}

/** As much of JSON Schema as answers are filled in from. */
export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, JsonSchema>>
  readonly description?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
}

export interface ModelRequest {
  readonly model: string
  readonly messages: readonly RequestMessage[]
  /** Estimate, as the provider charges it. */
  readonly inputTokens: number
  readonly maxTokens: number | undefined
  readonly stream: boolean
  readonly includeUsage: boolean
  /** The answer must be JSON; with a schema where one came along. */
  readonly json: boolean
  readonly schema: JsonSchema | undefined
  readonly tools: readonly RequestTool[]
  /** The tool that must be called; `any` when the model may choose which. */
  readonly forcedTool: string | 'any' | undefined
  readonly seed: number | undefined
}

/** What a wire format cannot read: a 400 with this message. */
export class BadRequest extends Error {}

/** The text of the last message of the user. */
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
  const { text, content } = part as { text?: unknown; content?: unknown }
  return typeof text === 'string' ? text : contentText(content)
}
