/** The server of the page: HTTP on 127.0.0.1, the answers of a recording, and its changes as server-sent events. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { InvalidOption } from '../../base/errors.ts'
import type { Recording } from '../model/recording.ts'
import { BadQuery, checkQuery } from '../model/query.ts'
import type { ServerHistory } from '../model/server-history.ts'
import { exportFiles, type Question, questions, type Tick, type TimelineWindow } from '../protocol.ts'
import { encodeWindow } from '../window-codec.ts'
import { newToken, refusalOf } from './access.ts'
import { servedPage } from './pages.ts'

/** A page shows no more changes a second, and more would only cost. */
const tickEveryMs = 100
/** Pages that listen at once; one person has a few tabs. */
const listenersMax = 32
/** Lets the first view be answered before the critical path is computed, which takes a second for a million tasks. */
const explainAfterMs = 300

export interface ServeOptions {
  /** @default 0, a free one */
  readonly port?: number
  /** @default a fresh one */
  readonly token?: string
  /** How a server of models stands, where that is what is shown. */
  readonly standing?: ServerHistory
}

export interface DashboardServer {
  readonly port: number
  readonly token: string
  /** The address for a browser, with the token. */
  readonly url: string
  close(): Promise<void>
}

export async function serve(recording: Recording, options: ServeOptions = {}): Promise<DashboardServer> {
  const token = options.token ?? newToken()
  const changes = new Changes(recording)
  let port = 0
  const server = createServer((request, response) => {
    void answer(request, response, { recording, changes, port, token, standing: options.standing }).catch((error: unknown) => {
      if (!response.headersSent) send(response, 500, text, `This could not be answered: ${String(error)}`)
      else response.destroy()
    })
  })
  // Nothing here speaks anything but HTTP.
  server.on('upgrade', (_request, socket: Socket) => refuse(socket))
  server.on('connect', (_request, socket: Socket) => refuse(socket))
  server.on('clientError', (_error, socket: Socket) => refuse(socket))
  port = await listen(server, options.port ?? 0)
  return {
    port,
    token,
    url: `http://127.0.0.1:${port}/?token=${token}`,
    close: () =>
      new Promise((resolve) => {
        changes.stop()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new InvalidOption(`The port ${port} is in use`, { hint: 'leave the port out, and a free one is taken', cause: error })
          : error,
      ),
    )
    server.listen(port, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

function refuse(socket: Socket): void {
  if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  else socket.destroy()
}

interface Context {
  readonly recording: Recording
  readonly changes: Changes
  readonly port: number
  readonly token: string
  readonly standing: ServerHistory | undefined
}

const text = 'text/plain; charset=utf-8'
const apiPath = '/api/'

async function answer(request: IncomingMessage, response: ServerResponse, context: Context): Promise<void> {
  const { method = '', headers, url = '' } = request
  // Never resolved against anything: a path is one of the routes below, letter by letter, or it is none.
  const [path = '', search = ''] = splitOnce(url, '?')
  const query = new URLSearchParams(search)
  const refusal = refusalOf({ method, headers, token: query.get('token') }, context.port, context.token)
  if (refusal) return send(response, refusal.status, text, refusal.message)
  if (path === '/') {
    const { html, policy } = servedPage()
    return send(response, 200, 'text/html; charset=utf-8', html, { 'content-security-policy': policy })
  }
  const name = path.startsWith(apiPath) ? path.slice(apiPath.length) : ''
  if (name === 'changes') return context.changes.stream(request, response)
  if (name === 'server') {
    const view = context.standing?.view()
    return view ? send(response, 200, 'application/json', JSON.stringify(view)) : send(response, 204, 'application/json', '')
  }
  const question = questions.find((known) => known === name)
  if (!question) return send(response, 404, text, 'There is nothing here.')
  try {
    await answerQuestion(question, query.get('q'), response, context.recording)
  } catch (error) {
    if (!(error instanceof BadQuery)) throw error
    send(response, 400, text, error.message)
  }
}

async function answerQuestion(
  question: Question,
  q: string | null,
  response: ServerResponse,
  recording: Recording,
): Promise<void> {
  const query = parse(q)
  if (!recording.begun) return send(response, 503, text, 'The recording has not begun.')
  if (question === 'export') {
    const { format } = checkQuery('export', query)
    const { extension, type } = exportFiles[format]
    const file = { 'content-disposition': `attachment; filename="heddle.${extension}"` }
    return send(response, 200, type, await recording.export(format), file)
  }
  const answered = recording.answer(question, checkQuery(question, query))
  if (question === 'window') return send(response, 200, 'application/octet-stream', encodeWindow(answered as TimelineWindow))
  return send(response, 200, 'application/json', JSON.stringify(answered))
}

function parse(q: string | null): unknown {
  if (q === null) return {}
  try {
    return JSON.parse(q)
  } catch {
    throw new BadQuery('The query is not JSON')
  }
}

/** What every answer says: it is of no use to any other page, to no cache, and it is what it says it is. */
const safe = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): void {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  response.writeHead(status, {
    ...safe,
    'content-type': type,
    'content-length': bytes.length,
    ...(status === 405 && { allow: 'GET, HEAD' }),
    ...headers,
  })
  response.end(response.req.method === 'HEAD' ? undefined : bytes)
}

/**
 * Sends listeners the state of things, at most ten times a second and never when nothing has changed. When the program needs every core, a new version
 * comes less often, and in between only counts.
 */
class Changes {
  readonly #recording: Recording
  readonly #listeners = new Set<ServerResponse>()
  #timer: NodeJS.Timeout | undefined
  #explaining: NodeJS.Timeout | undefined
  /** The version that listeners know of, which is what they ask about. */
  #said = -1
  #saidAt = 0
  #toldAt = 0

  constructor(recording: Recording) {
    this.#recording = recording
  }

  stream(request: IncomingMessage, response: ServerResponse): void {
    if (this.#listeners.size >= listenersMax) return send(response, 503, text, 'Too many pages listen already.')
    response.writeHead(200, { ...safe, 'content-type': 'text/event-stream' })
    if (request.method === 'HEAD') return void response.end()
    this.#listeners.add(response)
    response.on('close', () => {
      this.#listeners.delete(response)
      if (this.#listeners.size === 0) this.#stopTimer()
    })
    if (this.#listeners.size === 1) this.#said = this.#recording.version
    response.write(event(this.#standing()))
    this.#timer ??= setInterval(() => this.#tick(), tickEveryMs)
    this.#tick()
  }

  stop(): void {
    this.#stopTimer()
    clearTimeout(this.#explaining)
  }

  #stopTimer(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tick(): void {
    const { version, live, explained } = this.#recording
    const now = performance.now()
    if (version !== this.#said) {
      const change = now - this.#saidAt >= this.#recording.restMs
      if (change) [this.#said, this.#saidAt] = [version, now]
      if (change || now - this.#toldAt >= this.#recording.countsEveryMs) this.#tell(now)
    }
    if (live) return
    // A finished recording changes once more, when it has been explained.
    if (version !== this.#said) return
    if (explained) for (const listener of this.#listeners) listener.end()
    else this.#explaining ??= setTimeout(() => this.#recording.explain(), explainAfterMs)
  }

  #tell(now: number): void {
    this.#toldAt = now
    const line = event(this.#standing())
    // A page that does not read gets no more until it has.
    for (const listener of this.#listeners) if (!listener.writableNeedDrain) listener.write(line)
  }

  /** Counts and time as they are now; the version may be an earlier one, so that nobody asks yet. */
  #standing(): Tick {
    return { ...this.#recording.tick(), version: this.#said }
  }
}

const event = (tick: Tick): string => `data: ${JSON.stringify(tick)}\n\n`

function splitOnce(whole: string, mark: string): [string, string] {
  const at = whole.indexOf(mark)
  return at < 0 ? [whole, ''] : [whole.slice(0, at), whole.slice(at + 1)]
}
