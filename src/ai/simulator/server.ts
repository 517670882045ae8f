/** The simulator as a server that listens on 127.0.0.1 only. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Duration, durationMs } from '../../base/duration.ts'
import { clearTimeout, setTimeout } from '../../base/globals.js'
import { HeddleError } from '../../base/errors.ts'
import type { BatchStats } from './batches.ts'
import { Provider } from './provider.ts'
import { checkSimulator, type SimulatorOptions } from './settings.ts'
import type { SimulatorStats } from './tally.ts'

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
  stats(model?: string): SimulatorStats & { readonly batches: BatchStats } {
    return this.#provider.stats(model)
  }

  /** Forgets everything: buckets are full again, counts are 0, equal requests start over. */
  reset(): void {
    this.#provider.reset()
  }

  /** Takes no more requests, and breaks off what is under way. @param grace how long that may go on first @default 0 */
  async close(grace: Duration = 0): Promise<void> {
    const graceMs = durationMs(grace, 'grace')
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    // Connections that become idle now close by themselves: the server is closing.
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs)
    if (graceMs === 0) this.#server.closeAllConnections()
    await closed
    clearTimeout(timer)
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
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    // Says so on connections that would be kept open while the server closes.
    if (!server.listening) response.setHeader('connection', 'close')
    void provider.handle(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new HeddleError(`The simulator could not listen on port ${options.port ?? 0}: ${cause.message}`, { cause }))
    })
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  return new Simulator(server, provider)
}
