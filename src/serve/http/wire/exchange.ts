/**
 * One request and its answer: the id, the signal of a client that leaves, the one answer that is given, and what is known of it when it is over. The endpoints see nothing of Node's
 * own request and response.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { clearTimeout, setTimeout } from '../../../base/globals.js'
import { Cancelled } from '../../../base/errors.ts'
import type { ApiError } from './api-error.ts'
import { Yielding } from './yielding.ts'
import { type Outbox, Output } from './outbox.ts'

export type Headers = Readonly<Record<string, string | number>>

/** An id that a client chose is taken over where it can stand in a header and in a log as it is. */
const givenId = /^[\w.:/+=-]{1,128}$/
/** Bytes of a stream that may wait for its client before the model waits too. */
const streamBytes = 262_144
/** How long the rest of a refused body is read and thrown away: a client that still sends does not see an answer before it is done (RFC 9112, section 9.6). */
const lingerMs = 5_000

/** Of all requests of this thread, because they share it. */
export const yielding = new Yielding()

export class Exchange {
  readonly request: IncomingMessage
  readonly id: string
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly startedAt = performance.now()
  /** Aborts when the client leaves before its answer is complete. */
  readonly signal: AbortSignal
  status = 0
  readonly #response: ServerResponse
  readonly #output: Output
  readonly #gone = new AbortController()
  #headers: Headers
  #bytesOut = 0
  #closes = false

  constructor(request: IncomingMessage, response: ServerResponse, outbox: Outbox) {
    this.request = request
    this.#response = response
    this.#output = new Output(response, outbox)
    const given = request.headers['x-request-id']
    this.id = typeof given === 'string' && givenId.test(given) ? given : `req_${randomUUID().replaceAll('-', '')}`
    this.method = request.method ?? ''
    const url = request.url ?? ''
    const query = url.indexOf('?')
    this.path = query < 0 ? url : url.slice(0, query)
    this.signal = this.#gone.signal
    this.#headers = { 'x-request-id': this.id, 'x-content-type-options': 'nosniff' }
    response.once('close', () => {
      if (!response.writableFinished) this.#gone.abort(new Cancelled('the client has gone'))
    })
  }

  /** The head has been sent: another answer cannot be given. */
  get answered(): boolean {
    return this.#response.headersSent
  }

  get clientGone(): boolean {
    return this.#gone.signal.aborted
  }

  /** The address of the client, or of the proxy before it. */
  get client(): string {
    return this.request.socket.remoteAddress ?? ''
  }

  get bytesOut(): number {
    return this.#bytesOut
  }

  /** More headers for the answer, whatever it will be. */
  set(headers: Headers): void {
    this.#headers = { ...this.#headers, ...headers }
  }

  /** The connection ends after this answer. */
  closes(): void {
    this.#closes = true
  }

  json(status: number, body: unknown): void {
    this.send(status, 'application/json', Buffer.from(JSON.stringify(body)))
  }

  /** As {@link json}, when it is this answer's turn: for answers that may be large. */
  async reply(status: number, body: unknown): Promise<void> {
    await yielding.do(() => this.json(status, body))
  }

  /** As {@link reply}, for a list that may have thousands of parts: they are written a few at a time. @param field the name of the list, which comes first */
  async replyList(status: number, field: string, parts: readonly unknown[], rest: object): Promise<void> {
    const pieces: Buffer[] = [Buffer.from(`{${JSON.stringify(field)}:[`)]
    for (const [i, part] of parts.entries()) {
      if (this.clientGone) return
      pieces.push(await yielding.do(() => Buffer.from(`${i === 0 ? '' : ','}${JSON.stringify(part)}`)))
    }
    pieces.push(Buffer.from(`],${JSON.stringify(rest).slice(1)}`))
    this.send(status, 'application/json', Buffer.concat(pieces))
  }

  send(status: number, type: string, body: Uint8Array): void {
    if (this.answered || this.clientGone) return
    this.#head(status, { 'content-type': type, 'content-length': body.length })
    this.#bytesOut += body.length
    if (this.method === 'HEAD') this.#output.end()
    else {
      this.#output.push(body)
      this.#end()
    }
  }

  /** No body at all. */
  empty(status: number, headers: Headers = {}): void {
    if (this.answered || this.clientGone) return
    this.#head(status, { ...headers, 'content-length': 0 })
    this.#end()
  }

  refuse(error: ApiError): void {
    const { retryAfterMs, closes = false } = error.options
    if (closes) this.closes()
    if (retryAfterMs !== undefined) {
      const ms = Math.max(1, Math.ceil(retryAfterMs))
      this.set({ 'retry-after': Math.ceil(ms / 1_000), 'retry-after-ms': ms })
    }
    if (error.status === 401) this.set({ 'www-authenticate': 'Bearer' })
    this.json(error.status, error.body)
  }

  /** The head of a stream of server-sent events. */
  startEvents(): void {
    // Proxies keep back what they may transform or cache; nginx has a header of its own for that.
    this.#head(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no' })
    this.#response.flushHeaders()
  }

  /** One event. Resolves when there is room for the next one: a client that reads slowly slows its model, and no other one. */
  async event(data: string): Promise<void> {
    const bytes = Buffer.from(`data: ${data}\n\n`)
    this.#bytesOut += bytes.length
    this.#output.push(bytes)
    await this.#output.room(streamBytes)
  }

  endEvents(): void {
    this.#output.end()
  }

  /** Breaks the connection off: after a head has been sent, that is the only way to say that an answer is not whole. */
  breakOff(): void {
    this.#response.destroy()
  }

  #head(status: number, headers: Headers): void {
    this.status = status
    if (this.#closes) this.set({ connection: 'close' })
    this.#response.writeHead(status, { ...this.#headers, ...headers })
  }

  /** Node closes a connection with an answer that says so at once, also while its client still sends, which would lose the answer. */
  #end(): void {
    if (!this.#closes || this.request.complete) return this.#output.end()
    const timer = setTimeout(end, lingerMs)
    const { request } = this
    const output = this.#output
    function end(): void {
      clearTimeout(timer)
      request.off('end', end)
      request.off('close', end)
      output.end()
    }
    timer.unref()
    request.on('end', end)
    request.on('close', end)
    request.resume()
  }
}
