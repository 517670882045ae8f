/**
 * Questions and decisions over HTTP, on this machine only: a page for people, and JSON for programs. To decide takes the token of the server. A
 * page of another site cannot use it: the cookie is sent to this site only, and a request must name this server as its host and its origin.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HeddleError, InvalidOption, toError } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { Decision, Inbox } from './inbox.ts'
import { inboxPage } from './page.ts'

/** Options of {@link serveInbox}. */
export interface ServeInboxOptions {
  /** @default 0: a free one */
  readonly port?: number
  /** What whoever reads or decides must know; 16 characters at least. @default a new one, which the URL has */
  readonly token?: string
}

/** A running server of an inbox. */
export interface InboxServer extends AsyncDisposable {
  /** The page, with the token: for the person's browser. */
  readonly url: string
  readonly token: string
  readonly port: number
  close(): Promise<void>
}

const longestBody = 2_000_000

/**
 * Serves an inbox on 127.0.0.1. `GET /questions` lists open questions, `POST /questions/KEY` decides one with the JSON of a `Decision`; both take
 * the token as `Authorization: Bearer`. An answer of 200 means that the decision is recorded. The program lives as long as the server.
 *
 * @throws {InvalidOption} for a wrong option @throws {HeddleError} when the port is taken
 *
 * @example
 * await using page = await serveInbox(inbox)
 * console.log(`Decide at ${page.url}`)
 */
export async function serveInbox(inbox: Inbox, options: ServeInboxOptions = {}): Promise<InboxServer> {
  checkOptions<ServeInboxOptions>(options, { port: rules.whole(0), token: rules.string }, 'serveInbox')
  const token = options.token ?? randomBytes(24).toString('base64url')
  if (!/^[\w-]{16,200}$/.test(token))
    throw new InvalidOption('Expected `token` of serveInbox to have 16 to 200 letters, digits, - or _')
  const server = createServer({ requestTimeout: 30_000 }, (request, response) => {
    const { port } = server.address() as AddressInfo
    new Exchange(inbox, token, port, request, response).answer().catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else refuse(response, error instanceof Refusal ? error.status : 400, toError(error).message)
    })
  })
  await listen(server, options.port ?? 0)
  const { port } = server.address() as AddressInfo
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  return { url: `http://127.0.0.1:${port}/?token=${token}`, token, port, close, [Symbol.asyncDispose]: close }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new HeddleError(`The inbox could not listen on port ${port}: ${cause.message}`, { cause })),
    )
    server.listen(port, '127.0.0.1', resolve)
  })
}

class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** One request and its answer. */
class Exchange {
  readonly #inbox: Inbox
  readonly #token: string
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #origins: readonly string[]
  readonly #cookie: string

  constructor(inbox: Inbox, token: string, port: number, request: IncomingMessage, response: ServerResponse) {
    this.#inbox = inbox
    this.#token = token
    this.#request = request
    this.#response = response
    this.#origins = [`http://127.0.0.1:${port}`, `http://localhost:${port}`]
    // Browsers send cookies of one port to the others.
    this.#cookie = `inbox-${port}`
  }

  async answer(): Promise<void> {
    const { headers, method, url = '/' } = this.#request
    if (!this.#origins.includes(`http://${headers.host ?? ''}`)) throw new Refusal(403, 'The host is not this server')
    const { pathname, searchParams } = new URL(url, this.#origins[0])
    const given = searchParams.get('token')
    if (method === 'GET' && pathname === '/' && given !== null && this.#isToken(given)) {
      const cookie = `${this.#cookie}=${this.#token}; HttpOnly; SameSite=Strict; Path=/`
      this.#response.writeHead(303, { 'set-cookie': cookie, location: '/', 'cache-control': 'no-store' }).end()
      return
    }
    if (!this.#isAllowed()) throw new Refusal(401, 'The token is missing or wrong')
    if (method === 'GET' && pathname === '/') return this.#page()
    if (method === 'GET' && pathname === '/questions') return this.#json(200, { questions: this.#inbox.open })
    const key = /^\/questions\/([^/]+)$/.exec(pathname)?.[1]
    if (method === 'POST' && key !== undefined) return this.#decide(decodeURIComponent(key))
    throw new Refusal(404, 'There are GET /, GET /questions and POST /questions/KEY')
  }

  #isToken(given: string): boolean {
    const [a, b] = [Buffer.from(given), Buffer.from(this.#token)]
    return a.length === b.length && timingSafeEqual(a, b)
  }

  #isAllowed(): boolean {
    const { authorization, cookie = '' } = this.#request.headers
    if (authorization !== undefined) return this.#isToken(authorization.replace(/^Bearer /, ''))
    const own = cookie.split(';').find((one) => one.trim().startsWith(`${this.#cookie}=`))
    return own !== undefined && this.#isToken(own.trim().slice(this.#cookie.length + 1))
  }

  async #decide(key: string): Promise<void> {
    const { origin, authorization, 'content-type': type = '' } = this.#request.headers
    // A browser says where a form comes from; a program has the token in a header that no form can send.
    if (authorization === undefined && !this.#origins.includes(origin ?? ''))
      throw new Refusal(403, 'The form is of another site')
    const isForm = type.startsWith('application/x-www-form-urlencoded')
    const body = await bodyOf(this.#request)
    const draft = this.#inbox.open.find((question) => question.key === key)?.draft
    const decision = isForm ? ofForm(new URLSearchParams(body), draft) : (JSON.parse(body) as Decision)
    const counted = await this.#inbox.answer(key, decision)
    if (isForm) return void this.#response.writeHead(303, { location: '/' }).end()
    if (!counted) throw new Refusal(409, 'The question is not open: it was decided before, or nobody asks it now')
    this.#json(200, { recorded: true })
  }

  #page(): void {
    this.#response.writeHead(200, {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      // Without a referrer a form would name no origin either.
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
    this.#response.end(inboxPage(this.#inbox.open))
  }

  #json(status: number, value: unknown): void {
    this.#response
      .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      .end(JSON.stringify(value))
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify({ error: message }))
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    length += piece.length
    if (length > longestBody) throw new Refusal(413, `The body has more than ${longestBody} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** A draft that is not a text is edited as JSON. */
function ofForm(form: URLSearchParams, draft: unknown): Decision {
  const decision = form.get('decision') as Decision['decision']
  const [note, value] = [form.get('note') ?? '', (form.get('value') ?? '').replaceAll('\r\n', '\n')]
  const isText = typeof draft === 'string' || draft === undefined
  return {
    decision,
    ...(decision === 'edit' && { value: isText ? value : (JSON.parse(value) as unknown) }),
    ...(note !== '' && { note }),
  }
}
