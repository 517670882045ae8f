/**
 * Which names the server answers to, and which pages of the web may ask it. A server on the loopback address without keys is open to every program of this machine, and to every page
 * that a browser on it shows, if that page could make the browser send its requests here: by a host name of its own that leads to 127.0.0.1 (DNS rebinding), or across origins.
 */
import type { IncomingMessage } from 'node:http'
import { ApiError } from '../wire/api-error.ts'

const ownNames: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]'])

export interface OriginOptions {
  /** Names that the `Host` header may have, without the port; undefined: any. */
  readonly hosts: readonly string[] | undefined
  /** Origins of pages that may ask; `'*'` is any. */
  readonly origins: readonly string[]
}

/** The hosts that a server answers to: a server that others reach too has a name that it cannot know. */
export function hostsOf(listensOn: string, given: readonly string[] | undefined): readonly string[] | undefined {
  const loopback = /^127\.|^::1$|^localhost$/.test(listensOn)
  if (given) return [...given.map((name) => name.toLowerCase()), ...ownNames]
  return loopback ? [...ownNames] : undefined
}

/**
 * The headers that a page of another origin needs.
 * @throws {ApiError} 403
 */
export function checkOrigin({ headers }: IncomingMessage, { hosts, origins }: OriginOptions): Record<string, string> {
  const [, name = ''] = /^(\[[0-9a-f:.]+\]|[^:]*)(?::\d{1,5})?$/i.exec(headers.host ?? '') ?? []
  if (hosts && !hosts.includes(name.toLowerCase())) {
    const message = `The server does not answer to the host name ${JSON.stringify(name.slice(0, 100))}; the option hosts names more.`
    throw new ApiError(403, 'foreign_host', message, { closes: true })
  }
  const { origin } = headers
  if (origin === undefined) return {}
  const allowed = origins.includes('*') ? '*' : origins.includes(origin) ? origin : undefined
  if (allowed !== undefined) {
    return {
      'access-control-allow-origin': allowed,
      'access-control-expose-headers': 'x-request-id, retry-after, retry-after-ms',
      ...(allowed !== '*' && { vary: 'origin' }),
    }
  }
  const own = /^https?:\/\/(.+)$/.exec(origin)?.[1]
  if (own !== undefined && own === headers.host) return {}
  throw new ApiError(
    403,
    'foreign_host',
    'The server does not answer pages of this origin; the option origins names those that may ask.',
    {
      closes: true,
    },
  )
}

/** What a browser wants to know before it lets a page ask. */
export const preflightHeaders: Readonly<Record<string, string>> = {
  'access-control-allow-methods': 'GET, POST, OPTIONS',
  'access-control-allow-headers': 'authorization, content-type, x-api-key, x-request-id, traceparent, x-stainless-timeout',
  'access-control-max-age': '600',
}
