/** The wire format of Gemini's `generateContent`. The model and whether it streams stand in the path. */
import { estimateTokens } from '../model/tokens.ts'
import type { Answer, ToolCall } from './answer.ts'
import { type Fields, fields, list, oneOf, optional, text, texts, whole } from './fields.ts'
import { BadRequest, type JsonSchema, type ModelRequest, type RequestMessage, type RequestTool } from './request.ts'
import type { Refusal, Reply, Usage, Wire } from './wire.ts'

/** @param model without `models/` */
export function gemini(model: string, stream: boolean): Wire {
  return { ...common, parse: (raw) => requestOf(fields(raw, 'body'), model, stream) }
}

const common: Omit<Wire, 'parse'> = {
  charge: (request) => ({ tokens: request.inputTokens, input: request.inputTokens, output: 0 }),

  whole: (reply) => ({
    ...envelope(reply),
    candidates: reply.answers.map((answer, index) => candidate(partsOf(answer), index, finishOf(answer))),
    usageMetadata: usageOf(reply.usage),
  }),

  open: () => [],

  piece(reply, { text: piece, answer: index, call, last }) {
    const answer = reply.answers[index] as Answer
    const called = answer.calls[call]
    // Calls come whole.
    if (called && !last) return []
    return [chunk({ ...envelope(reply), candidates: [candidate([called ? partOf(called) : { text: piece }], index)] })]
  },

  close: (reply) => [
    chunk({
      ...envelope(reply),
      candidates: reply.answers.map((answer, index) => candidate([{ text: '' }], index, finishOf(answer))),
      usageMetadata: usageOf(reply.usage),
    }),
  ],

  refusal(refusal) {
    const [code, status] = refusals[refusal.kind]
    const { message, waitMs } = refusal
    const delay = waitMs !== undefined && Number.isFinite(waitMs) ? [retryInfo(waitMs)] : []
    return { status: code, body: { error: { code, message, status, ...(delay.length > 0 && { details: delay }) } } }
  },

  streamError: (_, message) => chunk({ error: { code: 503, message, status: 'UNAVAILABLE' } }),

  // It tells nothing of its limits.
  headers: () => ({}),
  retryAfter: () => ({}),
}

const refusals: Readonly<Record<Refusal['kind'], readonly [code: number, status: string]>> = {
  requests: [429, 'RESOURCE_EXHAUSTED'],
  tokens: [429, 'RESOURCE_EXHAUSTED'],
  'too-large': [429, 'RESOURCE_EXHAUSTED'],
  quota: [429, 'RESOURCE_EXHAUSTED'],
  overloaded: [503, 'UNAVAILABLE'],
  'server-error': [500, 'INTERNAL'],
  bad: [400, 'INVALID_ARGUMENT'],
  foreign: [403, 'PERMISSION_DENIED'],
  'unknown-model': [404, 'NOT_FOUND'],
  key: [400, 'INVALID_ARGUMENT'],
  route: [404, 'NOT_FOUND'],
}

