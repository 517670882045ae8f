/**
 * The server: takes a request through its gates in the order in which they cost least — origin, route, method, key, head, body, model, quota — asks the model, and
 * counts what became of it. One place where errors become answers.
 *
 * It speaks Node's own HTTP: what a model server has to get right lies below what frameworks show (a refused body that is still being sent, clients that do not read, connections while it
 * drains), and there are nine routes.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { memoryUsage } from 'node:process'
import { clearTimeout, performance, setTimeout } from '../../base/globals.js'
import { HeddleError, InvalidOption } from '../../base/errors.ts'
import { loopDelayMs } from '../../limits/loop-delay.ts'
import { type Admission, Keys, type Tenant } from './access/keys.ts'
import { checkOrigin, hostsOf, preflightHeaders } from './access/origin.ts'
import type { Usage } from './endpoints/call.ts'
import { knownPaths, type Route, routeOf } from './routes.ts'
import type { Settings } from './settings/options.ts'
import type { Served } from '../served.ts'
import type { AccessLog } from './watch/access-log.ts'
import { logLine } from './watch/log-line.ts'
import { metricsText } from './watch/metrics.ts'
import type { ServerSecond, ServerSnapshot } from './watch/snapshot.ts'
import { type RequestSpan, Spans } from './watch/spans.ts'
import { noCounts, Tally } from './watch/tally.ts'
import { ApiError, apiErrorOf } from './wire/api-error.ts'
import { BodyMemory, checkHead, readJson } from './wire/body.ts'
import { yielding, Exchange } from './wire/exchange.ts'
import { fields, text } from './wire/fields.ts'
import { Outbox } from './wire/outbox.ts'
import { refuseSocket } from './wire/refuse-socket.ts'

/** How often Node looks for clients that take too long. */
const checkEveryMs = 1_000
/** Clients that were refused at one moment must not come back at one moment. */
const jitter = 0.25

export interface ServerOptions {
  readonly port: number
  readonly host: string
  readonly log: AccessLog | undefined
  /** Told of failures of models and of the server itself, one line each. */
  readonly warn: (message: string) => void
}

/** What is found out about a request on its way. */
interface Found {
  route: string
  model: string
  tenant: Tenant | undefined
  usage: Usage
  admission: Admission | undefined
  bodyBytes: number
  span: RequestSpan | undefined
}

export class HttpServer {
  readonly #settings: Settings
  readonly #options: ServerOptions
  readonly #server: Server
  readonly #keys: Keys
  readonly #outbox: Outbox
  readonly #bodies: BodyMemory
  readonly #tally = new Tally()
  readonly #spans = new Spans()
  readonly #hosts: readonly string[] | undefined
  readonly #startedAt = performance.now()
  #state: 'loading' | 'ready' | 'draining' = 'loading'
  /** Answers as before, and says at `/ready` that it will end. */
  #leaving = false
  #idle: (() => void)[] = []

