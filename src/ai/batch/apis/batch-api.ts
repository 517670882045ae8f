/** The common part of the batch APIs of providers. */
import type { BatchHttp } from './http.ts'

/** A request as it goes into a batch. */
export interface BatchedRequest {
  /** Unique within the batch: letters, digits, `-` and `_`, 64 at most. */
  readonly id: string
  /** JSON. */
  readonly body: string
}

/** What became of one request. */
export type BatchResult =
  | { readonly id: string; readonly status: number; readonly body: unknown }
  /** It was not run, and is not billed: the batch expired or was cancelled. */
  | { readonly id: string; readonly lost: 'expired' | 'cancelled' }

export interface BatchState {
  readonly status: 'running' | 'ended' | 'failed'
  /** How many are done, as far as the provider says. */
  readonly done: number
  /** Why it failed as a whole. */
  readonly problem?: { readonly code: string; readonly message: string } | undefined
  /** As the provider gives it. */
  readonly raw: Readonly<Record<string, unknown>>
}

/** A batch that may have been sent. */
export interface Intent {
  /** What it was to be known by. */
  readonly key: string
  /** Ids of its requests, in order. */
  readonly ids: readonly string[]
  /** When it was sent, in milliseconds since 1970. */
  readonly at: number
}

export interface BatchApi {
  readonly name: 'openai' | 'anthropic' | 'gemini'
  /** Of one batch. Sources stand beside each. A request for embeddings counts as many times as it has texts. */
  readonly limits: { readonly requests: number; readonly bytes: number }
  /** Texts that one request for embeddings may have. @default as many as outside of batches */
  readonly texts?: number
  /** Gives the id that the provider knows it by. */
  submit(http: BatchHttp, requests: readonly BatchedRequest[], target: BatchTarget, key: string): Promise<string>
  /** Looks for a batch that may have been sent: its id, or whether that can be known. May wait for batches to end. */
  find(http: BatchHttp, intent: Intent, pause: () => Promise<void>): Promise<{ readonly id: string } | 'none' | 'unknown'>
  state(http: BatchHttp, id: string): Promise<BatchState>
  results(http: BatchHttp, state: BatchState, ids: readonly string[]): AsyncIterable<BatchResult>
  cancel(http: BatchHttp, id: string): Promise<void>
}

/** Where requests of a batch go. */
export interface BatchTarget {
  /** Of the API, without a slash at its end. */
  readonly base: string
  /** Of a single request: `/v1/chat/completions`. */
  readonly endpoint: string
}
