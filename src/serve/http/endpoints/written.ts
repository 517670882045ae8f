/**
 * A text that a model writes, as OpenAI's chats and completions answer: whole, or as server-sent events. They differ in what a choice looks like, which a {@link Form} says. A
 * client that leaves frees its place at the model.
 */
import { randomUUID } from 'node:crypto'
import { HeddleError } from '../../../base/errors.ts'
import type { ChatResult } from '../../kinds.ts'
import { apiErrorOf } from '../wire/api-error.ts'
import type { ChatBody } from './chat-request.ts'
import { askAll, type Call, lettersPerToken } from './call.ts'
import { StopTexts } from './stop-texts.ts'

/** What an answer is taken to cost before it is written, where the request has no bound. Chosen. */
const answerTokens = 256

/** What choices look like in one API. */
export interface Form {
  readonly prefix: string
  readonly object: string
  readonly chunk: string
  /** A whole answer. */
  whole(result: ChatResult): object
  /** What a stream begins with, if with anything. */
  readonly first: object | undefined
  /** A piece of text. */
  piece(text: string): object
  /** What comes before the end: calls of tools. */
  calls(result: ChatResult): readonly object[]
  last(finish: string): object
}

/** A guess at the tokens of a request, before anything has counted them. */
export function estimateWritten(body: unknown, letters: number): number {
  const { max_tokens: most, max_completion_tokens: newer } = (body ?? {}) as Record<string, unknown>
  const bound = newer ?? most
  return Math.ceil(letters / lettersPerToken) + (typeof bound === 'number' && bound > 0 ? bound : answerTokens)
}

export function finishOf({ finish }: ChatResult): string {
  return finish === 'tool-calls' ? 'tool_calls' : finish
}

/** What all pieces of one answer have in common. */
function headOf({ modelName }: Call, form: Form): object {
  return { id: `${form.prefix}${randomUUID().replaceAll('-', '')}`, created: Math.floor(Date.now() / 1_000), model: modelName }
}

/** @param letters of the question, for a guess at its tokens where nobody counts them */
export async function answerWritten(call: Call, body: ChatBody, form: Form, letters: number): Promise<void> {
  if (body.stream) return call.model.streams ? streamed(call, body, form, letters) : streamedWhole(call, body, form)
  const result = await wholeOf(call, body)
  const choices = [{ index: 0, ...form.whole(result), logprobs: null, finish_reason: finishOf(result) }]
  await call.exchange.reply(200, { ...headOf(call, form), object: form.object, choices, usage: usageOf([result]) })
}

/** Several answers in one, each to a question of its own. */
export async function answerAll(call: Call, bodies: readonly ChatBody[], form: Form): Promise<void> {
  const requests = bodies.map(({ request }) => request)
  const answers = await askAll<unknown>(call, requests)
  const results = answers.map((answer, i) => resultOf(answer.value, answer.tokens, requests[i]?.stop))
  for (const { completionTokens } of results) call.usage.tokensOut += completionTokens
  const choices = results.map((result, index) => ({
    index,
    ...form.whole(result),
    logprobs: null,
    finish_reason: finishOf(result),
  }))
  await call.exchange.reply(200, { ...headOf(call, form), object: form.object, choices, usage: usageOf(results) })
}

async function wholeOf(call: Call, { request }: ChatBody): Promise<ChatResult> {
  const answer = await call.model.ask(request, call.options)
  const result = resultOf(answer.value, answer.tokens, request.stop)
  count(call, result, answer.queuedMs)
  return result
}

async function streamed(call: Call, { request, includeUsage }: ChatBody, form: Form, letters: number): Promise<void> {
  const { exchange, model, options } = call
  const stream = model.stream(request, options)
  stream.answer.catch(() => undefined)
  const parts = stream[Symbol.asyncIterator]()
  const writer = new ChunkWriter(call, form, includeUsage)
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
    const found = result ? resultOf(result.value, result.tokens) : cutResult(letters, pieces)
    count(call, found, result?.queuedMs)
    await writer.end(stops.stopped ? { ...found, finish: 'stop' } : found)
  } catch (error) {
    await parts.return?.()
    await breakOff(call, error)
  }
}

