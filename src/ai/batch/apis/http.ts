/** HTTP to a provider's batch API: with the credentials and the `fetch` of the model's own client, and with patience for what passes. */
import { cancelled, onAbort, sleep } from '../../../base/abort.ts'
import { systemClock } from '../../../base/clock.ts'
import { redacted } from '../../../base/redact.ts'
import { withoutSecrets } from '../../../base/secrets.ts'
import { backoffBoundMs, retryAfterMs } from '../../../limits/index.ts'

type Fetch = typeof globalThis.fetch

/** An answer with an error. Its fields are those that errors of the AI SDK have, so that it is judged as they are. */
export class HttpRefused extends Error {
  readonly statusCode: number
  readonly responseBody: string
  readonly responseHeaders: Readonly<Record<string, string>>

  constructor(what: string, response: Response, body: string) {
    super(`${what} was answered with ${response.status}: ${withoutSecrets(body.slice(0, 500))}`)
    this.statusCode = response.status
    this.responseBody = body
    this.responseHeaders = Object.fromEntries(response.headers)
  }
}

/** Of one request. A file of 200 MB takes minutes to upload. */
const timeoutMs = 600_000
const backoffMs = 1_000
const backoffCapMs = 60_000
/** Tries of a request that may be repeated. With the pauses between them that is a quarter of an hour. Chosen. */
const triesMost = 20
/** A line of results is one answer. Chosen, as for answers of their own. */
const longestLine = 64 * 2 ** 20
const errorBodyMost = 2 ** 20

export class BatchHttp {
  readonly base: string
  readonly #headers: Readonly<Record<string, string>>
  readonly #fetch: Fetch
  readonly #signal: AbortSignal
  readonly #backoffMs: number

  constructor(base: string, headers: Readonly<Record<string, string>>, fetch: Fetch, signal: AbortSignal, pollMs: number) {
    this.base = base
    this.#headers = headers
    this.#fetch = fetch
    this.#signal = signal
    this.#backoffMs = Math.min(backoffMs, pollMs)
  }

  /** @param path below the base, or an address @throws {HttpRefused} */
  async get(path: string): Promise<Readonly<Record<string, unknown>>> {
    return this.#json(await this.#patiently(() => this.#send(path, { method: 'GET' })))
  }

  /** May be repeated: it changes nothing, or the same. */
  async post(
    path: string,
    body?: RequestInit['body'],
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Readonly<Record<string, unknown>>> {
    return this.#json(
      await this.#patiently(() => this.#send(path, { method: 'POST', ...(body !== undefined && { body }), headers })),
    )
  }

  /** Sent once: who knows whether it arrived, when no answer comes. */
  async postOnce(path: string, body: string): Promise<Readonly<Record<string, unknown>>> {
    return this.#json(await this.#send(path, { method: 'POST', body, headers: { 'content-type': 'application/json' } }))
  }

  /** The lines of a file of JSON lines, as they come. A connection that breaks begins again, and lines that were given are left out. */
  async *lines(path: string): AsyncGenerator<Readonly<Record<string, unknown>>> {
    let given = 0
    for (let tries = 1; ; tries++) {
      try {
        let at = 0
        for await (const line of this.#linesOnce(path)) {
          if (at++ < given) continue
          given++
          yield line
        }
        return
      } catch (error) {
        if (this.#signal.aborted || error instanceof HttpRefused || tries >= triesMost) throw error
        await this.#pause(error, tries)
      }
    }
  }

  async *#linesOnce(path: string): AsyncGenerator<Readonly<Record<string, unknown>>> {
    const { body } = await this.#patiently(() => this.#send(path, { method: 'GET' }))
    const reader = body?.getReader()
    const decoder = new TextDecoder()
    let rest = ''
    try {
      for (;;) {
        const { done, value } = reader ? await this.#within(reader.read()) : { done: true, value: undefined }
        if (done) break
        rest += decoder.decode(value, { stream: true })
        const lines = rest.split('\n')
        rest = lines.pop() ?? ''
        if (rest.length > longestLine) throw new Error(`A line of the results is longer than ${longestLine} characters`)
        for (const line of lines) if (line.trim() !== '') yield objectOf(JSON.parse(line))
      }
      if (rest.trim() !== '') yield objectOf(JSON.parse(rest))
    } finally {
      void reader?.cancel().catch(() => {})
    }
  }

  /** A step of reading or sending, within its time. Clients that ignore a signal are not waited for, and Node's `fetch` may ignore one while a body is read. */
  #within<T>(step: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = systemClock.schedule(timeoutMs, () =>
        fail(new Error(`The batch API gave no answer within ${timeoutMs / 1_000} s`)),
      )
      const unlink = onAbort(this.#signal, (reason) => fail(cancelled(reason, 'The request')))
      const leave = (): void => {
        systemClock.cancel(timer)
        unlink()
      }
      const fail = (error: unknown): void => {
        leave()
        reject(error as Error)
      }
      step.then((value) => {
        leave()
        resolve(value)
      }, fail)
    })
  }

  async #patiently(send: () => Promise<Response>): Promise<Response> {
    for (let tries = 1; ; tries++) {
      try {
        return await send()
      } catch (error) {
        if (this.#signal.aborted || !passes(error) || tries >= triesMost) throw error
        await this.#pause(error, tries)
      }
    }
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const url = /^https?:\/\//.test(path) ? path : `${this.base}${path}`
    // Credentials go to the provider and nowhere else.
    if (new URL(url).origin !== new URL(this.base).origin) throw new Error(`An address of another server: ${new URL(url).origin}`)
    this.#signal.throwIfAborted()
    const headers = { ...this.#headers, ...(init.headers as object) }
    const response = await this.#within(this.#fetch(url, { ...init, headers, signal: this.#signal }))
    if (response.ok) return response
    const said = (await this.#within(response.text())).slice(0, errorBodyMost)
    throw redacted(new HttpRefused(`${init.method ?? 'GET'} ${new URL(url).pathname}`, response, said))
  }

  async #json(response: Response): Promise<Readonly<Record<string, unknown>>> {
    return objectOf(await this.#within(response.json()))
  }

  #pause(error: unknown, tries: number): Promise<void> {
    const backoff = backoffBoundMs(this.#backoffMs, backoffCapMs, tries) * (0.5 + Math.random() / 2)
    let asked = 0
    try {
      asked = retryAfterMs(error) ?? 0
    } catch {
      // No such header.
    }
    return sleep(Math.max(backoff, asked), this.#signal)
  }
}

/** Whether another try may do better. */
export function passes(error: unknown): boolean {
  if (!(error instanceof HttpRefused)) return !(error instanceof SyntaxError)
  const { statusCode: status } = error
  return status === 408 || status === 409 || status === 425 || status === 429 || status >= 500
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new SyntaxError('The batch API gave something else than an object')
}
