/**
 * The body of a request, read within bounds: of one body, of all that are read at once, and of time (`server.requestTimeout` of Node). What is refused is refused
 * before its bytes are kept.
 */
import type { IncomingMessage } from 'node:http'
import { BadRequest } from '../../bad-request.ts'
import { ApiError } from './api-error.ts'
import { checkDepth } from './fields.ts'

const json = /^application\/(?:[\w.+-]+\+)?json$/i

/** How many bytes of bodies lie in memory, of all requests under way together. */
export class BodyMemory {
  readonly #most: number
  #bytes = 0

  constructor(most: number) {
    this.#most = most
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether there was room. */
  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.#most) return false
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }
}

/** @throws {ApiError} for what can be refused by its headers alone */
export function checkHead({ headers }: IncomingMessage, mostBytes: number): void {
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  if (!json.test(type.trim())) {
    const got = type === '' ? 'none' : JSON.stringify(type.trim().slice(0, 100))
    // A page of the web may send other types to any server without asking the browser's user: this one must be asked for.
    throw new ApiError(415, 'unsupported_media_type', `Expected the content type application/json, got ${got}.`, { closes: true })
  }
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') {
    const message = `Expected a body without content encoding, got ${JSON.stringify(encoding.slice(0, 100))}.`
    throw new ApiError(415, 'unsupported_media_type', message, { closes: true })
  }
  if (Number(headers['content-length']) > mostBytes) throw tooLarge(mostBytes)
}

const tooLarge = (mostBytes: number): ApiError =>
  new ApiError(413, 'body_too_large', `The body is larger than ${mostBytes} bytes.`, { closes: true })

/** A body, and the room that it takes until its request is over. */
export interface HeldBody {
  readonly body: unknown
  /** To be given back to the memory. */
  readonly bytes: number
}

/**
 * @param mostBytes of this body
 * @param memory of all bodies of requests under way; what is given stays taken, what is refused does not
 * @throws {ApiError} for what is too large, or does not fit beside the others
 * @throws {BadRequest} for what is not JSON
 */
export async function readJson(request: IncomingMessage, mostBytes: number, memory: BodyMemory): Promise<HeldBody> {
  const parts: Buffer[] = []
  let bytes = 0
  try {
    // The connection stays, so that a refusal arrives.
    for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (bytes + part.length > mostBytes) throw tooLarge(mostBytes)
      if (!memory.take(part.length)) {
        const message = 'The server is reading as many bodies as fit into its memory. Try again later.'
        throw new ApiError(503, 'memory_full', message, { retryAfterMs: 1_000, closes: true })
      }
      bytes += part.length
      parts.push(part)
    }
    const body = parsed(parts)
    checkDepth(body)
    return { body, bytes }
  } catch (error) {
    memory.give(bytes)
    throw error
  }
}

function parsed(parts: readonly Buffer[]): unknown {
  const bytes = Buffer.concat(parts)
  if (bytes.length === 0) throw new BadRequest('The body is empty; expected JSON.')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new BadRequest('The body is not UTF-8.')
  }
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    // The message of V8 shows a part of the body, which is the client's own.
    throw new BadRequest(`The body is not JSON: ${(error as SyntaxError).message}`)
  }
}
