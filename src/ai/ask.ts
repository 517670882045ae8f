/** One question to a model, with or without a schema for the answer: `generateText` of the AI SDK, imported when it is used. */
import { describe, HeddleError, InvalidOption, SchemaMismatch } from '../base/errors.ts'
import { checkOptions, rules } from '../base/options.ts'
import type { AnyLanguageModel } from './model.ts'
import { type StandardSchema, validate } from './schema.ts'

export interface AskOptions<T = string> {
  /** What the answer must be: any Standard Schema that the AI SDK can turn into JSON Schema. @default text */
  readonly schema?: StandardSchema<T>
  readonly system?: string
  readonly maxOutputTokens?: number
  readonly temperature?: number
  readonly signal?: AbortSignal
}

/** As much of the AI SDK as is used. */
interface Sdk {
  generateText(options: object): Promise<{ readonly text: string; readonly output: unknown }>
  readonly Output: { object(options: object): unknown }
}

/**
 * Asks a model; gives its text, or its answer as the schema types it. The SDK's own retries are off: the pool retries.
 * @throws {SchemaMismatch} when the answer does not match the schema
 */
export function ask<T>(
  model: AnyLanguageModel,
  prompt: string,
  options: AskOptions<T> & { readonly schema: StandardSchema<T> },
): Promise<T>
export function ask(model: AnyLanguageModel, prompt: string, options?: AskOptions): Promise<string>
export async function ask(model: AnyLanguageModel, prompt: string, options: AskOptions<unknown> = {}): Promise<unknown> {
  const known = {
    schema: rules.any,
    system: rules.string,
    maxOutputTokens: rules.whole(1),
    temperature: rules.number(0),
    signal: rules.signal,
  }
  checkOptions<AskOptions<unknown>>(options, known, 'ask')
  if (typeof prompt !== 'string') throw new InvalidOption(`Expected the prompt of ask to be a text, got ${describe(prompt)}`)
  const { schema, signal, ...rest } = options
  const { generateText, Output } = await sdk()
  const call = { model, prompt, maxRetries: 0, ...rest, ...(signal && { abortSignal: signal }) }
  if (!schema) return (await generateText(call)).text
  try {
    return await validate(
      schema,
      (await generateText({ ...call, output: Output.object({ schema }) })).output,
      'The answer of the model',
    )
  } catch (error) {
    if (isNoObject(error)) {
      throw new SchemaMismatch(`The answer of the model does not match its schema: ${error.message}`, { cause: error })
    }
    throw error
  }
}

function isNoObject(error: unknown): error is Error {
  return error instanceof Error && /^AI_(NoObjectGenerated|NoOutputGenerated|TypeValidation|JSONParse)Error$/.test(error.name)
}

async function sdk(): Promise<Sdk> {
  // Not a literal for the compiler: the package is optional.
  const name: string = 'ai'
  try {
    return (await import(name)) as Sdk
  } catch (cause) {
    throw new HeddleError('Asking a model needs the AI SDK, which is not installed', { cause, hint: 'npm install ai' })
  }
}
