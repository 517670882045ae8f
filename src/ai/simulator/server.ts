/** The HTTP side of the simulator: routes, keys, bodies, headers. Listens on 127.0.0.1 only. */
import { performance } from '../../base/globals.js'
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HeddleError } from '../../base/errors.ts'
import { estimateTokens } from '../tokens.ts'
import { Account, type Plan } from './account.ts'
import { anthropic } from './anthropic.ts'
import { embeddingOf } from './embedding.ts'
import { openai } from './openai.ts'
import { BadRequest, type ModelRequest } from './request.ts'
import { respond } from './respond.ts'
import { checkSimulator, modelSettings, type SimulatorOptions } from './settings.ts'
import { addStats, type SimulatorStats, Tally } from './tally.ts'
import type { Refusal, Wire } from './wire.ts'

const largestBodyBytes = 32 * 2 ** 20
const mostInputsPerRequest = 2_048

/** A running simulator. */
export class Simulator {
  /** Such as `http://127.0.0.1:41873`. */
  readonly url: string
  /** What OpenAI-compatible and Anthropic clients take as their base URL: the URL with `/v1`. */
  readonly baseURL: string
  readonly port: number
  readonly #server: Server
  readonly #provider: Provider

  /** @internal Use {@link simulate}. */
  constructor(server: Server, provider: Provider) {
    this.#server = server
    this.#provider = provider
    this.port = (server.address() as AddressInfo).port
    this.url = `http://127.0.0.1:${this.port}`
    this.baseURL = `${this.url}/v1`
  }

  /** What one model has seen, or all of them. Times are simulated. */
  stats(model?: string): SimulatorStats {
    return this.#provider.stats(model)
  }

  /** Forgets everything: buckets are full again, counts are 0, equal requests start over. */
  reset(): void {
    this.#provider.reset()
  }

  /** Breaks off what is under way. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/**
 * Starts a model provider on this machine that behaves as the real ones do: rate limits, headers, latencies, streams, faults.
 * It is deterministic by `seed`, and as fast as `timeScale` says.
 *
 * @example
 * await using provider = await simulate({ limits: { requestsPerMinute: 500 }, timeScale: 60 })
 * const models = createOpenAICompatible({ name: 'simulated', baseURL: provider.baseURL })
 *
 * @throws {InvalidOption}
 */
export async function simulate(options: SimulatorOptions = {}): Promise<Simulator> {
  checkSimulator(options)
  const provider = new Provider(options)
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => void provider.handle(request, response))
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new HeddleError(`The simulator could not listen on port ${options.port ?? 0}: ${cause.message}`, { cause }))
    })
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  return new Simulator(server, provider)
}

class Provider {
  readonly #options: SimulatorOptions
  readonly #scale: number
  readonly #headerScale: number
  readonly #accounts = new Map<string, Account>()
  readonly #startedAt = performance.now()

  constructor(options: SimulatorOptions) {
    this.#options = options
    this.#scale = options.timeScale ?? 1
    this.#headerScale = options.scaleHeaders === false ? 1 : this.#scale
  }

  /** Simulated milliseconds since the start. */
  #now(): number {
    return (performance.now() - this.#startedAt) * this.#scale
  }

  reset(): void {
    this.#accounts.clear()
  }

