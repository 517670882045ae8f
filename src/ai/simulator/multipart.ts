/** A file that is uploaded as `multipart/form-data`: its bytes and the fields beside it. */
import type { IncomingMessage } from 'node:http'
import { BadRequest } from './request.ts'

/** OpenAI takes files of 512 MB, and batches of 200 MB. */
const largestBytes = 210 * 2 ** 20
const partsMost = 16

export interface Upload {
  readonly fields: Readonly<Record<string, string>>
  readonly file: Buffer
}

/** @throws {BadRequest} for what is not a form with a file, or too large */
export async function readUpload(request: IncomingMessage): Promise<Upload> {
  const [, quoted, plain] = /boundary=(?:"([^"]{1,100})"|([^;]{1,100}))/i.exec(request.headers['content-type'] ?? '') ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) throw new BadRequest('Expected multipart/form-data with a boundary.')
  const body = await readAll(request)
  const fields: Record<string, string> = {}
  let file: Buffer | undefined
  const mark = Buffer.from(`--${boundary}`)
  let at = body.indexOf(mark)
  for (let parts = 0; at !== -1 && parts < partsMost; parts++) {
    const start = at + mark.length + 2
    const end = body.indexOf(mark, start)
    if (end === -1) break
    const head = body.indexOf('\r\n\r\n', start)
    if (head === -1 || head > end) throw new BadRequest('A part of the form has no end of its headers.')
    const headers = body.toString('latin1', start, head)
    const content = body.subarray(head + 4, end - 2)
    const [, name = ''] = /name="([^"]{1,100})"/.exec(headers) ?? []
    if (/filename="/.test(headers)) file = content
    else fields[name] = content.toString('utf8')
    at = end
  }
  if (!file) throw new BadRequest("Missing required parameter: 'file'.")
  return { fields, file }
}

export async function readAll(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > largestBytes) throw new BadRequest(`The body is larger than ${largestBytes} bytes.`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}
