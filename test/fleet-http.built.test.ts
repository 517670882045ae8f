/** The push executor against a real server, and against platforms that behave as platforms do: throttled, dying, not there, somebody else's. */
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { broadcast, InvalidOption, map, Unserializable } from 'heddle'
import {
  FleetRefused,
  FleetUnavailable,
  handler,
  http,
  type HttpOptions,
  lambda,
  listener,
  NoWorkers,
  WorkerLost,
} from 'heddle/http'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { signatureHeader, signatureOf, timeHeader } from '../src/fleet/http/signature.ts'
import { fleetFunctions as fns } from './fixtures/fleet.ts'
import { freePort } from './support/redis.ts'

const secret = 'a secret of both sides'
const range = (length: number): number[] => Array.from({ length }, (_, i) => i)
const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => Promise.reject(new Error('expected a rejection')),
    (error: unknown) => error as Error,
  )

describe('worker functions by HTTP', () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-http-'))
  const handle = handler([fns], { secret })
  const answer = listener(handle)
  const servers: Server[] = []
  let url: string

  const serve = async (listen: RequestListener, port = 0): Promise<string> => {
    const server = createServer(listen).listen(port, '127.0.0.1')
    servers.push(server)
    await once(server, 'listening')
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  }
  const open = (options: Partial<HttpOptions> = {}) => http({ url, secret, concurrency: 4, ...options })
  const signed = (body: string, time = String(Date.now())): Request =>
    new Request(url, {
      method: 'POST',
      body,
      headers: { [timeHeader]: time, [signatureHeader]: signatureOf(secret, time, body) },
    })

  beforeAll(async () => {
    url = await serve(answer)
  })
  afterEach(() => {
    for (const server of servers.splice(1)) {
      server.closeAllConnections()
      server.close()
    }
  })
  afterAll(() => {
    servers[0]?.closeAllConnections()
    servers[0]?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('a platform that is throttled, or not there yet, costs nothing but time: nothing has begun', async () => {
    let asked = 0
    const busy = await serve((request, response) => {
      if (asked++ % 3 === 0) return answer(request, response)
      request.resume()
      response.writeHead(asked % 3 === 1 ? 429 : 503, { 'retry-after': '0' }).end()
    })
    const file = join(folder, 'throttled')
    const items = range(60).map((item) => ({ file, item, ms: 0 }))
    expect(await map(items, fns.noted, { on: open({ url: busy }) })).toEqual(range(60))
    expect(begun(file)).toEqual(range(60))
    const port = await freePort()
    const mapped = map(range(10), fns.double, { on: open({ url: `http://127.0.0.1:${port}/`, patience: '20s' }) })
    await new Promise((resolve) => setTimeout(resolve, 300))
    await serve(answer, port)
    expect(await mapped).toEqual(range(10).map((n) => 2 * n))
    const away = await failure(
      map([1], fns.double, { on: open({ url: `http://127.0.0.1:${await freePort()}/`, patience: '300ms' }) }),
    )
    expect(away).toBeInstanceOf(FleetUnavailable)
  })

  test('a machine that ends with a batch: lost by name without retry, run again with it', async () => {
    let dying = 0
    const platform = await serve((request, response) => {
      // It has begun: the function ran, and the answer is lost.
      if (dying-- > 0) {
        const ends = dying % 2 === 0 ? () => response.socket?.destroy() : () => response.writeHead(502).end()
        request.resume().once('end', ends)
        return
      }
      answer(request, response)
    })
    dying = 2
    const { ok, failed } = await map(range(40), fns.double, { on: open({ url: platform, concurrency: 2 }), onFailure: 'settle' })
    expect(failed.length).toBeGreaterThan(0)
    expect(ok.length + failed.length).toBe(40)
    for (const { error } of failed) expect(error).toBeInstanceOf(WorkerLost)
    dying = 2
    expect(await map(range(40), fns.double, { on: open({ url: platform }), retry: 2 })).toEqual(range(40).map((n) => 2 * n))
    dying = 2
    expect(await map(range(40), fns.double, { on: open({ url: platform, lost: 'again' }) })).toEqual(range(40).map((n) => 2 * n))
    // A batch that three machines were lost with is not tried for ever.
    dying = 1_000
    expect(await failure(map([1], fns.double, { on: open({ url: platform, lost: 'again' }) }))).toBeInstanceOf(WorkerLost)
  })

  test('nothing runs that is not signed with the secret, and no answer counts that is not', async () => {
    const wrong = await failure(map([1], fns.double, { on: open({ secret: 'another secret of sixteen' }) }))
    expect(wrong).toBeInstanceOf(FleetRefused)
    expect(wrong.message).toContain('401')
    const body = JSON.stringify({ build: 'x', batch: {} })
    const old = String(Date.now() - 6 * 60_000)
    const requests = [
      new Request(url, { method: 'POST', body }),
      signed(body, old),
      new Request(url, { method: 'POST', body: `${body} `, headers: signed(body).headers }),
      new Request(url, { method: 'POST', body, headers: { [timeHeader]: String(Date.now()), [signatureHeader]: 'sha256=' } }),
    ]
    for (const request of requests) expect((await handle(request)).status).toBe(401)
    expect((await handle(new Request(url))).status).toBe(405)
    // Somebody who answers in place of the handler.
    const liar = await serve((request, response) => {
      request.resume()
      response.end('{"v":1,"kind":"done","worker":"w","tookMs":1,"values":[666]}')
    })
    expect(await failure(map([1], fns.double, { on: open({ url: liar }) }))).toBeInstanceOf(FleetRefused)
    // An answer to another question, recorded and played again.
    let recorded: { headers: Record<string, string>; text: string } | undefined
    const replayer = await serve((request, response) => {
      if (recorded) {
        request.resume()
        response.writeHead(200, recorded.headers).end(recorded.text)
        return
      }
      const pieces: Buffer[] = []
      request
        .on('data', (piece: Buffer) => pieces.push(piece))
        .on('end', () => {
          const headers = new Headers(request.headers as Record<string, string>)
          void handle(new Request(url, { method: 'POST', body: Buffer.concat(pieces), headers })).then(async (of) => {
            recorded = { headers: Object.fromEntries(of.headers), text: await of.text() }
            response.writeHead(200, recorded.headers).end(recorded.text)
          })
        })
    })
    const replayed = open({ url: replayer })
    const double = replayed.bind(fns.double)
    expect(await double(4)).toBe(8)
    expect(await failure(double(5))).toBeInstanceOf(FleetRefused)
    for (const short of ['', 'short', 7]) expect(() => http({ url, secret: short as string })).toThrow(InvalidOption)
    expect(() => handler([{}], { secret })).toThrow(InvalidOption)
  })

  test('hostile batches, signed by somebody who has the secret, are refused by name; large ones before they are read', async () => {
    const { builds } = JSON.parse(
      await (
        await handle(
          signed(
            JSON.stringify({
              build: 'none',
              batch: { v: 1, run: 'r', fns: [{ package: '', module: 'x', name: 'y' }], first: 0, items: [] },
            }),
          ),
        )
      ).text(),
    ) as { builds: { package: string; module: string; build: string }[] }
    const [own] = builds
    const fn = { package: own?.package, module: own?.module, name: 'double' }
    const batch = { v: 1, run: 'r', fns: [fn], first: 0, items: [1] }
    const bodies = [
      { build: own?.build, batch: { ...batch, fns: [{ ...fn, name: 'constructor' }] } },
      { build: own?.build, batch: { ...batch, fns: [{ ...fn, name: '__proto__' }] } },
      { build: own?.build, batch: { ...batch, v: 9 } },
      { build: own?.build, batch: { ...batch, broadcasts: [{ at: 0, argument: -1, hash: 'a'.repeat(64) }] } },
      { build: own?.build, batch: { ...batch, trace: { a: 7 } } },
      'text',
    ].map((each) => JSON.stringify(each))
    bodies.push('not JSON')
    for (const body of bodies) {
      const response = await handle(signed(body))
      expect([response.status, ((await response.json()) as { kind: string }).kind]).toEqual([200, 'refused'])
    }
    // A value that nobody could have sent: its function gets it, or it is refused; either way the handler lives.
    const deep = `{"build":"${own?.build}","batch":{"v":1,"run":"r","fns":[${JSON.stringify(fn)}],"first":0,"items":[${'['.repeat(100_000)}${']'.repeat(100_000)}]}}`
    expect((await handle(signed(deep))).status).toBe(200)
    const large = new Request(url, { method: 'POST', body: 'x'.repeat(6 * 2 ** 20), headers: signed('x').headers })
    expect((await handle(large)).status).toBe(413)
  })

  test('other code is NoWorkers, a wrong address is said, a broadcast value is refused', async () => {
    const page = await serve((_request, response) => response.writeHead(404).end('no such page'))
    const lost = await failure(map([1], fns.double, { on: open({ url: page }) }))
    expect(lost).toBeInstanceOf(FleetRefused)
    expect(lost.message).toContain('404 no such page')
    const other = await serve((request, response) => {
      request.resume()
      response.writeHead(409).end(JSON.stringify({ builds: [{ package: 'p', module: 'm', build: 'abc' }] }))
    })
    const error = await failure(map([1], fns.double, { on: open({ url: other }) }))
    expect(error).toBeInstanceOf(NoWorkers)
    expect(error.message).toContain('p/m @abc')
    const words = broadcast(new Map([['a', 1]]))
    expect(await failure(map([{ word: 'a', words }], fns.lookUp, { on: open() }))).toBeInstanceOf(Unserializable)
  })

  test('a caller that leaves stops what runs', async () => {
    const file = join(folder, 'left')
    const stop = new AbortController()
    const mapped = failure(map([{ file, item: 0, ms: 60_000 }], fns.noted, { on: open(), signal: stop.signal }))
    await expect.poll(() => begun(file).length, { timeout: 10_000 }).toBe(1)
    stop.abort()
    await mapped
    await expect.poll(() => linesOf(file).some((line) => line.startsWith('stop')), { timeout: 10_000 }).toBe(true)
  })

  test('AWS Lambda calls it with its events, of both formats', async () => {
    const onLambda = lambda(handle)
    const gateway = await serve((request, response) => {
      const pieces: Buffer[] = []
      request
        .on('data', (piece: Buffer) => pieces.push(piece))
        .on('end', () => {
          const body = Buffer.concat(pieces).toString('base64')
          const headers = request.headers as Record<string, string>
          const method = pieces.length > 0 ? 'POST' : 'GET'
          const event = Math.random() < 0.5 ? { httpMethod: method } : { requestContext: { http: { method } } }
          void onLambda({ ...event, headers, body, isBase64Encoded: true }).then((result) =>
            response.writeHead(result.statusCode, result.headers).end(result.body),
          )
        })
    })
    expect(await map(range(200), fns.double, { on: open({ url: gateway }) })).toEqual(range(200).map((n) => 2 * n))
    expect(await onLambda({ requestContext: { http: { method: 'GET' } } })).toMatchObject({ statusCode: 405 })
  })
})

function linesOf(file: string): string[] {
  appendFileSync(file, '')
  return readFileSync(file, 'utf8').split('\n').filter(Boolean)
}

/** Items that began, in order, each time that they did. */
const begun = (file: string): number[] =>
  linesOf(file)
    .flatMap((line) => (line.startsWith('begin') ? [Number(line.split(' ')[1])] : []))
    .toSorted((a, b) => a - b)
