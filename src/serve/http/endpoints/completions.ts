/** `POST /v1/completions`, as OpenAI's older API: a text goes on as it is, without a conversation around it. */
import { BadRequest } from '../../bad-request.ts'
import { fields } from '../wire/fields.ts'
import type { Endpoint } from './call.ts'
import { type ChatBody, refuseUnsupported, samplingOf, streamOf } from './chat-request.ts'
import { textsOf } from './texts.ts'
import { answerAll, answerWritten, estimateWritten, type Form } from './written.ts'

export const completions: Endpoint = {
  kind: 'chat',
  estimate: (body) => estimateWritten(body, lettersIn(body)),
  async answer(call) {
    const body = fields(call.body, 'body')
    refuseUnsupported(body)
    const refuse = (param: string, why: string): never => {
      throw new BadRequest(`'${param}' is not supported: ${why}.`, { param, reason: 'unsupported_parameter' })
    }
    if (!call.model.accepts.includes('prompt')) {
      const message = `The model ${call.modelName} answers messages: ask /v1/chat/completions.`
      throw new BadRequest(message, { param: 'model', reason: 'unsupported_model' })
    }
    if ((body['suffix'] ?? '') !== '') refuse('suffix', 'a text is continued at its end')
    if ((body['echo'] ?? false) !== false) refuse('echo', 'the answer is what comes after the prompt')
    if ((body['best_of'] ?? 1) !== 1) refuse('best_of', 'there is one answer to a prompt')
    const prompts = textsOf(body['prompt'], 'prompt', call.settings.limits.inputs)
    const streaming = streamOf(body)
    const sampling = samplingOf(body)
    const asked = prompts.map((prompt): ChatBody => ({ request: { messages: [], prompt, ...sampling }, ...streaming }))
    const [only] = asked
    if (only && asked.length === 1) return answerWritten(call, only, form, lettersIn(body))
    if (streaming.stream) throw new BadRequest("Expected one 'prompt' where 'stream' is true.", { param: 'prompt' })
    await answerAll(call, asked, form)
  },
}

const form: Form = {
  prefix: 'cmpl-',
  object: 'text_completion',
  chunk: 'text_completion',
  whole: ({ text }) => ({ text }),
  first: undefined,
  piece: (text) => ({ text }),
  calls: () => [],
  last: () => ({ text: '' }),
}

function lettersIn(body: unknown): number {
  const prompt: unknown = (body as Record<string, unknown> | null)?.['prompt']
  const texts: readonly unknown[] = Array.isArray(prompt) ? prompt : [prompt]
  return texts.reduce<number>((sum, text) => sum + (typeof text === 'string' ? text.length : 0), 0)
}
