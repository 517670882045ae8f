/**
 * Who may ask the dashboard, over real sockets: every method and a WebSocket, on every route, with every wrong token, host and origin. Nothing of that may
 * be answered; neither may a path that leads out; and what a stranger's trace says stays data.
 */
import { connect } from 'node:net'
import { request } from 'node:http'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serverSource } from '../src/dashboard/client.ts'
import { Recording } from '../src/dashboard/model/recording.ts'
import { questions } from '../src/dashboard/protocol.ts'
import { type DashboardServer, serve } from '../src/dashboard/server/serve.ts'
import { encodeTrace } from '../src/trace/format/encode.ts'
import { exportTrace } from '../src/trace/export/index.ts'
import { xssPayloads } from './support/payloads.ts'
import { makeTraceOf } from './support/traces.ts'

const secret = 'the-name-of-a-task-that-nobody-else-may-read'
let server: DashboardServer

beforeAll(async () => {
  const tasks = xssPayloads.map((name, i) => ({
    name,
    startedAt: i,
    settledAt: i + 1,
    state: 'failed' as const,
    error: { name, message: name },
  }))
  const trace = makeTraceOf({
    tasks: [...tasks, { name: secret, startedAt: 0, settledAt: 60 }],
    notes: xssPayloads.map((text, at) => ({ at, kind: 'other', text })),
    meta: { name: secret },
  })
  const recording = new Recording({ write: exportTrace })
  recording.push(encodeTrace(trace))
  recording.end()
  server = await serve(recording)
})
afterAll(() => server.close())

interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: string
}

/** A request in which everything can be said as an attacker would; a stream is read up to its first piece. */
function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: server.port, path, method, headers, agent: false }, (response) => {
      let body = ''
      const done = (): void => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body })
        response.destroy()
      }
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        body += piece
        if (response.headers['content-type'] === 'text/event-stream') done()
      })
      response.on('end', done)
    })
    asked.on('upgrade', () => resolve({ status: 101, headers: {}, body: '' }))
    asked.on('connect', (response) => resolve({ status: response.statusCode ?? 0, headers: {}, body: '' }))
    asked.on('error', reject)
    asked.end()
  })
}

const webSocket = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
}

const queries: Record<string, string> = {
  window: '{"from":0,"to":10,"columns":10}',
  task: '{"id":1}',
  export: '{"format":"heddle"}',
}
const routes = ['/', '/api/changes', ...questions.map((name) => `/api/${name}`)]

function address(route: string, token: string | undefined): string {
  const q = queries[route.replace('/api/', '')]
  const search = [...(token === undefined ? [] : [`token=${token}`]), ...(q ? [`q=${encodeURIComponent(q)}`] : [])]
  return search.length > 0 ? `${route}?${search.join('&')}` : route
}

const accepted = ({ status, body }: Answer): boolean => (status >= 100 && status < 400) || body.includes(secret)

describe('the matrix', () => {
  test('with its token from its own page everything is answered', async () => {
    for (const route of routes) {
      for (const headers of [{}, { origin: `http://127.0.0.1:${server.port}`, 'sec-fetch-site': 'same-origin' }]) {
        const { status, body } = await ask(address(route, server.token), headers)
        expect([route, status, body.slice(0, 40)]).toEqual([route, 200, expect.any(String)])
      }
    }
  })

  test('8 methods and WebSocket × every route × wrong tokens, hosts and origins: nothing is accepted', async () => {
    const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'WebSocket'] as const
    const { port, token } = server
    const wrong: readonly { what: string; token: string | undefined; headers: Record<string, string> }[] = [
      { what: 'no token', token: undefined, headers: {} },
      { what: 'an empty token', token: '', headers: {} },
      { what: 'a wrong token', token: 'A'.repeat(token.length), headers: {} },
      { what: 'half a token', token: token.slice(0, -1), headers: {} },
      { what: 'a token as a header', token: undefined, headers: { authorization: `Bearer ${token}`, cookie: `token=${token}` } },
      { what: 'a foreign host', token, headers: { host: `attacker.example:${port}` } },
      { what: 'a host of another port', token, headers: { host: '127.0.0.1:80' } },
      { what: 'a host that begins alike', token, headers: { host: `127.0.0.1:${port}.attacker.example` } },
      { what: 'all addresses', token, headers: { host: `0.0.0.0:${port}` } },
      { what: 'a foreign origin', token, headers: { origin: 'https://attacker.example' } },
      { what: 'an origin of another port', token, headers: { origin: 'http://127.0.0.1:3000' } },
      { what: 'the null origin', token, headers: { origin: 'null' } },
      { what: 'a request of another site', token, headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' } },
    ]
    const found: string[] = []
    let asked = 0
    for (const method of methods) {
      for (const route of routes) {
        for (const { what, token: given, headers } of wrong) {
          const upgrade = method === 'WebSocket'
          const sent = upgrade ? { ...headers, ...webSocket } : headers
          const answer = await ask(address(route, given), sent, upgrade ? 'GET' : method)
          asked++
          if (accepted(answer)) found.push(`${method} ${route} with ${what}: ${answer.status}`)
        }
      }
    }
    expect(found).toEqual([])
    expect(asked).toBe(9 * 11 * 13)
  })

  test('with the right token only GET and HEAD are answered, and nothing is upgraded', async () => {
    const found: string[] = []
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'])
      for (const route of routes) {
        const answer = await ask(address(route, server.token), {}, method)
        if (answer.status !== 405) found.push(`${method} ${route}: ${answer.status}`)
      }
    for (const route of routes) {
      const answer = await ask(address(route, server.token), webSocket)
      if (answer.status !== 400) found.push(`WebSocket ${route}: ${answer.status}`)
    }
    expect(found).toEqual([])
    expect((await ask(`${address('/', server.token)}`, {}, 'HEAD')).body).toBe('')
  })

  test('the token has at least 128 bits, and no two are alike', () => {
    expect(Buffer.from(server.token, 'base64url').length * 8).toBeGreaterThanOrEqual(128)
    expect(server.url).toBe(`http://127.0.0.1:${server.port}/?token=${server.token}`)
  })

  test('it listens on 127.0.0.1 only', async () => {
    const others = Object.values(networkInterfaces())
      .flat()
      .filter((one) => one !== undefined && !one.internal)
      .map((one) => one?.address as string)
    const reached = (host: string): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = connect({ host, port: server.port, timeout: 1_000 })
        socket.on('connect', () => resolve(true))
        for (const event of ['error', 'timeout']) socket.on(event, () => resolve(false))
        socket.on('close', () => socket.destroy())
      })
    expect(await reached('127.0.0.1')).toBe(true)
    for (const host of [...others, '::1']) expect([host, await reached(host)]).toEqual([host, false])
  })
})

