/**
 * A model whose requests are not sent but handed over: its own client still writes the request and reads the answer, so that everything that it knows of the
 * provider (tools, schemas, thinking, usage) holds in batches, too.
 */
import { noteSecrets, withFetch } from '../pool/wire.ts'

type Fetch = typeof globalThis.fetch

export interface CapturedRequest {
  readonly url: string
  /** Those that say who asks and which version; none of the body. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly body: string
  readonly signal: AbortSignal
  /** The `fetch` that the client would have sent it with. */
  readonly send: Fetch
}

const ofTheBody = new Set(['content-type', 'content-length', 'content-encoding', 'accept', 'connection', 'host'])

/** Undefined for a model that cannot be looked into. @param answer gives the answer to a request */
export function captured<M>(
  model: M,
  signal: AbortSignal,
  answer: (request: CapturedRequest) => Promise<{ readonly status: number; readonly body: unknown }>,
): M | undefined {
  return withFetch(model, (send) => async (input, init) => {
    noteSecrets(input, init)
    const headers = Object.fromEntries([...new Headers(init?.headers)].filter(([name]) => !ofTheBody.has(name)))
    const url = input instanceof Request ? input.url : String(input)
    const { status, body } = await answer({ url, headers, body: String(init?.body ?? ''), signal, send })
    return Response.json(body, { status })
  })
}
