/** `heddle run --webhook URL`: another system learns that a run has ended, on a real server. */
import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { spawnHeddle } from './support/cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-webhook-'))
const secret = 'a secret of both'
let got: { headers: IncomingHttpHeaders; body: string }[] = []
let answers: number[] = []
const server = createServer((request, response) => {
  let body = ''
  request.setEncoding('utf8').on('data', (text: string) => (body += text))
  request.on('end', () => {
    got.push({ headers: request.headers, body })
    response.writeHead(answers.shift() ?? 200).end()
  })
})
let url = ''

beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  writeFileSync(join(folder, 'good.mjs'), 'export default () => 42\n')
  writeFileSync(join(folder, 'bad.mjs'), 'export default () => { throw new RangeError("too far") }\n')
  writeFileSync(join(folder, 'exits.mjs'), 'process.exit(7)\n')
})
beforeEach(() => {
  got = []
  answers = []
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

const run = (file: string, to = url, env: Record<string, string> = { HEDDLE_WEBHOOK_SECRET: secret }) =>
  spawnHeddle(['run', '--quiet', '--webhook', to, file], { cwd: folder, env })

test.each([
  ['good.mjs', 0, undefined],
  ['bad.mjs', 1, { name: 'RangeError', message: 'too far' }],
  ['exits.mjs', 7, undefined],
])('the end of %s is posted once, signed', async (file, code, error) => {
  expect((await run(file)).code).toBe(code)
  expect(got).toHaveLength(1)
  const [{ headers, body } = { headers: {}, body: '' }] = got
  expect(JSON.parse(body)).toMatchObject({ event: 'run-ended', program: file, code, ok: code === 0, ...(error && { error }) })
  const wanted = createHmac('sha256', secret)
    .update(`${String(headers['heddle-timestamp'])}.${body}`)
    .digest('hex')
  expect(headers['heddle-signature']).toBe(`sha256=${wanted}`)
})

test('a receiver that is busy is asked again with the same delivery; one that refuses is not', async () => {
  answers = [503, 429, 200]
  expect((await run('good.mjs')).code).toBe(0)
  expect(new Set(got.map(({ headers }) => headers['heddle-delivery'])).size).toBe(1)
  expect(got).toHaveLength(3)
  got = []
  answers = [403]
  const refused = await run('good.mjs')
  expect([refused.code, refused.stderr]).toEqual([0, expect.stringContaining('could not be delivered: status 403') as string])
  expect(got).toHaveLength(1)
})

test('without a secret, or with an address that is none, nothing is run', async () => {
  const bare = await run('good.mjs', url, { HEDDLE_WEBHOOK_SECRET: '' })
  expect([bare.code, bare.stdout, bare.stderr]).toEqual([2, '', expect.stringContaining('HEDDLE_WEBHOOK_SECRET') as string])
  expect((await run('good.mjs', 'file:///etc/passwd')).code).toBe(2)
  expect(got).toEqual([])
})
