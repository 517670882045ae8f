/** The wire format of OpenAI's embeddings: texts or token ids in, numbers or base64 of 32-bit floats out. */
import { estimateTokens } from '../model/tokens.ts'
import { embeddingOf } from './embedding.ts'
import { fields, list, oneOf, optional, whole } from './fields.ts'
import { openaiCommon } from './openai.ts'
import type { Call, Form } from './form.ts'
import { BadRequest, type ModelRequest } from './request.ts'
import type { Wire } from './wire.ts'

const mostInputs = 2_048
export const mostDimensions = 8_192

export const embeddings: Form = { refusal: openaiCommon.refusal, parse: embeddingCall }

function embeddingCall(raw: unknown): Call {
  const body = fields(raw, 'body')
  const { model } = body
  if (typeof model !== 'string') throw new BadRequest('you must provide a model parameter')
  const inputs = inputsOf(body['input'])
  const format = optional(body['encoding_format'], 'encoding_format', oneOf('float', 'base64')) ?? 'float'
  const asked = optional(body['dimensions'], 'dimensions', whole(1, mostDimensions))
  const encoded = (vector: readonly number[]): readonly number[] | string =>
    format === 'float' ? vector : Buffer.from(new Float32Array(vector).buffer).toString('base64')
  return {
    request: embeddingRequest(model, inputs),
    wire: (dimensions) => ({
      ...openaiCommon,
      ...neverStreams,
      parse: (body) => embeddingCall(body).request,
      whole: ({ usage }) => ({
        object: 'list',
        data: inputs.map(({ text }, index) => ({
          object: 'embedding',
          index,
          embedding: encoded(embeddingOf(text, asked ?? dimensions)),
        })),
        model,
        usage: { prompt_tokens: usage.input, total_tokens: usage.input },
      }),
    }),
  }
}

/** @param inputs texts, and what each counts */
export function embeddingRequest(model: string, inputs: readonly Input[]): ModelRequest {
  return {
    model,
    messages: inputs.map(({ text }) => ({ role: 'user', text })),
    inputTokens: inputs.reduce((sum, { tokens }) => sum + tokens, 0),
    maxTokens: 0,
    n: 1,
    stop: [],
    stream: false,
    includeUsage: true,
    json: false,
    schema: undefined,
    tools: [],
    forcedTool: undefined,
    parallel: false,
    seed: undefined,
    cache: [],
  }
}

interface Input {
  readonly text: string
  readonly tokens: number
}

/** A text, token ids, or a list of either. */
function inputsOf(input: unknown): readonly Input[] {
  const inputs = Array.isArray(input) && typeof input[0] !== 'number' ? list(input, 'input') : [input]
  if (inputs.length === 0 || inputs.length > mostInputs) {
    throw new BadRequest(`Invalid 'input': expected 1 to ${mostInputs} texts, but got ${inputs.length}.`)
  }
  return inputs.map((one): Input => {
    if (typeof one === 'string' && one !== '') return { text: one, tokens: estimateTokens(one) }
    if (Array.isArray(one) && one.length > 0 && one.every((id) => Number.isInteger(id) && (id as number) >= 0)) {
      return { text: (one as number[]).map((id) => `token${id}`).join(' '), tokens: one.length }
    }
    throw new BadRequest("Invalid 'input': expected a text that is not empty, or a list of token ids.")
  })
}

export const neverStreams: Pick<Wire, 'open' | 'piece' | 'close' | 'streamError'> = {
  open: () => [],
  piece: () => [],
  close: () => [],
  streamError: () => '',
}
