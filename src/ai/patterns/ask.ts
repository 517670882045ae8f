/** One question to a model, with or without a schema for the answer: `generateText` of the AI SDK, imported when it is used. */
import { describe, InvalidOption, isError, SchemaMismatch, toError } from '../../base/errors.ts'
import { messageOf, peek, textOf } from '../../base/look.js'
import { checkOptions, rules } from '../../base/options.ts'
import { isFollowed } from '../events/events.ts'
import { readStream, type SdkStream } from '../events/read-stream.ts'
import { loadSdk } from '../model/load-sdk.ts'
import { deepestCause } from '../pool/answer.ts'
import type { AnyLanguageModel } from '../model/sdk-model.ts'
import { askedAgain, jsonWithin, type Message } from './repair.ts'
import { firstIssue, type StandardSchema } from './schema.ts'

/** Options of {@link ask}. */
export interface AskOptions<T = string> {
  /** What the answer must be: any Standard Schema that the AI SDK can turn into JSON Schema. @default text */
  readonly schema?: StandardSchema<T>
  /** How often an answer that does not match the schema is asked for again, with what is wrong. Each is a call of its own, for budgets too. @default 2 */
  readonly repair?: number
  /** The system prompt. @default none */
  readonly system?: string
  /** Bound on the answer, in tokens. @default that of the model */
  readonly maxOutputTokens?: number
  /** @default that of the model */
  readonly temperature?: number
  /** Cancels the request. */
  readonly signal?: AbortSignal
  /** What only one provider knows, by provider, as in the AI SDK: `{ anthropic: { thinking: … } }`. @default none */
  readonly providerOptions?: ProviderOptions
}

/** Options for single providers, as the AI SDK takes them. */
export type ProviderOptions = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** What is asked: a text, or parts that carry options of providers, as in a message of the AI SDK. */
export type PromptPart = { readonly type: 'text'; readonly text: string; readonly providerOptions?: ProviderOptions }

/** As much of the AI SDK as is used. */
interface Sdk {
  streamText(options: object): SdkStream
  generateText(options: object): Promise<{ readonly text: string; readonly output: unknown; readonly finishReason: string }>
  asSchema(schema: unknown): { readonly jsonSchema: unknown; validate?(value: unknown): Checked | PromiseLike<Checked> }
  readonly Output: { object(options: object): unknown }
}

type Checked = { readonly success: true; readonly value: unknown } | { readonly success: false }

const askRules = {
  schema: rules.any,
  repair: rules.whole(0),
  system: rules.string,
  maxOutputTokens: rules.whole(1),
  temperature: rules.number(0),
  signal: rules.signal,
  providerOptions: rules.object,
}

/**
 * Sends a `prompt` to a model; gives its text, or its answer as the schema types it: transformed, with defaults filled in. The SDK's own retries are
 * off: the pool retries. An answer that does not match the schema is asked for again, `repair` times at most.
 *
 * @throws {SchemaMismatch} when no answer matches the schema, or one was cut off before it could
 * @throws {InvalidOption} for a schema that JSON Schema cannot say, such as one with dates; nothing is sent
 *
 * @example
 * const { city } = await ask(model, 'Where is the Eiffel Tower?', { schema: z.object({ city: z.string() }) })
 */
export function ask<T>(
  model: AnyLanguageModel,
  prompt: string,
  options: AskOptions<T> & { readonly schema: StandardSchema<T> },
): Promise<T>
export function ask(model: AnyLanguageModel, prompt: string, options?: AskOptions): Promise<string>
export async function ask(model: AnyLanguageModel, prompt: string, options: AskOptions<unknown> = {}): Promise<unknown> {
  checkOptions<AskOptions<unknown>>(options, askRules, 'ask')
  if (typeof prompt !== 'string') throw new InvalidOption(`Expected the prompt of ask to be a text, got ${describe(prompt)}`)
  return askParts(model, prompt, options)
}

