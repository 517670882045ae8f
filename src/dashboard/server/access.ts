/**
 * Decides which requests are answered. The server listens on 127.0.0.1 only, and a request must also show that it comes from the page itself:
 *
 * - `Host` is an address of this server, so a name that somebody points at 127.0.0.1 (DNS rebinding) gets nothing;
 * - `Origin`, where a browser sends one, is this server's, and so is what `Sec-Fetch-Site` says of a request that is not a navigation;
 * - the method is GET or HEAD: nothing here changes anything;
 * - the token is right. It has 256 bits from the system's generator, and is compared in constant time.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

const tokenBytes = 32

export function newToken(): string {
  return randomBytes(tokenBytes).toString('base64url')
}

export interface Refusal {
  readonly status: number
  readonly message: string
}

export interface Asked {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  /** Of the address. */
  readonly token: string | null
}

/** Why a request is refused; undefined when it may pass. */
export function refusalOf({ method, headers, token }: Asked, port: number, expected: string): Refusal | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`]
  const { host, origin } = headers
  if (host === undefined || !hosts.includes(host)) return { status: 403, message: 'This address is not served here.' }
  if (origin !== undefined && origin !== `http://${host}`) return { status: 403, message: 'Other pages may not ask.' }
  if (!fromHere(headers)) return { status: 403, message: 'Other pages may not ask.' }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, message: 'Only GET and HEAD are answered.' }
  if (token === null || !sameText(token, expected))
    return { status: 401, message: 'The token is missing or wrong: open the address that heddle printed.' }
  return undefined
}

/** A browser says where a request comes from; a person who follows a link to the page is not a page that asks. */
function fromHere(headers: IncomingHttpHeaders): boolean {
  const site = headers['sec-fetch-site']
  if (site === undefined || site === 'same-origin' || site === 'none') return true
  return headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
