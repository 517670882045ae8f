/**
 * The shapes of the AI SDK's models that the pool touches, as far as it touches them: `LanguageModelV3` (ai 6) and `V4` (ai 7),
 * `EmbeddingModelV3` and `V4`. Copies, so that the types of heddle hold without the SDK installed; everything else passes
 * through untouched.
 */
import type { HeaderBag } from '../pool/limits/headers.ts'

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
  readonly providerOptions?: unknown
  /** Of `LanguageModelV4`. */
  readonly reasoning?: unknown
  readonly abortSignal?: AbortSignal | undefined
}

/** Of `LanguageModelV3` and `V4`; in `V2` both are numbers, and what was cached stands beside them. */
export interface ModelUsage {
  readonly inputTokens?: number | InputTokens | undefined
  readonly outputTokens?: number | OutputTokens | undefined
  readonly totalTokens?: number | undefined
  readonly cachedInputTokens?: number | undefined
  readonly reasoningTokens?: number | undefined
  /** As the provider gives it. */
  readonly raw?: unknown
}

interface InputTokens {
  readonly total?: number | undefined
  readonly cacheRead?: number | undefined
  readonly cacheWrite?: number | undefined
}

interface OutputTokens {
  readonly total?: number | undefined
  readonly reasoning?: number | undefined
}

export interface GenerateResult {
  readonly content?: unknown
  /** In V2 a text, in V3 and later `{ unified, raw }`. */
  readonly finishReason?: unknown
  readonly usage?: ModelUsage
  readonly providerMetadata?: unknown
  readonly response?: { readonly headers?: HeaderBag }
}

export type StreamPart =
  | { readonly type: 'error'; readonly error: unknown }
  | { readonly type: 'finish'; readonly usage?: ModelUsage; readonly providerMetadata?: unknown }
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
  /** Out of `output`: spent on thinking. */
  readonly reasoning?: number
  /** Out of `input`: written into the provider's cache, and how much of it for an hour. */
  readonly written?: number
  readonly writtenForHour?: number
  /** The tier that the request was served in: `'priority'`, `'flex'`, `'batch'`. */
  readonly tier?: string | undefined
  /** US dollars, where the provider or a gateway says what it has billed. */
  readonly usd?: number | undefined
}

/** What a provider says of a call beside its answer. */
export interface Told {
  readonly usage?: ModelUsage | undefined
  readonly providerMetadata?: unknown
  readonly headers?: HeaderBag | undefined
}
