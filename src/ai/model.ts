/**
 * The shapes of the AI SDK's models that the pool touches, as far as it touches them: `LanguageModelV3` (ai 6) and `V4` (ai 7),
 * `EmbeddingModelV3` and `V4`. Copies, so that the types of heddle hold without the SDK installed; everything else passes
 * through untouched.
 */
import type { HeaderBag } from './headers.ts'

/** Any language model of the AI SDK. A pool over it has the same type again. */
export interface AnyLanguageModel {
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  readonly supportedUrls: unknown
  doGenerate(options: never): PromiseLike<unknown>
  doStream(options: never): PromiseLike<unknown>
}

/** Any embedding model of the AI SDK. */
export interface AnyEmbeddingModel {
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  doEmbed(options: never): PromiseLike<unknown>
}

export interface CallOptions {
  readonly prompt?: unknown
  readonly maxOutputTokens?: number | undefined
  readonly tools?: unknown
  readonly responseFormat?: unknown
  readonly abortSignal?: AbortSignal | undefined
}

export interface ModelUsage {
  readonly inputTokens?: { readonly total?: number | undefined; readonly cacheRead?: number | undefined } | undefined
  readonly outputTokens?: { readonly total?: number | undefined } | undefined
}

export interface GenerateResult {
  readonly usage?: ModelUsage
  readonly response?: { readonly headers?: HeaderBag }
}

export type StreamPart =
  | { readonly type: 'error'; readonly error: unknown }
  | { readonly type: 'finish'; readonly usage?: ModelUsage }
  | { readonly type: 'text-delta' | 'reasoning-delta' | 'tool-input-delta'; readonly delta?: string }
  | { readonly type: 'stream-start' | 'response-metadata' | 'raw' }

export interface StreamResult {
  readonly stream: ReadableStream<StreamPart>
  readonly response?: { readonly headers?: HeaderBag }
}

/** A language model as the pool calls it. */
export interface CallableModel {
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  doGenerate(options: CallOptions): PromiseLike<GenerateResult>
  doStream(options: CallOptions): PromiseLike<StreamResult>
}

export interface EmbedOptions {
  readonly values: readonly string[]
  readonly abortSignal?: AbortSignal | undefined
}

export interface EmbedResult {
  readonly embeddings: readonly (readonly number[])[]
  readonly usage?: { readonly tokens?: number }
  readonly response?: { readonly headers?: HeaderBag }
}

export interface CallableEmbeddingModel {
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  readonly maxEmbeddingsPerCall: PromiseLike<number | undefined> | number | undefined
  doEmbed(options: EmbedOptions): PromiseLike<EmbedResult>
}

/** Tokens of one call, as they are billed. */
export interface Usage {
  readonly input: number
  /** Out of `input`. */
  readonly cached: number
  readonly output: number
}

/** Undefined where the provider did not say. */
export function usageOf(usage: ModelUsage | undefined): Usage | undefined {
  const input = usage?.inputTokens?.total
  const output = usage?.outputTokens?.total
  if (input === undefined && output === undefined) return undefined
  return { input: input ?? 0, cached: usage?.inputTokens?.cacheRead ?? 0, output: output ?? 0 }
}
