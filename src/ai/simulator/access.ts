/**
 * Access: programs of this machine may ask. A page of the web that a browser shows could ask, too, so what names a foreign host (DNS rebinding) or
 * comes from a foreign origin is refused before its body is read.
 */
import type { IncomingMessage } from 'node:http'

const ownNames = new Set(['127.0.0.1', 'localhost', '[::1]'])

/** Why a request is refused; undefined when it is not. */
export function foreign({ headers, socket }: IncomingMessage): string | undefined {
  const port = socket.localPort
  if (!isOwn(headers.host, port)) return `The simulator answers to 127.0.0.1:${port} and localhost:${port} only.`
  if (headers.origin !== undefined && !isOwn(headers.origin.replace(/^http:\/\//, ''), port)) {
    return 'The simulator answers no pages of other origins.'
  }
  const site = headers['sec-fetch-site']
  if (site === 'cross-site' || site === 'same-site') return 'The simulator answers no pages of other sites.'
  return undefined
}

/** @param host a name and a port, as in the `Host` header */
function isOwn(host: string | undefined, port: number | undefined): boolean {
  const [, name = '', named = '80'] = /^([a-z0-9.-]+|\[[0-9a-f:]+\])(?::(\d{1,5}))?$/i.exec(host ?? '') ?? []
  return ownNames.has(name.toLowerCase()) && Number(named) === port
}
