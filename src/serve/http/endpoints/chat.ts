/** `POST /v1/chat/completions`, as OpenAI's: whole, or as server-sent events. A client that leaves frees its place at the model. */
import { randomUUID } from 'node:crypto'
import { HeddleError } from '../../../base/errors.ts'
import type { ChatResult } from '../../kinds.ts'
import { apiErrorOf } from '../wire/api-error.ts'
import { chatBody, type ChatBody, lettersOf } from './chat-request.ts'
import { type Call, type Endpoint, lettersPerToken } from './call.ts'
import { StopTexts } from './stop-texts.ts'

/** What an answer is taken to cost before it is written, where the request has no bound. Chosen. */
const answerTokens = 256

export const chat: Endpoint = {
  kind: 'chat',
  estimate(body) {
    const { max_tokens: most, max_completion_tokens: newer } = (body ?? {}) as Record<string, unknown>
    const bound = newer ?? most
    return Math.ceil(lettersOf(body) / lettersPerToken) + (typeof bound === 'number' && bound > 0 ? bound : answerTokens)
  },
  answer(call) {
    const body = chatBody(call.body)
    return body.stream ? streamed(call, body) : whole(call, body)
  },
}

/** What all pieces of one answer have in common. */
interface Head {
  readonly id: string
  readonly created: number
  readonly model: string
}

const headOf = ({ modelName }: Call): Head => ({
  id: `chatcmpl-${randomUUID().replaceAll('-', '')}`,
  created: Math.floor(Date.now() / 1_000),
  model: modelName,
})

async function whole(call: Call, { request }: ChatBody): Promise<void> {
  const answer = await call.model.ask(request, call.options)
  const found = resultOf(answer.value, answer.tokens)
  const stops = new StopTexts(request.stop ?? [])
  const text = stops.push(found.text) + stops.flush()
  const result: ChatResult = { ...found, text, finish: stops.stopped ? 'stop' : found.finish }
  count(call, result, answer.queuedMs)
  await call.exchange.reply(200, {
    ...headOf(call),
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: result.text, refusal: null },
        logprobs: null,
        finish_reason: result.finish,
      },
    ],
    usage: usageOf(result),
  })
}

async function streamed(call: Call, { request, includeUsage }: ChatBody): Promise<void> {
  const { exchange, model, options } = call
  if (!model.streams) return streamedWhole(call, request, includeUsage)
  const stream = model.stream(request, options)
  stream.answer.catch(() => undefined)
  const parts = stream[Symbol.asyncIterator]()
  const writer = new ChunkWriter(call, includeUsage)
  const stops = new StopTexts(request.stop ?? [])
  let pieces = 0
  // A refusal comes before the head, as an answer of its own.
  let step = await parts.next()
  exchange.startEvents()
  try {
    await writer.begin()
    for (; !step.done && !stops.stopped; step = await parts.next()) {
      pieces++
      await writer.text(stops.push(textOf(step.value)))
      if (stops.stopped) break
    }
    const left = stops.stopped && !step.done
    if (left) await parts.return?.()
    else await writer.text(stops.flush())
    // Who stops an answer early is not given its counts; each part is a token then, as engines write them.
    const result = left ? undefined : await stream.answer
    const found = result ? resultOf(result.value, result.tokens) : cutResult(call, pieces)
    count(call, found, result?.queuedMs)
    await writer.end(stops.stopped ? 'stop' : found.finish, found)
  } catch (error) {
    await parts.return?.()
    await breakOff(call, error)
  }
}

/** The answer of a model that does not stream, as a stream of one part: clients that stream need not know. */
async function streamedWhole(call: Call, request: ChatBody['request'], includeUsage: boolean): Promise<void> {
  const answer = await call.model.ask(request, call.options)
  const found = resultOf(answer.value, answer.tokens)
  const stops = new StopTexts(request.stop ?? [])
  const text = stops.push(found.text) + stops.flush()
  count(call, found, answer.queuedMs)
  call.exchange.startEvents()
  const writer = new ChunkWriter(call, includeUsage)
  await writer.begin()
  await writer.text(text)
  await writer.end(stops.stopped ? 'stop' : found.finish, found)
}

/** After the head has been sent an error is an event, which the clients of OpenAI throw; the stream ends without its last word. */
async function breakOff({ exchange }: Call, error: unknown): Promise<void> {
  if (!exchange.clientGone) await exchange.event(JSON.stringify(apiErrorOf(error, exchange.id).body))
  exchange.endEvents()
  throw error
}

class ChunkWriter {
  readonly #call: Call
  readonly #head: Head
  readonly #includeUsage: boolean

  constructor(call: Call, includeUsage: boolean) {
    this.#call = call
    this.#head = headOf(call)
    this.#includeUsage = includeUsage
  }

  begin(): Promise<void> {
    return this.#chunk({ role: 'assistant', content: '' }, null)
  }

  async text(content: string): Promise<void> {
    if (content !== '') await this.#chunk({ content }, null)
  }

  async end(finish: ChatResult['finish'], result: ChatResult): Promise<void> {
    await this.#chunk({}, finish)
    if (this.#includeUsage) await this.#event({ choices: [], usage: usageOf(result) })
    await this.#call.exchange.event('[DONE]')
    this.#call.exchange.endEvents()
  }

  #chunk(delta: object, finish: ChatResult['finish'] | null): Promise<void> {
    return this.#event({
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      ...(this.#includeUsage && { usage: null }),
    })
  }

  #event(rest: object): Promise<void> {
    return this.#call.exchange.event(JSON.stringify({ ...this.#head, object: 'chat.completion.chunk', ...rest }))
  }
}

function count({ usage }: Call, result: ChatResult, queuedMs: number | undefined): void {
  usage.tokensIn += result.promptTokens
  usage.tokensOut += result.completionTokens
  if (queuedMs !== undefined) usage.queuedMs = queuedMs
}

const usageOf = ({ promptTokens, completionTokens }: ChatResult): object => ({
  prompt_tokens: promptTokens,
  completion_tokens: completionTokens,
  total_tokens: promptTokens + completionTokens,
})

const cutResult = ({ body }: Call, pieces: number): ChatResult => ({
  text: '',
  finish: 'stop',
  promptTokens: Math.ceil(lettersOf(body) / lettersPerToken),
  completionTokens: pieces,
})

/** A function may give its text alone. */
function resultOf(value: unknown, tokens: number): ChatResult {
  if (typeof value === 'string')
    return { text: value, finish: 'stop', promptTokens: tokens, completionTokens: Math.ceil(value.length / lettersPerToken) }
  const { text, finish, promptTokens, completionTokens } = (value ?? {}) as Partial<ChatResult>
  if (typeof text !== 'string')
    throw new HeddleError('A model for chats has to give a text, or an object with a `text`, for each request')
  return {
    text,
    finish: finish ?? 'stop',
    promptTokens: promptTokens ?? tokens,
    completionTokens: completionTokens ?? Math.ceil(text.length / lettersPerToken),
  }
}

function textOf(part: unknown): string {
  if (typeof part === 'string') return part
  const text: unknown = (part as { readonly text?: unknown } | null)?.text
  return typeof text === 'string' ? text : ''
}
