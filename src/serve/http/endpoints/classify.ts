/** `POST /v1/classify`: the labels of texts, the likeliest first. */
import { HeddleError } from '../../../base/errors.ts'
import { fields } from '../wire/fields.ts'
import type { Classification } from '../../kinds.ts'
import { askAll, type Endpoint } from './call.ts'
import { estimateTexts, textsOf } from './texts.ts'

export const classify: Endpoint = {
  kind: 'classify',
  estimate: (body) => estimateTexts(fields(body, 'body')['input']),
  async answer(call) {
    const texts = textsOf(fields(call.body, 'body')['input'], 'input', call.settings.limits.inputs)
    const answers = await askAll<unknown>(call, texts)
    const data = answers.map(({ value }, index) => {
      const labels = labelsOf(value)
      return { index, label: labels[0]?.label ?? null, score: labels[0]?.score ?? null, labels }
    })
    const { tokensIn } = call.usage
    await call.exchange.reply(200, {
      object: 'list',
      data,
      model: call.modelName,
      usage: { prompt_tokens: tokensIn, total_tokens: tokensIn },
    })
  },
}

function labelsOf(value: unknown): Classification {
  const fits = (one: unknown): boolean => {
    const { label, score } = (one ?? {}) as Record<string, unknown>
    return typeof label === 'string' && typeof score === 'number'
  }
  if (Array.isArray(value) && value.every(fits)) return value as Classification
  throw new HeddleError('A model that classifies has to give a list of { label, score } for each text')
}
