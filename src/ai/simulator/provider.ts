/** The HTTP side of the simulator: who may ask, routes, keys, bodies, headers. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { performance } from '../../base/globals.js'
import { Account, type Plan } from './account.ts'
import { foreign } from './access.ts'
import { anthropic } from './anthropic.ts'
import { answerAtOnce, failed } from './answer-at-once.ts'
import { anthropicBatches } from './anthropic-batches.ts'
import { Batches, type BatchStats } from './batches.ts'
import { readAll } from './multipart.ts'
import { openaiBatches } from './openai-batches.ts'
import { readJson } from './body.ts'
import { chat } from './chat.ts'
import { embeddings } from './embedding-wire.ts'
import type { Form } from './form.ts'
import { gemini } from './gemini.ts'
import { geminiBatches } from './gemini-batches.ts'
import { geminiForm, isForGemini } from './gemini-route.ts'
import { BadRequest, keyOf, type ModelRequest, type RequestMessage } from './request.ts'
import { respond } from './respond.ts'
import { previousResponse, responseId, responses } from './responses.ts'
import { batchSettings, modelSettings, type SimulatorOptions } from './settings.ts'
import { addStats, type SimulatorStats, Tally } from './tally.ts'
import { type Refusal, unknownModel, type Wire } from './wire.ts'

/** Conversations of the responses API that are kept; the oldest goes first. */
const mostConversations = 1_000
/** Names of models that are kept apart, where every name is served. */
const mostModels = 10_000

export class Provider {
  readonly #options: SimulatorOptions
  readonly #scale: number
  readonly #headerScale: number
  readonly #accounts = new Map<string, Account>()
  readonly #conversations = new Map<string, readonly RequestMessage[]>()
  readonly #startedAt = performance.now()
  #batches: Batches

  constructor(options: SimulatorOptions) {
    this.#options = options
    this.#scale = options.timeScale ?? 1
    this.#batches = new Batches(batchSettings(options), options.seed ?? 1)
    this.#headerScale = options.scaleHeaders === false ? 1 : this.#scale
  }

  /** Simulated milliseconds since the start. */
  #now(): number {
    return (performance.now() - this.#startedAt) * this.#scale
  }

  reset(): void {
    this.#accounts.clear()
    this.#batches = new Batches(batchSettings(this.#options), this.#options.seed ?? 1)
    this.#conversations.clear()
  }