  constructor(settings: Settings, options: ServerOptions) {
    const { limits } = settings
    this.#settings = settings
    this.#options = options
    this.#keys = new Keys(settings.keys, [...settings.models.keys()], performance.now())
    this.#outbox = new Outbox({ stallMs: limits.readMs, mostBytes: limits.unreadBytes })
    this.#bodies = new BodyMemory(limits.bodiesBytes)
    this.#hosts = hostsOf(options.host, settings.hosts)
    // Node's word for no bound is 0.
    const bound = (ms: number): number => (Number.isFinite(ms) ? Math.max(1, ms) : 0)
    this.#server = createServer({
      headersTimeout: bound(Math.min(limits.headMs, limits.bodyMs)),
      requestTimeout: bound(limits.bodyMs),
      keepAliveTimeout: bound(limits.idleMs),
      connectionsCheckingInterval: checkEveryMs,
      noDelay: true,
    })
    this.#server.maxConnections = limits.connections
    const take = (request: IncomingMessage, response: ServerResponse): void => void this.#take(request, response)
    this.#server.on('request', take)
    // A body that will be refused is not asked for.
    this.#server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      if (Number(request.headers['content-length'] ?? 0) <= limits.bodyBytes) response.writeContinue()
      take(request, response)
    })
    this.#server.on('connection', () => yielding.arrived())
    this.#server.on('upgrade', (_request, socket: Socket) => refuseSocket(socket, 400))
    this.#server.on('connect', (_request, socket: Socket) => refuseSocket(socket, 400))
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      refuseSocket(socket, error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400)
    })
  }

  /** @throws {HeddleError} when the port is taken or the address is none of this machine */
  async listen(): Promise<void> {
    const { port, host } = this.#options
    await this.#spans.open()
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, host, port)))
      this.#server.listen(port, host, resolve)
    })
    // What goes wrong with one connection must not end the program.
    this.#server.on('error', (error) => this.#options.warn(`the server: ${error.message}`))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0
  }

  get state(): 'loading' | 'ready' | 'draining' {
    return this.#state
  }

  /** Whether it takes requests without a key. */
  get open(): boolean {
    return !this.#keys.needed
  }

  get underWay(): number {
    return this.#tally.underWay
  }

  ready(): void {
    if (this.#state === 'loading') this.#state = 'ready'
  }

  /** Says at `/ready` that nothing more should come. */
  leave(): void {
    this.#leaving = true
  }

  /** Answers 503 to what comes from now on; resolves when what is under way has been answered, or after `graceMs`, and every connection is closed. */
  async drain(graceMs: number): Promise<void> {
    this.#state = 'draining'
    if (this.#tally.underWay > 0 && graceMs > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs)
        this.#idle.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      if (graceMs === 0) return this.#server.closeAllConnections()
      this.#server.closeIdleConnections()
      // Answers that were given a moment ago may still be on their way.
      const timer = setTimeout(() => this.#server.closeAllConnections(), Math.min(graceMs, 1_000))
      timer.unref()
    })
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange(request, response, this.#outbox)
    const found: Found = {
      route: '(other)',
      model: '',
      tenant: undefined,
      usage: { tokensIn: 0, tokensOut: 0 },
      admission: undefined,
      bodyBytes: 0,
      span: undefined,
    }
    this.#tally.began(performance.now())
    if (this.#state === 'draining') exchange.closes()
    let failure: ApiError | undefined
    try {
      await this.#answer(exchange, found)
    } catch (error) {
      failure = apiErrorOf(error, exchange.id)
      this.#refuse(exchange, failure)
    }
    // An answer is over when the client has it: until then it counts as under way, and holds its body's place.
    if (!response.writableFinished && !response.destroyed) await new Promise<void>((resolve) => response.once('close', resolve))
    this.#over(exchange, found, failure)
  }

  #refuse(exchange: Exchange, error: ApiError): void {
    if (error.status >= 500 && error.options.inside !== undefined && !exchange.clientGone) {
      this.#options.warn(`request ${exchange.id}: ${shown(error.options.inside)}`)
    }
    if (exchange.clientGone) return
    if (exchange.answered) return exchange.breakOff()
    const { retryAfterMs } = error.options
    const later = retryAfterMs === undefined ? undefined : retryAfterMs * (1 + Math.random() * jitter)
    exchange.refuse(new ApiError(error.status, error.why, error.message, { ...error.options, retryAfterMs: later }))
  }

  async #answer(exchange: Exchange, found: Found): Promise<void> {
    const { request, method, path } = exchange
    exchange.set(checkOrigin(request, { hosts: this.#hosts, origins: this.#settings.origins }))
    const route = routeOf(path)
    if (route) found.route = route.name
    if (method === 'OPTIONS' && request.headers.origin !== undefined) return exchange.empty(204, preflightHeaders)
    found.span = this.#spans.start(method, found.route, request.headers)
    if (!route) throw new ApiError(404, 'not_found', `There is nothing at this path. There are ${knownPaths.join(', ')}.`)
    if (method !== route.method && !(method === 'HEAD' && route.method === 'GET')) {
      exchange.set({ allow: route.method })
      throw new ApiError(405, 'method_not_allowed', `Expected the method ${route.method} for ${route.name}, got ${method}.`)
    }
    if (route.method === 'GET') this.#page(exchange, route, found)
    else await this.#model(exchange, route, found)
  }

  #page(exchange: Exchange, route: Extract<Route, { method: 'GET' }>, found: Found): void {
    if (route.page === 'health') return exchange.json(200, { status: 'ok' })
    if (route.page === 'ready') return this.#readiness(exchange)
    if (route.page === 'metrics' && this.#settings.metrics === 'open') return this.#metrics(exchange)
    const tenant = (found.tenant = this.#keys.tenantOf(exchange.request.headers))
    if (route.page === 'metrics') return this.#metrics(exchange)
    const all = [...this.#settings.models]
      .filter(([name]) => tenant.mayAsk(name))
      .map(([name, model]) => this.#described(name, model))
    if (route.page === 'models') return exchange.json(200, { object: 'list', data: all })
    const { model: name } = route as { readonly model: string }
    const one = all.find(({ id }) => id === name)
    if (!one) throw noModel(name)
    exchange.json(200, one)
  }

  #described(id: string, { kind, streams }: Served): { readonly id: string; readonly [field: string]: unknown } {
    const created = Math.floor((performance.timeOrigin + this.#startedAt) / 1_000)
    return { id, object: 'model', created, owned_by: 'heddle', kind, streams }
  }

  #readiness(exchange: Exchange): void {
    const models = Object.fromEntries([...this.#settings.models].map(([name, model]) => [name, model.stats().state]))
    const ready = this.#state === 'ready' && !this.#leaving
    if (!ready) exchange.set({ 'retry-after': 1 })
    exchange.json(ready ? 200 : 503, { status: this.#leaving ? 'draining' : this.#state, models })
  }

  #metrics(exchange: Exchange): void {
    const text = metricsText({
      tally: this.#tally,
      models: this.#stats(),
      draining: this.#state === 'draining',
      connections: this.#connections,
      unreadBytes: this.#outbox.bytes,
      bodyBytes: this.#bodies.bytes,
      clientsDropped: this.#outbox.dropped,
      logLinesLost: this.#options.log?.lost ?? 0,
      loopDelayMs: loopDelayMs(),
    })
    exchange.send(200, 'text/plain; version=0.0.4; charset=utf-8', Buffer.from(text))
  }

  async #model(exchange: Exchange, route: Extract<Route, { method: 'POST' }>, found: Found): Promise<void> {
    const { request } = exchange
    const settings = this.#settings
    const tenant = (found.tenant = this.#keys.tenantOf(request.headers))
    if (this.#state === 'draining') {
      throw new ApiError(503, 'draining', 'The server is being shut down. Ask another one, or this one later.', {
        retryAfterMs: 1_000,
        closes: true,
      })
    }
    checkHead(request, settings.limits.bodyBytes)
    const held = await readJson(request, settings.limits.bodyBytes, this.#bodies)
    found.bodyBytes = held.bytes
    const name = route.model ?? text(fields(held.body, 'body')['model'], 'model')
    const model = settings.models.get(name)
    if (!model) throw noModel(name)
    found.model = name
    if (!tenant.mayAsk(name))
      throw new ApiError(403, 'model_not_allowed', `The key ${tenant.name} may not ask the model ${name}.`)
    if (model.kind !== route.endpoint.kind) {
      const message = `The model ${name} is not for ${route.name}: its kind is ${model.kind}.`
      throw new ApiError(400, 'bad_request', message, { param: 'model', code: 'unsupported_model' })
    }
    try {
      found.admission = tenant.admit(route.endpoint.estimate(held.body), performance.now())
    } finally {
      exchange.set(tenant.headers(performance.now()))
    }
    const deadline = deadlineOf(request, settings.limits.deadlineMs)
    const work = (): Promise<void> =>
      route.endpoint.answer({
        exchange,
        body: held.body,
        model,
        modelName: name,
        options: {
          signal: exchange.signal,
          tenant: tenant.name,
          priority: tenant.priority,
          ...(Number.isFinite(deadline) && { deadline }),
        },
        usage: found.usage,
        settings,
      })
    await (found.span ? found.span.run(work) : work())
  }

  #over(exchange: Exchange, found: Found, failure: ApiError | undefined): void {
    const now = performance.now()
    const { route, model, tenant, usage } = found
    const tookMs = now - exchange.startedAt
    this.#bodies.give(found.bodyBytes)
    found.admission?.settle(usage.tokensIn + usage.tokensOut, now)
    const cause = failure?.why ?? (exchange.clientGone ? 'client_closed' : undefined)
    // A client that has left was not answered, whatever had been sent.
    const status = exchange.clientGone ? 499 : exchange.status
    const key = tenant?.name ?? ''
    this.#tally.ended({ route, model, key, status, cause, tookMs, tokensIn: usage.tokensIn, tokensOut: usage.tokensOut }, now)
    found.span?.end({ status, model, tokensIn: usage.tokensIn, tokensOut: usage.tokensOut, error: failure?.message })
    this.#options.log?.add(logLine(exchange, found, { status, cause, tookMs }))
    if (this.#tally.underWay > 0) return
    for (const resolve of this.#idle) resolve()
    this.#idle = []
  }

  #stats(): readonly ReturnType<Served['stats']>[] {
    return [...this.#settings.models].map(([name, model]) => ({ ...model.stats(), name }))
  }

  get #connections(): number {
    return (this.#server as unknown as { readonly _connections: number })._connections
  }

  /** How it stands; `url` is where it is reached. */
  snapshot(url: string): ServerSnapshot {
    const now = performance.now()
    const { seconds } = this.#tally
    const of = (count: number): ServerSecond => {
      const sum = seconds.last(count, now)
      const { requests, answered, refused, failed } = sum
      return { requests, answered, refused, failed, ...sum.percentiles() }
    }
    return {
      url,
      state: this.#state,
      upMs: now - this.#startedAt,
      underWay: this.#tally.underWay,
      connections: this.#connections,
      unreadBytes: this.#outbox.bytes,
      rssBytes: memoryUsage.rss(),
      second: of(1),
      now: of(10),
      refused: Object.fromEntries(this.#tally.causes),
      keys: Object.fromEntries(this.#tally.keys),
      models: this.#stats().map((stats) => ({ stats, counts: this.#tally.models.get(stats.name) ?? noCounts() })),
    }
  }
}

/** The client's own bound, which the client of OpenAI sends in seconds, and the server's. */
function deadlineOf({ headers }: IncomingMessage, mostMs: number): number {
  const given = Number(headers['x-stainless-timeout'])
  return given > 0 ? Math.min(given * 1_000, mostMs) : mostMs
}

const noModel = (name: string): ApiError =>
  new ApiError(404, 'model_not_found', `The model ${JSON.stringify(name.slice(0, 100))} does not exist on this server.`, {
    param: 'model',
  })

function listenError(error: NodeJS.ErrnoException, host: string, port: number): HeddleError {
  if (error.code === 'EADDRINUSE') {
    return new InvalidOption(`The port ${port} of ${host} is in use`, {
      hint: 'Leave the port out, and a free one is taken.',
      cause: error,
    })
  }
  return new HeddleError(`The server could not listen on ${host}, port ${port}: ${error.message}`, { cause: error })
}

/** An error in one line, with what caused it. */
function shown(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return stack
    .split('\n')
    .slice(0, 3)
    .map((line) => line.trim())
    .join(' ')
}
