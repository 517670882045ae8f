/** A wire format: `chat`, `responses`, `anthropic`, Gemini's and that of embeddings. */
import type { Answer } from './answer.ts'
import type { ModelRequest, RequestMessage } from './request.ts'

export interface Usage {
  readonly input: number
  readonly output: number
  /** Out of `input`: read from the prompt cache. */
  readonly cached: number
  /** Out of `input`: written to a prompt cache that has to be asked for. */
  readonly written: number
}

/** Why a request is not answered. */
export interface Refusal {
  readonly kind:
    | 'requests'
    | 'tokens'
    | 'too-large'
    | 'quota'
    | 'overloaded'
    | 'server-error'
    | 'bad'
    | 'foreign'
    | 'unknown-model'
    | 'key'
    | 'route'
  readonly message: string
  /** Simulated milliseconds until it would be let through. */
  readonly waitMs?: number
}

export interface Reply {
  readonly id: string
  readonly model: string
  /** As many as were asked for, at least one. */
  readonly answers: readonly Answer[]
  readonly usage: Usage
  readonly includeUsage: boolean
  /** Numbers the events of a stream. */
  sequence(): number
}

/** A piece of a stream: of an answer's text, or of the arguments of one of its calls. */
export interface Piece {
  readonly text: string
  /** Which answer, and which of its calls; 0 for a text. */
  readonly answer: number
  readonly call: number
  /** It is the first or the last of its text or call. */
  readonly first: boolean
  readonly last: boolean
}

/** Simulated milliseconds until full. */
export interface BucketState {
  readonly limit: number
  readonly remaining: number
  readonly resetMs: number
}

/** The account as headers show it. */
export interface AccountState {
  readonly id: string
  readonly requests: BucketState | undefined
  readonly tokens: BucketState | undefined
  readonly input: BucketState | undefined
  readonly output: BucketState | undefined
}

export interface Wire {
  /** @param before the conversation that is kept here and goes on @throws {BadRequest} */
  parse(body: unknown, before?: readonly RequestMessage[]): ModelRequest
  /** What a request costs on arrival, by bucket. */
  charge(request: ModelRequest): { readonly tokens: number; readonly input: number; readonly output: number }
  whole(reply: Reply): object
  /** Server-sent events: before, for each piece of the answer, after. */
  open(reply: Reply): readonly string[]
  piece(reply: Reply, piece: Piece): readonly string[]
  close(reply: Reply): readonly string[]
  refusal(refusal: Refusal): { readonly status: number; readonly body: object }
  /** The event that a stream breaks with. */
  streamError(reply: Reply, message: string): string
  /** @param scale header durations are divided by it */
  headers(state: AccountState, scale: number): Record<string, string>
  /** @param ms in the caller's time */
  retryAfter(ms: number, scale: number): Record<string, string>
}

export function unknownModel(model: string): Refusal {
  return { kind: 'unknown-model', message: `The model \`${model.slice(0, 80)}\` does not exist.` }
}
