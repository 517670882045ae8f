/** The body of a request, read within bounds. */
import type { IncomingMessage } from 'node:http'
import { checkDepth } from './fields.ts'
import { BadRequest } from './request.ts'

const largestBytes = 32 * 2 ** 20

/** @throws {BadRequest} for what is too large, nested too deeply, or no JSON object */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const tooLarge = new BadRequest(`The body is larger than ${largestBytes} bytes.`)
  if (Number(request.headers['content-length']) > largestBytes) throw tooLarge
  const parts: Buffer[] = []
  let bytes = 0
  // The connection stays, so that the refusal arrives.
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > largestBytes) throw tooLarge
    parts.push(part)
  }
  const body = parsed(Buffer.concat(parts).toString('utf8'))
  checkDepth(body)
  return body
}

function parsed(text: string): unknown {
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null) return body
  } catch {
    // Refused below.
  }
  throw new BadRequest('The body is not a JSON object.')
}
