/** What an endpoint gets: a request that has been let in, with its body read and its model found. */
import { Overflow } from '../../../base/errors.ts'
import { clearTimeout, setTimeout } from '../../../base/globals.js'
import { retryAfterMs } from '../../../limits/index.ts'
import { type Answer, type Served, type ServedCallOptions } from '../../served.ts'
import type { Exchange } from '../wire/exchange.ts'
import type { Settings } from '../settings/options.ts'

/** Times and counts of a request, which the endpoint fills in and the server reads when it is over. */
export interface Usage {
  tokensIn: number
  tokensOut: number
  /** How long its first item waited in the queue, in milliseconds. */
  queuedMs?: number
}

export interface Call {
  readonly exchange: Exchange
  readonly body: unknown
  readonly model: Served
  readonly modelName: string
  /** Of this request: the signal of the client, the deadline, the tenant. */
  readonly options: ServedCallOptions
  readonly usage: Usage
  readonly settings: Settings
}

/** One address that asks a model. */
export interface Endpoint {
  readonly kind: Served['kind']
  /** The tokens that it will probably cost, before anything has counted them; reads no more of the body than it must. */
  estimate(body: unknown): number
  /** Answers. What it throws is answered by the server. */
  answer(call: Call): Promise<void>
}

/** Letters of English in a token of the usual tokenizers. */
export const lettersPerToken = 4

/** How many items of one request are with the model at once, at most: enough for the batches of its replicas, and a part of its queue, so that one large request does not fill it. */
const windowMost = 256

/**
 * Asks a model about every input of one request, a window of them at a time. When the first one is refused, all are; later ones wait for their place, since
 * half of the answer has been paid for.
 */
export async function askAll<Out>(call: Call, inputs: readonly unknown[]): Promise<Answer<Out>[]> {
  const { model, options, usage } = call
  if (inputs.length === 1) {
    const answer = (await model.ask(inputs[0], options)) as Answer<Out>
    usage.tokensIn += answer.tokens
    usage.queuedMs = answer.queuedMs
    return [answer]
  }
  // When one fails, or the client leaves, the others are given up.
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const answers: Answer<Out>[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    for (let i = next++; i < inputs.length; i = next++) {
      const answer = (await patiently(
        () => model.ask(inputs[i], { ...options, signal }),
        () => answers.length > 0,
        signal,
      )) as Answer<Out>
      usage.tokensIn += answer.tokens
      usage.queuedMs ??= answer.queuedMs
      answers[i] = answer
    }
  }
  const { maxItems } = model.stats().queue
  const lanes = Math.max(1, Math.min(inputs.length, windowMost, Math.floor(maxItems / 4)))
  try {
    await Promise.all(Array.from({ length: lanes }, lane))
    return answers
  } catch (error) {
    stop.abort(error)
    throw error
  }
}

/** Where an error says nothing about when to come again; chosen. */
const againMs = 50

/** Asks again where the queue is full, once a part of the request has been answered. */
async function patiently<T>(ask: () => Promise<T>, begun: () => boolean, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof Overflow) || !begun()) throw error
      await pause(Math.min(retryAfterMs(error) ?? againMs, 1_000), signal)
      if (signal.aborted) throw error
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
