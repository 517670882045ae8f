/** Answers that take no simulated time and are charged to no limit: those of batches. */
import { answerTo } from './answer.ts'
import type { Form } from './form.ts'
import { Draws } from './random.ts'
import { BadRequest, keyOf } from './request.ts'
import type { ModelSettings } from './settings.ts'
import { unknownModel } from './wire.ts'

export interface Answered {
  readonly status: number
  readonly body: object
}

/** @param settingsOf undefined for a model that does not exist */
export function answerAtOnce(
  form: Form,
  body: unknown,
  seed: number,
  settingsOf: (model: string) => ModelSettings | undefined,
): Answered {
  try {
    const call = form.parse(body)
    const { request } = call
    const settings = settingsOf(request.model)
    if (!settings) return form.refusal(unknownModel(request.model))
    const { refuse } = settings
    if (refuse !== undefined && request.messages.some(({ text }) => text.includes(refuse)))
      return form.refusal({ kind: 'bad', message: 'The input was refused.' })
    const key = keyOf(request)
    const answers = Array.from({ length: request.n }, (_, i) =>
      answerTo(request, settings, new Draws(seed, request.model, key, i)),
    )
    const output = answers.reduce((sum, { tokens }) => sum + tokens, 0)
    const reply = {
      id: `${seed}-${key.slice(0, 12)}`,
      model: request.model,
      answers,
      usage: { input: request.inputTokens, output, cached: 0, written: 0 },
      includeUsage: true,
      sequence: () => 0,
    }
    return { status: 200, body: call.wire(settings.dimensions).whole(reply) }
  } catch (error) {
    if (!(error instanceof BadRequest)) throw error
    return form.refusal({ kind: 'bad', message: error.message })
  }
}

/** The request of a batch that fails on purpose. */
export function failed(form: Form): Answered {
  return form.refusal({ kind: 'server-error', message: 'The server had an error while processing your request.' })
}