describe('answers', () => {
  test('say that they are for nobody else', async () => {
    for (const route of routes) {
      const { headers } = await ask(address(route, server.token))
      expect(headers['access-control-allow-origin']).toBeUndefined()
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'same-origin',
        'content-security-policy': expect.stringContaining("default-src 'none'"),
      })
    }
  })

  test('the page may run its own scripts and nothing else', async () => {
    const { headers } = await ask(address('/', server.token))
    const policy = String(headers['content-security-policy'])
    expect(policy).toMatch(/script-src ('sha256-[A-Za-z0-9+/=]+' ?)+;/)
    expect(policy).not.toMatch(/script-src[^;]*unsafe/)
  })

  test.each(['nonsense', '[]', '{"form":1}', '{"from":0,"to":1e400,"columns":10}', '{"__proto__":{"from":1}}'])(
    'a query that is none (%s) is refused in one line',
    async (q) => {
      const { status, body } = await ask(`/api/window?token=${server.token}&q=${encodeURIComponent(q)}`)
      expect(status).toBe(400)
      expect(body).not.toContain('\n')
    },
  )

  test('what is no HTTP gets one refusal', async () => {
    const said = await new Promise<string>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: server.port }, () => socket.write('hello\r\n\r\n'))
      socket.on('data', (bytes) => resolve(bytes.toString()))
    })
    expect(said).toMatch(/^HTTP\/1\.1 400 /)
  })
})

test('1,000 paths that lead out find nothing', async () => {
  const climbs = ['..', '%2e%2e', '%2E.', '..%2f', '..%5c', '..\\', '%252e%252e', '....', '..;', '%c0%ae%c0%ae', '.%00.']
  const targets = ['etc/passwd', 'package.json', 'proc/self/environ', 'dist/ui/index.html', 'dist/cli.js', 'windows/win.ini']
  const starts = ['/', '/api/', '/ui/', '//', '/api/window/', '/\\', 'http://127.0.0.1/', '/static/']
  const paths: string[] = []
  for (let depth = 1; paths.length < 1_000; depth++)
    for (const start of starts)
      for (const climb of climbs) {
        const target = targets[paths.length % targets.length] as string
        if (paths.length < 1_000) paths.push(`${start}${`${climb}/`.repeat(depth)}${target}`)
      }
  const leaks: string[] = []
  for (const path of paths) {
    const { status, body } = await ask(`${path}?token=${server.token}`)
    if (status !== 404 && status !== 400) leaks.push(`${path}: ${status} ${body.slice(0, 40)}`)
  }
  expect(leaks).toEqual([])
  expect(paths).toHaveLength(1_000)
})

test('50 payloads in names, errors and notes come back as the data that they are', async () => {
  expect(xssPayloads).toHaveLength(50)
  const { headers, body } = await ask(address('/api/tasks', server.token))
  expect(headers['content-type']).toBe('application/json')
  const rows = (JSON.parse(body) as { rows: { label: string }[] }).rows.map(({ label }) => label)
  expect(xssPayloads.filter((payload) => !rows.includes(payload))).toEqual([])
  const source = serverSource(`http://127.0.0.1:${server.port}`, server.token)
  const { failures, notes } = await source.overview({})
  expect(failures.map(({ message }) => message)).toEqual([...xssPayloads])
  expect(notes.map(({ text }) => text)).toEqual([...xssPayloads])
})
