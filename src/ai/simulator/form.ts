/** What an address of the provider takes: how its bodies are read, and how it answers and refuses. */
import type { ModelRequest } from './request.ts'
import type { Wire } from './wire.ts'

/** A request as it was read. */
export interface Call {
  readonly request: ModelRequest
  /** @param dimensions of the model's embeddings, where the request names none */
  wire(dimensions: number): Wire
}

export interface Form {
  readonly refusal: Wire['refusal']
  /** @throws {BadRequest} */
  parse(body: unknown): Call
}

export function formOf(wire: Wire): Form {
  return { refusal: wire.refusal, parse: (body) => ({ request: wire.parse(body), wire: () => wire }) }
}