  stats(model: string | undefined): SimulatorStats & { readonly batches: BatchStats } {
    const accounts = [...this.#accounts].filter(([id]) => model === undefined || id === model)
    const sum = accounts.map(([, account]) => account.tally.stats(account.idealMs())).reduce(addStats, new Tally().stats(0))
    return { ...sum, batches: this.#batches.stats(this.#now()) }
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request)
    const ofGemini = isForGemini(request)
    const wire = ofGemini
      ? gemini('', false)
      : path.startsWith('/messages')
        ? anthropic
        : path === '/responses'
          ? responses
          : chat
    try {
      const stranger = foreign(request)
      if (stranger !== undefined) return this.#refuse(response, wire, { kind: 'foreign', message: stranger })
      if (request.method === 'GET' && path === '/health') return json(response, { status: 'ok' })
      if (!this.#knows(request)) return this.#refuse(response, wire, { kind: 'key', message: 'Incorrect API key provided.' })
      if (request.method === 'GET' && path === '/models')
        return json(
          response,
          ofGemini ? { models: this.#modelIds().map(geminiEntry) } : { object: 'list', data: this.#modelIds().map(modelEntry) },
        )
      if (request.method === 'GET' && path.startsWith('/models/')) return this.#model(path.slice(8), response)
      if (await this.#batch(request, response, path)) return undefined
      const form = ofGemini ? geminiForm(path) : undefined
      const routed = form ? (body: unknown) => this.#take(form, body, response) : this.#routes[path]
      const answers = request.method === 'POST' ? routed : undefined
      if (!answers) return this.#refuse(response, wire, unknownRoute(request, path))
      await answers(await readJson(request), response)
    } catch (error) {
      // A response that has begun can only be cut off.
      if (response.headersSent || response.destroyed) response.destroy()
      else if (error instanceof BadRequest) this.#refuse(response, wire, { kind: 'bad', message: error.message })
      else this.#refuse(response, wire, { kind: 'server-error', message: `The simulator failed: ${String(error)}` })
    }
  }

  /** Files and batches. True when it was for them. */
  async #batch(request: IncomingMessage, response: ServerResponse, path: string): Promise<boolean> {
    const routes = isForGemini(request)
      ? geminiBatches
      : path.startsWith('/messages/batches')
        ? anthropicBatches
        : /^\/(?:files|batches)(?:\/|$)/.test(path)
          ? openaiBatches
          : undefined
    if (!routes) return false
    const { host = '' } = request.headers
    const asked = {
      method: request.method ?? 'GET',
      path,
      query: new URL(request.url ?? '', 'http://x').searchParams,
      now: this.#now(),
      request,
      body: async () => jsonOf(await readAll(request)),
      url: `http://${host}`,
    }
    const { seed = 1 } = this.#options
    const answer = (form: Form, body: unknown, fails: boolean) =>
      fails ? failed(form) : answerAtOnce(form, body, seed, (model) => this.#account(model)?.settings)
    const reply = await routes(asked, this.#batches, answer)
    if (!reply) return false
    if ('json' in reply)
      response.writeHead(reply.status ?? 200, { 'content-type': 'application/json' }).end(JSON.stringify(reply.json))
    else await pipeline(Readable.from(inPieces(reply.lines)), response.writeHead(200, { 'content-type': 'application/x-jsonl' }))
    return true
  }

  readonly #routes: Readonly<Record<string, ((body: unknown, response: ServerResponse) => unknown) | undefined>> = {
    '/chat/completions': (body, response) => this.#complete(chat.parse(body), chat, response),
    '/messages': (body, response) => this.#complete(anthropic.parse(body), anthropic, response),
    '/messages/count_tokens': (body, response) =>
      json(response, { input_tokens: anthropic.parse({ max_tokens: 1, ...(body as object) }).inputTokens }),
    '/responses': (body, response) => this.#converse(body, response),
    '/embeddings': (body, response) => this.#take(embeddings, body, response),
  }

  #knows(request: IncomingMessage): boolean {
    const { apiKey } = this.#options
    if (apiKey === undefined || request.headers.authorization === `Bearer ${apiKey}`) return true
    return request.headers['x-api-key'] === apiKey || request.headers['x-goog-api-key'] === apiKey
  }

  #account(model: string): Account | undefined {
    const { models, seed = 1 } = this.#options
    const own = models && Object.hasOwn(models, model) ? models[model] : undefined
    if (models && !own) return undefined
    const known = this.#accounts.get(model)
    if (known) return known
    // The counts of the oldest are lost; a client that makes up names does not fill the memory.
    const [oldest] = this.#accounts.keys()
    if (this.#accounts.size >= mostModels && oldest !== undefined) this.#accounts.delete(oldest)
    const account = new Account(model, modelSettings(this.#options, own), seed, this.#now())
    this.#accounts.set(model, account)
    return account
  }

  async #complete(request: ModelRequest, wire: Wire, response: ServerResponse): Promise<Plan | undefined> {
    const key = keyOf(request)
    const admitted = this.#admit(request, key, wire, response)
    if (!admitted) return undefined
    const { account, plan, headers } = admitted
    await respond({ response, request, plan, wire, account, headers, now: () => this.#now(), pace: 1 / this.#scale })
    return plan
  }

  /** Goes on with the conversation that the request names, and keeps it. */
  async #converse(body: unknown, response: ServerResponse): Promise<void> {
    const previous = previousResponse(body)
    const before = previous === undefined ? [] : this.#conversations.get(previous)
    if (!before) throw new BadRequest(`Previous response with id '${(previous as string).slice(0, 80)}' not found.`)
    const request = responses.parse(body, before)
    const plan = await this.#complete(request, responses, response)
    if (!plan) return
    const said = request.messages.filter(({ role }) => role !== 'system')
    this.#conversations.set(responseId(plan.id), [...said, { role: 'assistant', text: plan.answers[0]?.text ?? '' }])
    const [oldest] = this.#conversations.keys()
    if (this.#conversations.size > mostConversations && oldest !== undefined) this.#conversations.delete(oldest)
  }

  async #take(form: Form, body: unknown, response: ServerResponse): Promise<void> {
    const call = form.parse(body)
    const { request } = call
    const key = keyOf(request)
    // Refusals look alike for every length of vectors.
    const admitted = this.#admit(request, key, call.wire(1), response)
    if (!admitted) return
    const { account, plan, headers } = admitted
    const wire = call.wire(account.settings.dimensions)
    await respond({ response, request, plan, wire, account, headers, now: () => this.#now(), pace: 1 / this.#scale })
  }

  /** Asks the account; a refusal is answered here. */
  #admit(
    request: ModelRequest,
    key: string,
    wire: Wire,
    response: ServerResponse,
  ): { account: Account; plan: Plan; headers: Record<string, string> } | undefined {
    const account = this.#account(request.model)
    if (!account) {
      this.#refuse(response, wire, unknownModel(request.model))
      return undefined
    }
    const now = this.#now()
    const decision = account.admit(request, key, wire.charge(request), now)
    const refused = 'kind' in decision
    const headers = wire.headers(account.state(refused ? `${key.slice(0, 12)}` : decision.id, now), this.#headerScale)
    if (!refused) return { account, plan: decision, headers }
    this.#refuse(response, wire, decision, headers)
    return undefined
  }

  #refuse(response: ServerResponse, wire: Wire, refusal: Refusal, headers: Record<string, string> = {}): void {
    const { status, body } = wire.refusal(refusal)
    const waits = refusal.waitMs !== undefined && Number.isFinite(refusal.waitMs)
    const retry = waits ? wire.retryAfter((refusal.waitMs as number) / this.#headerScale, this.#headerScale) : {}
    const should = refusal.kind === 'quota' || refusal.kind === 'too-large' ? { 'x-should-retry': 'false' } : {}
    response.writeHead(status, { ...headers, ...retry, ...should, 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }

  #modelIds(): readonly string[] {
    return Object.keys(this.#options.models ?? {})
  }

  #model(encoded: string, response: ServerResponse): void {
    const id = decoded(encoded)
    if (this.#options.models === undefined || this.#modelIds().includes(id)) return json(response, modelEntry(id))
    this.#refuse(response, chat, unknownModel(id))
  }
}

/** Without the version, which some clients add to a base URL that has it and some leave out. */
function pathOf(request: IncomingMessage): string {
  const [path = ''] = (request.url ?? '').split('?')
  return path.replace(/^(?:\/v1(?:alpha|beta)|(?:\/v1){0,2})(?=\/|$)/, '').replace(/\/$/, '')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new BadRequest('The path is not a valid URL.')
  }
}

function json(response: ServerResponse, body: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function modelEntry(id: string): object {
  return { id, object: 'model', created: 0, owned_by: 'simulator' }
}

function geminiEntry(id: string): object {
  return { name: `models/${id}`, displayName: id }
}

function unknownRoute(request: IncomingMessage, path: string): Refusal {
  const known =
    'POST /v1/chat/completions, /v1/responses, /v1/messages, /v1/embeddings and /v1beta/models/MODEL:generateContent, GET /v1/models'
  return {
    kind: 'route',
    message: `Unknown request ${request.method ?? ''} ${path.slice(0, 200)}; the simulator knows ${known}.`,
  }
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    throw new BadRequest('The body is not a JSON object.')
  }
}

/** Lines are sent together: one write for each would cost more than the line. */
function* inPieces(lines: Iterable<string>): Generator<string> {
  let piece = ''
  for (const line of lines) {
    piece += `${line}\n`
    if (piece.length < 65_536) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}
