/** One signed request, and what its answer means: what cannot have begun is tried again here, everything else is for the run to say. */
import { performance, setTimeout } from '../../base/globals.js'
import { because, type HeddleError } from '../../base/errors.ts'
import { FleetRefused, FleetUnavailable, NoWorkers, PayloadTooLarge } from '../protocol/errors.ts'
import { shownModule } from '../naming/names.ts'
import { clockHeader, isSigned, signatureHeader, signatureOf, timeHeader } from './signature.ts'

/** `lost`: a machine had it, and what became of it is unknown. */
export type Answer =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'lost'; readonly why: string }
  | { readonly kind: 'error'; readonly error: HeddleError }

export type Post = (body: string, signal: AbortSignal) => Promise<Answer>

export interface PostSettings {
  readonly url: string
  readonly secret: string
  readonly headers: Readonly<Record<string, string>>
  /** For one request, in milliseconds. */
  readonly timeoutMs: number
  /** How long it is tried again while nothing answers, or the platform has no machine free. */
  readonly patienceMs: number
  /** The clock of the other side, seen once more: how far it is from this one, and how wrong that may be. */
  clock(offsetMs: number, errorMs: number): void
}

const firstWaitMs = 100
const longestWaitMs = 5_000
/** Connections that were never made: nothing has begun. By the codes of Node. */
const unmade = /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT)$/

export function poster(settings: PostSettings): Post {
  const { patienceMs, url } = settings
  return async (body, signal) => {
    const until = performance.now() + patienceMs
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, 2 * waitMs)) {
      const answer = await once(settings, body, signal)
      if (answer.kind !== 'later') return answer
      // Half of it by chance: many programs would else come back at once.
      const pauseMs = answer.afterMs ?? waitMs * (0.5 + Math.random() / 2)
      if (signal.aborted) return { kind: 'lost', why: 'its caller has left' }
      if (performance.now() + pauseMs > until)
        return { kind: 'error', error: new FleetUnavailable(`${url} takes no batches: ${answer.why}`, { hint: answer.hint }) }
      await new Promise<void>((resolve) => void setTimeout(resolve, pauseMs))
    }
  }
}

type Later = { readonly kind: 'later'; readonly why: string; readonly afterMs?: number | undefined; readonly hint: string }

async function once(settings: PostSettings, body: string, signal: AbortSignal): Promise<Answer | Later> {
  const { url, secret, headers, timeoutMs, clock } = settings
  const sent = Date.now()
  const time = String(sent)
  const signature = signatureOf(secret, time, body)
  let response: Response
  let text: string
  try {
    response = await fetch(url, {
      method: 'POST',
      body,
      headers: { ...headers, 'content-type': 'application/json', [timeHeader]: time, [signatureHeader]: signature },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
    text = await response.text()
  } catch (error) {
    const cause =
      (error as { readonly cause?: Error & { readonly code?: string } }).cause ?? (error as Error & { readonly code?: string })
    const why = `the request failed${because(cause)}`
    if (unmade.test(cause.code ?? '')) return { kind: 'later', why, hint: 'Is the address right, and is it reachable from here?' }
    return { kind: 'lost', why }
  }
  if (response.status !== 200) return refusalOf(url, response, text)
  const answered = response.headers.get(timeHeader) ?? ''
  if (!isSigned(secret, response.headers.get(signatureHeader) ?? '', answered, signature, text))
    return error(
      new FleetRefused(`The answer of ${url} is not signed with the secret`, { hint: 'Is it the address of the handler?' }),
    )
  const [came, left] = (response.headers.get(clockHeader) ?? '').split(' ').map(Number)
  const now = Date.now()
  if (came !== undefined && left !== undefined && Number.isFinite(came + left))
    clock((came - sent + (left - now)) / 2, Math.max(0, now - sent - (left - came)) / 2)
  return { kind: 'text', text }
}

const error = (of: HeddleError): Answer => ({ kind: 'error', error: of })

/** What the status of an answer says of a batch that was not run, or of which nobody knows. */
function refusalOf(url: string, { status, headers }: Response, text: string): Answer | Later {
  const said = text.slice(0, 300)
  if (status === 429 || status === 503) {
    const seconds = Number(headers.get('retry-after') ?? Number.NaN)
    const hint = 'The platform has no machine free: give fewer requests at once with `concurrency`, or raise its limit.'
    return { kind: 'later', why: `status ${status}`, afterMs: seconds >= 0 ? seconds * 1_000 : undefined, hint }
  }
  if (status === 401 || status === 403)
    return error(
      new FleetRefused(`${url} refuses the request (${status}): ${said}`, {
        hint: 'Both sides need the same secret, and clocks that agree within five minutes.',
      }),
    )
  if (status === 413) return error(new PayloadTooLarge(`A batch is larger than ${url} takes`))
  if (status === 409)
    return error(
      new NoWorkers(`${url} has other code: ${buildsIn(text)}`, {
        hint: 'Deploy the same files on both sides, or give both the same HEDDLE_BUILD.',
      }),
    )
  if (status >= 400 && status < 500)
    return error(
      new FleetRefused(`${url} is not the address of a handler: it answers ${status} ${said}`, {
        hint: 'A handler answers POST.',
      }),
    )
  // A machine may have begun it, and ended before it could say so.
  return { kind: 'lost', why: `the platform answered ${status}` }
}

function buildsIn(text: string): string {
  try {
    return (JSON.parse(text) as { builds: Parameters<typeof shownModule>[0][] }).builds.map(shownModule).join(', ')
  } catch {
    return 'it does not say which'
  }
}