function retryInfo(waitMs: number): object {
  return { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${Math.ceil(waitMs / 1_000)}s` }
}

function requestOf(body: Fields, model: string, stream: boolean): ModelRequest {
  const messages = list(body['contents'], 'contents').flatMap(messagesOf)
  if (messages.length === 0) throw new BadRequest('* GenerateContentRequest.contents: contents is not specified')
  const system = optional(body['systemInstruction'] ?? body['system_instruction'], 'systemInstruction', fields)
  if (system) messages.unshift({ role: 'system', text: textOf(system['parts'], 'systemInstruction.parts') })
  const config = optional(body['generationConfig'], 'generationConfig', fields) ?? {}
  const schema = optional(config['responseJsonSchema'] ?? config['responseSchema'], 'generationConfig.responseSchema', fields)
  return {
    model,
    messages,
    inputTokens: messages.reduce((sum, message) => sum + estimateTokens(message.text), 0),
    maxTokens: optional(config['maxOutputTokens'], 'generationConfig.maxOutputTokens', whole(1)),
    n: optional(config['candidateCount'], 'generationConfig.candidateCount', whole(1, 8)) ?? 1,
    stop: (optional(config['stopSequences'], 'generationConfig.stopSequences', texts) ?? []).filter((one) => one !== ''),
    stream,
    includeUsage: true,
    json: config['responseMimeType'] === 'application/json',
    schema: schema && (lowerCased(schema, 0) as JsonSchema),
    ...toolsOf(body),
    seed: optional(config['seed'], 'generationConfig.seed', whole(Number.MIN_SAFE_INTEGER)),
    cache: 'every-beginning',
  }
}

function messagesOf(raw: unknown, i: number): readonly RequestMessage[] {
  const name = `contents[${i}]`
  const content = fields(raw, name)
  const role = optional(content['role'], `${name}.role`, oneOf('user', 'model', 'function')) ?? 'user'
  const parts = list(content['parts'], `${name}.parts`).map((part, j) => fields(part, `${name}.parts[${j}]`))
  const results = parts.filter((part) => part['functionResponse'] !== undefined)
  if (results.length > 0)
    return results.map((part) => {
      const response = (part['functionResponse'] as Fields | null)?.['response']
      const output = (response as Fields | null)?.['content'] ?? (response as Fields | null)?.['output'] ?? response
      return { role: 'tool' as const, text: typeof output === 'string' ? output : JSON.stringify(output ?? null) }
    })
  return [{ role: role === 'model' ? 'assistant' : 'user', text: textOf(parts, `${name}.parts`) }]
}

function textOf(raw: unknown, name: string): string {
  return list(raw, name)
    .map((part, i) => {
      const { text: said, functionCall } = fields(part, `${name}[${i}]`) as { text?: unknown; functionCall?: unknown }
      return typeof said === 'string' ? said : functionCall === undefined ? '' : JSON.stringify(functionCall)
    })
    .join('\n')
}

/** Its schemas are those of OpenAPI, whose types some clients write in capitals. */
function lowerCased(value: unknown, depth: number): unknown {
  if (depth > 100 || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one) => lowerCased(one, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      key === 'type' && typeof one === 'string' ? one.toLowerCase() : lowerCased(one, depth + 1),
    ]),
  )
}

function toolsOf(body: Fields): Pick<ModelRequest, 'tools' | 'forcedTool' | 'parallel'> {
  const tools = (optional(body['tools'], 'tools', list) ?? []).flatMap((raw, i): readonly RequestTool[] => {
    const declared = optional(fields(raw, `tools[${i}]`)['functionDeclarations'], `tools[${i}].functionDeclarations`, list) ?? []
    return declared.map((one, j) => {
      const tool = fields(one, `tools[${i}].functionDeclarations[${j}]`)
      const parameters = optional(tool['parametersJsonSchema'] ?? tool['parameters'], 'parameters', fields)
      return { name: text(tool['name'], 'name'), parameters: (lowerCased(parameters ?? {}, 0) ?? {}) as JsonSchema }
    })
  })
  const config = optional(
    fields(body['toolConfig'] ?? {}, 'toolConfig')['functionCallingConfig'],
    'functionCallingConfig',
    fields,
  )
  const mode = optional(config?.['mode'], 'mode', oneOf('AUTO', 'ANY', 'NONE', 'VALIDATED', 'MODE_UNSPECIFIED'))
  const allowed = optional(config?.['allowedFunctionNames'], 'allowedFunctionNames', texts)
  const offered = allowed ? tools.filter(({ name }) => allowed.includes(name)) : tools
  if (mode === 'NONE') return { tools: [], forcedTool: undefined, parallel: true }
  return { tools: offered, forcedTool: mode === 'ANY' ? 'any' : undefined, parallel: true }
}

function envelope({ id, model }: Reply): object {
  return { modelVersion: model, responseId: id }
}

function candidate(parts: readonly object[], index: number, finishReason?: string): object {
  return { content: { role: 'model', parts }, ...(finishReason !== undefined && { finishReason }), index }
}

function partsOf({ text: said, calls }: Answer): readonly object[] {
  return calls.length === 0 ? [{ text: said }] : calls.map(partOf)
}

/** Arguments that the limit of tokens has cut are not JSON: the tool would get an empty object. */
function partOf({ tool, json }: ToolCall): object {
  let args: unknown
  try {
    args = JSON.parse(json)
  } catch {
    args = {}
  }
  return { functionCall: { name: tool, args } }
}

function finishOf({ cut }: Answer): string {
  return cut ? 'MAX_TOKENS' : 'STOP'
}

function usageOf(usage: Usage): object {
  return {
    promptTokenCount: usage.input,
    candidatesTokenCount: usage.output,
    totalTokenCount: usage.input + usage.output,
    ...(usage.cached > 0 && { cachedContentTokenCount: usage.cached }),
  }
}

function chunk(body: object): string {
  return `data: ${JSON.stringify(body)}\n\n`
}
