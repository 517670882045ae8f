/** `POST /v1/embeddings`, as OpenAI's: texts to vectors, as numbers or, which its own client asks for, as base64 of 32-bit floats. */
import { HeddleError } from '../../../base/errors.ts'
import { BadRequest } from '../../bad-request.ts'
import { fields, oneOf, optional, whole } from '../wire/fields.ts'
import { askAll, type Call, type Endpoint } from './call.ts'
import { estimateTexts, textsOf } from './texts.ts'

export const embeddings: Endpoint = {
  kind: 'embeddings',
  estimate: (body) => estimateTexts(fields(body, 'body')['input']),
  async answer(call) {
    const body = fields(call.body, 'body')
    const texts = textsOf(body['input'], 'input', call.settings.limits.inputs)
    const format = optional(body['encoding_format'], 'encoding_format', oneOf('float', 'base64')) ?? 'float'
    const dimensions = optional(body['dimensions'], 'dimensions', whole(1))
    const answers = await askAll<unknown>(call, texts)
    const { tokensIn } = call.usage
    const parts = answers.map(({ value }, index) => ({
      // Written when its turn comes: thousands of vectors take long.
      toJSON: () => {
        const vector = cut(vectorOf(value), dimensions, call)
        return { object: 'embedding', index, embedding: format === 'base64' ? base64Of(vector) : Array.from(vector) }
      },
    }))
    await call.exchange.replyList(200, 'data', parts, {
      object: 'list',
      model: call.modelName,
      usage: { prompt_tokens: tokensIn, total_tokens: tokensIn },
    })
  },
}

function vectorOf(value: unknown): ArrayLike<number> {
  if (value instanceof Float32Array || value instanceof Float64Array) return value
  if (Array.isArray(value) && value.every((one) => typeof one === 'number')) return value as number[]
  throw new HeddleError('A model for embeddings has to give a list of numbers for each text')
}

/** Fewer dimensions are the first ones, at length one again: only models that were trained for it keep their meaning. */
function cut(vector: ArrayLike<number>, dimensions: number | undefined, { modelName, settings }: Call): ArrayLike<number> {
  if (dimensions === undefined || dimensions === vector.length) return vector
  if (dimensions > vector.length || !settings.matryoshka.has(modelName)) {
    const message = `The model ${modelName} gives ${vector.length} dimensions, and cannot give ${dimensions}.`
    throw new BadRequest(message, { param: 'dimensions', reason: 'unsupported_value' })
  }
  const head = Float32Array.from({ length: dimensions }, (_, i) => vector[i] as number)
  const length = Math.hypot(...head)
  return length === 0 ? head : head.map((one) => one / length)
}

function base64Of(vector: ArrayLike<number>): string {
  const bytes = Buffer.alloc(vector.length * 4)
  for (let i = 0; i < vector.length; i++) bytes.writeFloatLE(vector[i] as number, i * 4)
  return bytes.toString('base64')
}
