/** A web handler behind `node:http`, for containers and for tests. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { Handle } from './handler.ts'

/**
 * A handler as `node:http` calls it. A caller that leaves aborts the signal of its request. Never throws: what the handler throws is a 500.
 *
 * @param handle what {@link handler} gives
 * @example
 * createServer(listener(handler([entities], { secret }))).listen(8080)
 */
export function listener(handle: Handle): (request: IncomingMessage, response: ServerResponse) => void {
  return (incoming, outgoing) => {
    const { method = 'GET' } = incoming
    const gone = new AbortController()
    outgoing.once('close', () => gone.abort())
    const headers = new Headers()
    for (const [name, value] of Object.entries(incoming.headers))
      if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value)
    const body = method === 'GET' || method === 'HEAD' ? {} : { body: Readable.toWeb(incoming), duplex: 'half' }
    const answer = async (): Promise<void> => {
      const response = await handle(
        new Request('http://listener/', { method, headers, signal: gone.signal, ...body } as RequestInit),
      )
      const text = await response.text()
      // What of the body nobody has read is not waited for.
      if (!incoming.complete) outgoing.setHeader('connection', 'close')
      outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(text)
    }
    answer().catch(() => outgoing.headersSent || outgoing.writeHead(500).end())
  }
}
