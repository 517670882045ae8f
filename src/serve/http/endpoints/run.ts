/** `POST /v1/run/NAME`: any function as JSON. The body is its argument, the answer is its result; a function that streams sends events to those who ask for them. */
import { estimateTexts } from './texts.ts'
import type { Call, Endpoint } from './call.ts'

export const run: Endpoint = {
  kind: 'function',
  estimate: (body) => (typeof body === 'string' ? estimateTexts(body) : 1),
  async answer(call) {
    const { exchange, model, options, usage } = call
    if (model.streams && (exchange.request.headers.accept ?? '').includes('text/event-stream')) return streamed(call)
    const answer = await model.ask(call.body, options)
    usage.tokensIn += answer.tokens
    usage.queuedMs = answer.queuedMs
    await exchange.reply(200, plain(answer.value))
  },
}

async function streamed({ exchange, model, body, options, usage }: Call): Promise<void> {
  const stream = model.stream(body, options)
  const parts = stream[Symbol.asyncIterator]()
  // Refusals come before the head, as an answer of their own.
  let step = await parts.next()
  exchange.startEvents()
  try {
    for (; !step.done; step = await parts.next()) await exchange.event(JSON.stringify(plain(step.value)))
  } finally {
    await parts.return?.()
  }
  const answer = await stream.answer
  usage.tokensIn += answer.tokens
  usage.queuedMs = answer.queuedMs
  await exchange.event('[DONE]')
  exchange.endEvents()
}

/** Numbers in typed arrays are lists of numbers; nothing at all is null. */
function plain(value: unknown): unknown {
  if (value === undefined) return null
  return ArrayBuffer.isView(value) && !(value instanceof DataView) ? Array.from(value as unknown as ArrayLike<number>) : value
}