/** The answer of a model that does not stream, as a stream of one part: clients that stream need not know. */
async function streamedWhole(call: Call, body: ChatBody, form: Form): Promise<void> {
  const result = await wholeOf(call, body)
  call.exchange.startEvents()
  const writer = new ChunkWriter(call, form, body.includeUsage)
  await writer.begin()
  await writer.text(result.text)
  await writer.end(result)
}

/** After the head has been sent an error is an event, which the clients of OpenAI throw; the stream ends without its last word. */
async function breakOff({ exchange }: Call, error: unknown): Promise<void> {
  if (!exchange.clientGone) await exchange.event(JSON.stringify(apiErrorOf(error, exchange.id).body))
  exchange.endEvents()
  throw error
}

class ChunkWriter {
  readonly #call: Call
  readonly #form: Form
  readonly #head: object
  readonly #includeUsage: boolean

  constructor(call: Call, form: Form, includeUsage: boolean) {
    this.#call = call
    this.#form = form
    this.#head = headOf(call, form)
    this.#includeUsage = includeUsage
  }

  async begin(): Promise<void> {
    if (this.#form.first) await this.#chunk(this.#form.first)
  }

  async text(text: string): Promise<void> {
    if (text !== '') await this.#chunk(this.#form.piece(text))
  }

  async end(result: ChatResult): Promise<void> {
    for (const calls of this.#form.calls(result)) await this.#chunk(calls)
    const finish = finishOf(result)
    await this.#chunk(this.#form.last(finish), finish)
    if (this.#includeUsage) await this.#event({ choices: [], usage: usageOf([result]) })
    await this.#call.exchange.event('[DONE]')
    this.#call.exchange.endEvents()
  }

  #chunk(choice: object, finish: string | null = null): Promise<void> {
    return this.#event({
      choices: [{ index: 0, ...choice, logprobs: null, finish_reason: finish }],
      ...(this.#includeUsage && { usage: null }),
    })
  }

  #event(rest: object): Promise<void> {
    return this.#call.exchange.event(JSON.stringify({ ...this.#head, object: this.#form.chunk, ...rest }))
  }
}

function count({ usage }: Call, result: ChatResult, queuedMs: number | undefined): void {
  usage.tokensIn += result.promptTokens
  usage.tokensOut += result.completionTokens
  if (queuedMs !== undefined) usage.queuedMs ??= queuedMs
}

function usageOf(results: readonly ChatResult[]): object {
  const prompt = results.reduce((sum, { promptTokens }) => sum + promptTokens, 0)
  const completion = results.reduce((sum, { completionTokens }) => sum + completionTokens, 0)
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
}

function cutResult(letters: number, pieces: number): ChatResult {
  return { text: '', finish: 'stop', promptTokens: Math.ceil(letters / lettersPerToken), completionTokens: pieces }
}

/** A function may give its text alone. Not every engine looks for the texts that stop it. */
function resultOf(value: unknown, tokens: number, stop: readonly string[] = []): ChatResult {
  const given: unknown = typeof value === 'string' ? { text: value } : value
  const { text, finish, toolCalls = [], promptTokens, completionTokens } = (given ?? {}) as Partial<ChatResult>
  if (typeof text !== 'string')
    throw new HeddleError('A model for chats has to give a text, or an object with a `text`, for each request')
  const stops = new StopTexts(stop)
  const shown = stops.push(text) + stops.flush()
  const ended = finish ?? (toolCalls.length > 0 ? 'tool-calls' : 'stop')
  return {
    text: shown,
    finish: stops.stopped ? 'stop' : ended,
    ...(toolCalls.length > 0 && { toolCalls }),
    promptTokens: promptTokens ?? tokens,
    completionTokens: completionTokens ?? Math.ceil(text.length / lettersPerToken),
  }
}

function textOf(part: unknown): string {
  if (typeof part === 'string') return part
  const text: unknown = (part as { readonly text?: unknown } | null)?.text
  return typeof text === 'string' ? text : ''
}
