/**
 * The wire: the `fetch` of a model's client, looked at. The models of the AI SDK keep it, or the wish to have one, in their
 * `config`; a pool calls a view of the model whose `fetch` is this one. So it knows
 * - which secrets were sent, to take them out of whatever comes back;
 * - whether a request was sent at all, for what was not sent costs nothing;
 * - how long an answer gets: what unpacks to more than any answer has is cut off, instead of filling the memory.
 *
 * A model without such a `config` (middleware around one, a model of one's own) is called as it is: give its provider
 * {@link boundedFetch} for the last of these.
 */
import { rememberSent } from '../../base/secrets.ts'

type Fetch = typeof globalThis.fetch

/** Bytes, unpacked. An embedding of 2,048 texts has about 50 MB. Chosen. */
const largestAnswer = 64 * 2 ** 20
/** A stream has 300 bytes per token: this is a million tokens. Chosen. */
const largestStream = 256 * 2 ** 20
/** The body of an error is read for one message. Chosen. */
const largestError = 2 ** 20

/** Options of {@link boundedFetch}. */
export interface BoundedFetchOptions {
  /** Bytes of an answer, unpacked. @default 64 MiB; 256 MiB of an event stream; an error's body is cut after 1 MiB */
  readonly maxBytes?: number
  /** What sends the request. @default the global `fetch` */
  readonly fetch?: Fetch
}

/** An answer was longer than any answer is. */
export class AnswerTooLarge extends Error {
  override readonly name = 'AnswerTooLarge'
}

/**
 * A `fetch` that reads no more than an answer may have, however small it was packed: for clients of models that a pool cannot look into.
 *
 * @throws nothing itself; the returned function rejects as `fetch` does, and with {@link AnswerTooLarge}
 * @example
 * const provider = createOpenAI({ fetch: boundedFetch() })
 */
export function boundedFetch({ maxBytes, fetch = globalThis.fetch }: BoundedFetchOptions = {}): Fetch {
  return async (input, init) => bounded(await fetch(input, init), maxBytes)
}

/** What is known of a view: whether a request was sent for a signal. A client that sends with other signals cannot be followed. */
interface Wire {
  readonly sent: WeakSet<AbortSignal>
  foreign: boolean
}

const wires = new WeakMap<object, Wire>()
/** The signals of attempts. */
const expected = new WeakSet<AbortSignal>()

/** Says that requests of one attempt have this signal, where they can be looked at. */
export function expectSignal(model: unknown, signal: AbortSignal): AbortSignal {
  if (typeof model === 'object' && model !== null && wires.has(model)) expected.add(signal)
  return signal
}

/** Whether a request with this signal was sent; undefined where nobody can know. */
export function wasSent(model: unknown, signal: AbortSignal): boolean | undefined {
  const wire = typeof model === 'object' && model !== null ? wires.get(model) : undefined
  return wire && !wire.foreign ? wire.sent.has(signal) : undefined
}

/** The models behind views. */
const behind = new WeakMap<object, object>()

/** The model as it is, with another `fetch`, which gets the one that there was; undefined where the model cannot be looked into. */
export function withFetch<M>(model: M, make: (own: Fetch) => Fetch): M | undefined {
  const original = (typeof model === 'object' && model !== null ? (behind.get(model) ?? model) : model) as object
  const config = configOf(original)
  if (!config) return undefined
  const own = config.fetch as Fetch | undefined
  const fetch = make((input, init) => (own ?? globalThis.fetch)(input, init))
  return Object.create(original, { config: { value: { ...config, fetch }, enumerable: true } }) as M
}

/** The model as it is, but for its `fetch`. */
export function overWire<M>(model: M): M {
  const config = configOf(model)
  if (!config) return model
  const own = config.fetch as Fetch | undefined
  const wire: Wire = { sent: new WeakSet(), foreign: false }
  const fetch: Fetch = async (input, init) => {
    if (init?.signal && expected.has(init.signal)) wire.sent.add(init.signal)
    else wire.foreign = true
    noteSecrets(input, init)
    return bounded(await (own ?? globalThis.fetch)(input, init))
  }
  // A view: the caller's model stays as it was, and everything else is read from it.
  const view = Object.create(model as object, { config: { value: { ...config, fetch }, enumerable: true } }) as object
  wires.set(view, wire)
  behind.set(view, model as object)
  return view as M
}

/** The `config` of a model of the AI SDK: how its requests are addressed and sent. */
function configOf(model: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof model !== 'object' || model === null || !Object.hasOwn(model, 'config')) return undefined
  const { config } = model as { config: unknown }
  if (typeof config !== 'object' || config === null || !('provider' in config)) return undefined
  const { fetch, url, baseURL } = config as Record<string, unknown>
  const isClient = typeof url === 'function' || typeof baseURL === 'string' || typeof baseURL === 'function'
  return isClient && (fetch === undefined || typeof fetch === 'function') ? (config as Record<string, unknown>) : undefined
}

/** A text that is sent as a secret is taken out of every later message. */
export function noteSecrets(input: Parameters<Fetch>[0], init: Parameters<Fetch>[1]): void {
  try {
    rememberSent(new Headers(init?.headers), input instanceof Request ? input.url : String(input))
  } catch {
    // `fetch` will say what is wrong with them.
  }
}

/** The answer, with a body that ends with an error when it gets too long. Short ones are left as they are. */
function bounded(response: Response, maxBytes?: number): Response {
  const { body, headers, status, ok } = response
  if (!body) return response
  const isStream = headers.get('content-type')?.startsWith('text/event-stream') ?? false
  const most = ok ? (maxBytes ?? (isStream ? largestStream : largestAnswer)) : largestError
  const packed = headers.get('content-encoding')
  const length = Number(headers.get('content-length') ?? Number.NaN)
  if ((packed === null || packed === 'identity') && length <= most) return response
  const made = new Response(countedTo(body, most, ok), { status, statusText: response.statusText, headers })
  return Object.defineProperty(made, 'url', { value: response.url })
}

/** Passes chunks on, until they are too many: then an answer breaks, and the text of an error ends. */
function countedTo(body: ReadableStream<Uint8Array>, most: number, breaks: boolean): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let left = most
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) return controller.close()
        left -= value.byteLength
        if (left >= 0) return controller.enqueue(value)
        void reader.cancel().catch(() => {})
        if (breaks) controller.error(new AnswerTooLarge(`The answer is longer than ${Math.round(most / 2 ** 20)} MiB`))
        else controller.close()
      },
      async cancel(reason) {
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