/** The same for a prompt in parts, with options that are checked. */
export async function askParts(
  model: AnyLanguageModel,
  prompt: string | readonly PromptPart[],
  options: AskOptions<unknown>,
): Promise<unknown> {
  const { schema, signal, repair = 2, ...rest } = options
  const sdk = await loadSdk<Sdk>('Asking a model')
  const asked = typeof prompt === 'string' ? { prompt } : { messages: [{ role: 'user' as const, content: prompt }] }
  const call = { model, maxRetries: 0, ...rest, ...(signal && { abortSignal: signal }) }
  if (schema === undefined) {
    // Followers see the text as it is written.
    if (isFollowed()) return readStream(sdk.streamText({ ...call, ...asked, onError: () => {} }))
    return (await sdk.generateText({ ...call, ...asked })).text
  }
  await checkSchema(schema, sdk)
  const output = sdk.Output.object({ schema })
  let messages: readonly Message[] = [{ role: 'user', content: prompt }]
  for (let left = repair; ; left--) {
    const wrong = await attempt(sdk, { ...call, output, ...(left === repair ? asked : { messages }) })
    if ('value' in wrong) return wrong.value
    const taken = await within(wrong.text, schema, sdk)
    if (taken?.success) return taken.value
    // With the same bound it would be cut off again.
    if (left <= 0 || wrong.finishReason === 'length') throw mismatch(wrong.error, wrong.finishReason, repair - left + 1)
    messages = askedAgain(messages, wrong.text, wrong.error)
  }
}

/** An answer that matches, or one that does not and why. @throws what the call fails with */
async function attempt(
  sdk: Sdk,
  call: object,
): Promise<{ readonly value: unknown } | { readonly error: Error; readonly text: string; readonly finishReason: unknown }> {
  let finishReason: unknown
  let text = ''
  try {
    const result = await sdk.generateText(call)
    finishReason = result.finishReason
    text = result.text
    // The SDK has validated and transformed it. Another time would transform what is transformed.
    return { value: result.output }
  } catch (error) {
    if (!isNoObject(error)) throw error
    return { error, text: textOf(peek(error, 'text') ?? text), finishReason: peek(error, 'finishReason') ?? finishReason }
  }
}

/** The JSON in an answer that has words or a fence around it, where that matches. */
async function within(text: string, schema: StandardSchema, sdk: Sdk): Promise<Checked | undefined> {
  const value = jsonWithin(text)
  return value === undefined ? undefined : sdk.asSchema(schema).validate?.(value)
}

/** @throws {InvalidOption} before anything is sent: the SDK would reject a promise that nobody holds yet */
async function checkSchema(schema: StandardSchema, sdk: Sdk): Promise<void> {
  if (
    typeof schema !== 'function' &&
    (typeof schema !== 'object' || schema === null || !('~standard' in schema || 'jsonSchema' in schema))
  ) {
    throw new InvalidOption(`Expected \`schema\` of ask to be a Standard Schema, such as one of zod, got ${describe(schema)}`)
  }
  try {
    await sdk.asSchema(schema).jsonSchema
  } catch (cause) {
    throw new InvalidOption(`The schema of ask cannot be given to a model: ${toError(cause).message}`, {
      cause,
      hint: 'Ask for a type that JSON has, and transform it: z.iso.datetime().transform((text) => new Date(text)), z.array(…).transform((list) => new Set(list)).',
    })
  }
}

function isNoObject(error: unknown): error is Error {
  return (
    isError(error) && /^AI_(NoObjectGenerated|NoOutputGenerated|TypeValidation|JSONParse)Error$/.test(textOf(peek(error, 'name')))
  )
}

/** Says where the answer differs, as far as a cause knows it. */
function mismatch(error: Error, finishReason: unknown, answers: number): SchemaMismatch {
  if (finishReason === 'length') {
    return new SchemaMismatch(
      'The answer of the model is cut off: it reached its limit of output tokens before it matched its schema',
      {
        cause: error,
        hint: 'Raise `maxOutputTokens`.',
      },
    )
  }
  let why = `: ${messageOf(error)}`
  // What a schema of the user throws may have causes that go in a circle.
  for (let cause: unknown = error, depth = 0; isError(cause) && depth < deepestCause; cause = peek(cause, 'cause'), depth++)
    why = firstIssue(cause) ?? why
  const often = answers > 1 ? ` (asked ${answers} times)` : ''
  return new SchemaMismatch(`The answer of the model does not match its schema${why}${often}`, { cause: error })
}
