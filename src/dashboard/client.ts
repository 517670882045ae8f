/** Asks the server: the page's source while a program runs, and for `heddle ui`. Needs only `fetch`, so tests use it too. */
import { exportFormats, type Question, type ServerView, type Tick, type TimelineWindow, type ViewSource } from './protocol.ts'
import { decodeWindow } from './window-codec.ts'

/** How long until a lost connection is tried again, and how often. */
const retryMs = 500
const retriesMax = 6

/** The server refused a question, or is gone. */
export class ServerError extends Error {
  override readonly name = 'ServerError'
  /** The status of the answer; 0 when there was none. */
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

/** @param origin such as `http://127.0.0.1:4173` */
export function serverSource(origin: string, token: string): ViewSource {
  const url = (name: string, query?: object): string =>
    `${origin}/api/${name}?token=${encodeURIComponent(token)}${query ? `&q=${encodeURIComponent(JSON.stringify(query))}` : ''}`

  const ask = async (name: Question | 'changes' | 'server', query?: object, signal?: AbortSignal): Promise<Response> => {
    let response: Response
    try {
      response = await fetch(url(name, query), signal ? { signal } : {})
    } catch (error) {
      throw new ServerError(`heddle does not answer: ${error instanceof Error ? error.message : String(error)}`, 0)
    }
    if (response.ok) return response
    throw new ServerError((await response.text()).trim() || `refused with status ${response.status}`, response.status)
  }
  const json =
    <A>(name: Question) =>
    async (query: object): Promise<A> =>
      (await (await ask(name, query)).json()) as A
  const bytes = async (name: Question, query: object): Promise<Uint8Array> =>
    new Uint8Array(await (await ask(name, query)).arrayBuffer())

  return {
    exports: exportFormats,
    overview: json('overview'),
    explanation: json('explanation'),
    window: async (query): Promise<TimelineWindow> => decodeWindow(await bytes('window', query)),
    path: json('path'),
    series: json('series'),
    tasks: json('tasks'),
    task: json('task'),
    graph: json('graph'),
    export: (query) => bytes('export', query),
    async server() {
      const response = await ask('server')
      return response.status === 204 ? undefined : ((await response.json()) as ServerView)
    },
    subscribe(onTick, onLost) {
      const stop = new AbortController()
      void listen((signal) => ask('changes', undefined, signal), onTick, onLost, stop.signal)
      return () => stop.abort()
    },
  }
}

/** Reads events until the recording has ended or the listener has; connects again when the connection breaks. */
async function listen(
  open: (signal: AbortSignal) => Promise<Response>,
  onTick: (tick: Tick) => void,
  onLost: ((reason: string) => void) | undefined,
  signal: AbortSignal,
): Promise<void> {
  let reason = 'the connection was closed'
  let live = true
  for (let tries = 0; tries < retriesMax && !signal.aborted; tries++) {
    try {
      const response = await open(signal)
      for await (const tick of ticks(response)) {
        tries = 0
        live = tick.live
        onTick(tick)
      }
      // A finished recording changes once more, when it has been explained; then the server closes the stream.
      if (!live) return
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ServerError && error.status >= 400) return onLost?.(error.message)
      reason = error instanceof Error ? error.message : String(error)
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs))
  }
  if (!signal.aborted) onLost?.(reason)
}

/** The events of a stream of server-sent events; heddle sends only `data:` lines. */
async function* ticks(response: Response): AsyncGenerator<Tick> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let text = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      text += decoder.decode(value, { stream: true })
      const lines = text.split('\n')
      text = lines.pop() ?? ''
      for (const line of lines) if (line.startsWith('data: ')) yield JSON.parse(line.slice(6)) as Tick
    }
  } finally {
    void reader.cancel().catch(() => undefined)
  }
}