  stats(model: string | undefined): SimulatorStats {
    const accounts = [...this.#accounts].filter(([id]) => model === undefined || id === model)
    return accounts.map(([, account]) => account.tally.stats(account.idealMs())).reduce(addStats, new Tally().stats(0))
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?')[0]?.replace(/(?<!\/)\/+$/, '') ?? ''
    const wire = path.endsWith('/messages') ? anthropic : openai
    try {
      if (!this.#knows(request)) return this.#refuse(response, wire, { kind: 'key', message: 'Incorrect API key provided.' })
      if (request.method === 'GET' && path === '/v1/models') return this.#models(response)
      if (request.method !== 'POST') return this.#refuse(response, wire, unknownRoute(request, path))
      const body = await readJson(request)
      if (path === '/v1/chat/completions' || path === '/v1/messages') return await this.#complete(body, wire, response)
      if (path === '/v1/embeddings') return await this.#embed(body, response)
      this.#refuse(response, wire, unknownRoute(request, path))
    } catch (error) {
      // A response that has begun can only be cut off.
      if (response.headersSent || response.destroyed) response.destroy()
      else if (error instanceof BadRequest) this.#refuse(response, wire, { kind: 'bad', message: error.message })
      else this.#refuse(response, wire, { kind: 'server-error', message: `The simulator failed: ${String(error)}` })
    }
  }

  #knows(request: IncomingMessage): boolean {
    const { apiKey } = this.#options
    return apiKey === undefined || request.headers.authorization === `Bearer ${apiKey}` || request.headers['x-api-key'] === apiKey
  }

  #account(model: string): Account | undefined {
    const { models, seed = 1 } = this.#options
    const own = models && Object.hasOwn(models, model) ? models[model] : undefined
    if (models && !own) return undefined
    const known = this.#accounts.get(model)
    if (known) return known
    const account = new Account(model, modelSettings(this.#options, own), seed, this.#now())
    this.#accounts.set(model, account)
    return account
  }

  async #complete(body: unknown, wire: Wire, response: ServerResponse): Promise<void> {
    const request = wire.parse(body)
    const key = keyOf([request.messages, request.tools, request.schema])
    const admitted = this.#admit(request, key, wire, response)
    if (!admitted) return
    const { account, plan, headers } = admitted
    await respond({ response, request, plan, wire, account, headers, now: () => this.#now(), pace: 1 / this.#scale })
  }

  async #embed(body: unknown, response: ServerResponse): Promise<void> {
    const { model, input } = body as { model?: unknown; input?: unknown }
    const texts = (Array.isArray(input) ? input : [input]) as unknown[]
    if (typeof model !== 'string') throw new BadRequest('you must provide a model parameter')
    if (!texts.every((text) => typeof text === 'string' && text !== ''))
      throw new BadRequest("'input' must be text that is not empty")
    if (texts.length > mostInputsPerRequest)
      throw new BadRequest(`'input' may hold ${mostInputsPerRequest} texts, not ${texts.length}`)
    const strings = texts as string[]
    const request: ModelRequest = {
      model,
      messages: strings.map((text) => ({ role: 'user', text })),
      inputTokens: strings.reduce((sum, text) => sum + estimateTokens(text), 0),
      maxTokens: 0,
      stream: false,
      includeUsage: true,
      json: false,
      schema: undefined,
      tools: [],
      forcedTool: undefined,
      seed: undefined,
    }
    const embedding: Wire = {
      ...openai,
      whole: ({ usage }) => ({
        object: 'list',
        data: strings.map((text, index) => ({
          object: 'embedding',
          index,
          embedding: embeddingOf(text, account.settings.dimensions),
        })),
        model,
        usage: { prompt_tokens: usage.input, total_tokens: usage.input },
      }),
    }
    const admitted = this.#admit(request, keyOf(strings), embedding, response)
    if (!admitted) return
    const { account, plan, headers } = admitted
    await respond({ response, request, plan, wire: embedding, account, headers, now: () => this.#now(), pace: 1 / this.#scale })
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
      this.#refuse(response, wire, { kind: 'unknown-model', message: `The model \`${request.model}\` does not exist.` })
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

  #models(response: ServerResponse): void {
    const data = Object.keys(this.#options.models ?? {}).map((id) => ({ id, object: 'model', owned_by: 'simulator' }))
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data }))
  }
}

function unknownRoute(request: IncomingMessage, path: string): Refusal {
  const known = 'POST /v1/chat/completions, /v1/messages and /v1/embeddings, GET /v1/models'
  return { kind: 'route', message: `Unknown request ${request.method ?? ''} ${path}; the simulator knows ${known}.` }
}

function keyOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex')
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > largestBodyBytes) throw new BadRequest(`The body is larger than ${largestBodyBytes} bytes.`)
    parts.push(part)
  }
  try {
    const body: unknown = JSON.parse(Buffer.concat(parts).toString('utf8'))
    if (typeof body !== 'object' || body === null) throw new TypeError('not an object')
    return body
  } catch {
    throw new BadRequest('The body is not a JSON object.')
  }
}
