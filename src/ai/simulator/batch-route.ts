/** What the routes of batches get and give. */
import type { IncomingMessage } from 'node:http'
import type { Form } from './form.ts'

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

/** Answers one request of a batch, or fails it as the provider would by itself. @param form of the address to which it would go by itself */
export type BatchAnswer = (form: Form, body: unknown, fails: boolean) => { readonly status: number; readonly body: object }
