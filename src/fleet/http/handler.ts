/**
 * Worker functions behind a web handler, for platforms that start a machine when a request comes: each request is a signed batch, each answer its signed outcome.
 * Nothing runs that the modules do not have, and nothing that is not signed.
 */
import { randomUUID } from 'node:crypto'
import { Cancelled, InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { fromText, toText } from '../../encoding/tagged.ts'
import { mostInline } from '../client/refusals.ts'
import type { ModuleBuild } from '../naming/names.ts'
import { type BatchMessage, readBatch } from '../protocol/message.ts'
import { BatchRun } from '../worker/batch-run.ts'
import { Registry } from '../worker/registry.ts'
import { BatchSpans } from '../worker/telemetry.ts'
import { outcomeText, refusalText } from '../worker/texts.ts'
import { checkSecret, clockHeader, isRecent, isSigned, signatureHeader, signatureOf, timeHeader } from './signature.ts'

/** Options of {@link handler}. */
export interface HandlerOptions {
  /** What the program signs with: the same text as its `secret`, at least 16 characters. */
  readonly secret: string
}

/** Answers requests as web standards have them. */
export type Handle = (request: Request) => Promise<Response>

/** Above what a batch has: its head, and tags. */
const mostBody = mostInline + 2 ** 20

/**
 * A web handler that runs worker functions: behind AWS Lambda (see {@link lambda}), in a container (see {@link listener}), or wherever a `Request` becomes a
 * `Response` and Node runs. Programs reach it with {@link http}.
 *
 * @param modules worker functions, modules that export some, or the URL of a module that knows nothing of heddle
 * @throws {InvalidOption} where one has no worker functions, or the secret is too short; of a URL the first request says it
 * @example
 * import { handler, lambda } from 'heddle/http'
 * import { entities } from './analyse.js'
 * export const handle = lambda(handler([entities], { secret: process.env.HEDDLE_SECRET }))
 */
export function handler(modules: readonly unknown[], options: HandlerOptions): Handle {
  checkOptions<HandlerOptions>(options, { secret: rules.any }, 'handler')
  const secret = checkSecret(options.secret, 'handler')
  const loading = registryOf(modules)
  // Platforms start machines from one picture, so that process numbers are all alike.
  const worker = randomUUID().slice(0, 8)
  const spans = new BatchSpans()
  const ready = Promise.all([loading, spans.open()])
  ready.catch(() => {})
  return async (request) => {
    const came = Date.now()
    if (request.method !== 'POST') return refused(405, 'Expected POST with a signed batch')
    const [time, signature] = [request.headers.get(timeHeader) ?? '', request.headers.get(signatureHeader) ?? '']
    // Before the body is read: what has no signature costs nothing.
    if (!isRecent(time, came) || signature === '')
      return refused(401, 'The request is not signed, or its time is more than five minutes off')
    const body = await bodyOf(request)
    if (body === undefined) return refused(413, `A batch has at most ${mostBody} bytes`)
    if (!isSigned(secret, signature, time, body)) return refused(401, 'The signature is not that of the secret')
    const text = await run(body)
    if (typeof text !== 'string') return text
    const now = String(Date.now())
    return new Response(text, {
      headers: {
        'content-type': 'application/json',
        [timeHeader]: now,
        [signatureHeader]: signatureOf(secret, now, signature, text),
        [clockHeader]: `${came} ${now}`,
      },
    })

    async function run(written: string): Promise<string | Response> {
      let message: BatchMessage
      let build: unknown
      try {
        const envelope = fromText(written) as { readonly build?: unknown; readonly batch?: unknown }
        message = readBatch(envelope.batch)
        build = envelope.build
        if (message.broadcasts) throw new TypeError('broadcast values do not cross by HTTP')
      } catch (cause) {
        return refusalText(worker, cause, 'The batch cannot be read').text
      }
      const [registry] = await ready
      const own = registry.buildOf(message.fns)
      if (own !== build) return Response.json({ error: 'no such build', builds: buildsOf(registry) }, { status: 409 })
      try {
        const ref = registry.find(message.fns)
        const batch = new BatchRun(message, { offsetMs: 0 })
        // Nobody waits for it any more.
        request.signal.addEventListener('abort', () => batch.abort(new Cancelled('The caller has left')), { once: true })
        const span = spans.start(message, worker)
        const outcome = await batch.run(ref, worker)
        span.end(outcome)
        const queuedMs = Math.max(0, came - (message.sentAt ?? came))
        return await outcomeText({ ...outcome, queuedMs, cause: 'transfer' }, undefined, '')
      } catch (cause) {
        return refusalText(worker, cause).text
      }
    }
  }
}

/** Those that are here are looked at now, so that a mistake shows when the machine starts. */
function registryOf(modules: readonly unknown[]): Registry | Promise<Registry> {
  const loaded = modules.map((module, i): [string, Exports | Promise<Exports>] => {
    if (module instanceof URL) return [module.href, import(module.href) as Promise<Exports>]
    return [`number ${i + 1} of handler`, typeof module === 'function' ? { module } : { ...(module as Exports) }]
  })
  if (loaded.every((entry): entry is [string, Exports] => !(entry[1] instanceof Promise))) return new Registry(new Map(loaded))
  return Promise.all(loaded.map(async ([url, exports]): Promise<[string, Exports]> => [url, await exports])).then(
    (entries) => new Registry(new Map(entries)),
  )
}

type Exports = Readonly<Record<string, unknown>>

const buildsOf = (registry: Registry): ModuleBuild[] => registry.modules.map(({ build }) => build)

function refused(status: number, message: string): Response {
  return new Response(toText({ error: message }), { status, headers: { 'content-type': 'application/json' } })
}

/** Undefined for one that is too large. */
async function bodyOf(request: Request): Promise<string | undefined> {
  if (Number(request.headers.get('content-length') ?? 0) > mostBody) return undefined
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    length += piece.length
    if (length > mostBody) return undefined
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** What AWS gives a function behind a URL or an API gateway (both versions of their format). */
export interface LambdaEvent {
  readonly body?: string | null
  readonly isBase64Encoded?: boolean
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly httpMethod?: string
  readonly requestContext?: { readonly http?: { readonly method?: string } }
}

/** What AWS Lambda gives to whoever has called. */
export interface LambdaResult {
  readonly statusCode: number
  readonly headers: Record<string, string>
  readonly body: string
}

/**
 * A handler as AWS Lambda calls it, behind a function URL or an API gateway.
 *
 * @param handle what {@link handler} gives
 * @throws {InvalidOption} when it is something else
 * @example
 * export const handle = lambda(handler([entities], { secret }))
 */
export function lambda(handle: Handle): (event: LambdaEvent) => Promise<LambdaResult> {
  if (typeof handle !== 'function') throw new InvalidOption('Expected lambda to get what handler() gives')
  return async ({ body, isBase64Encoded, headers = {}, httpMethod, requestContext }) => {
    const method = requestContext?.http?.method ?? httpMethod ?? 'POST'
    const given = Object.entries(headers).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const content = body == null ? undefined : isBase64Encoded ? Buffer.from(body, 'base64') : body
    const init = method === 'GET' || method === 'HEAD' || content === undefined ? { method } : { method, body: content }
    const response = await handle(new Request('http://lambda/', { ...init, headers: new Headers(given) }))
    return { statusCode: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
  }
}
