/** What the routes of batches get and give. */
import type { IncomingMessage } from 'node:http'

export interface BatchRequest {
  readonly method: string
  /** Without the version. */
  readonly path: string
  readonly query: URLSearchParams
  /** Simulated milliseconds. */
  readonly now: number
  readonly request: IncomingMessage
  /** The JSON of the body. @throws {BadRequest} */
  readonly body: () => Promise<unknown>
  /** Of the server, without a path. */
  readonly url: string
}

export type BatchReply =
  | { readonly status?: number; readonly json: object }
  /** Lines of JSON. */
  | { readonly lines: Iterable<string> }

/** Answers one request of a batch, or fails it as the provider would by itself. */
export type BatchAnswer = (
  wire: 'chat' | 'responses' | 'anthropic',
  body: unknown,
  fails: boolean,
) => { readonly status: number; readonly body: object }
