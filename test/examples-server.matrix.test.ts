/** The Fastify server of `examples/server` under load: it answers what the plain server answers, lets go of clients that leave, refuses, and drains. */
import { type ChildProcess, execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { Agent, get } from 'node:http'
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { spawnHeddle } from './support/cli.ts'
import { counterparts } from './support/counterparts.ts'
import { type Judged, projectOf } from './support/jobs.ts'

const jobs = counterparts('jobs')
const stopwatch = fileURLToPath(new URL('fixtures/stopwatch.mjs', import.meta.url))
const tiles = Array.from({ length: 60 }, (_, i) => `/tiles/${i % 8}/${i >> 3}`)

interface Answer {
  readonly status: number
  readonly hash: string
  readonly text: string
  readonly ms: number
}

/** As browsers and proxies do: connections are kept. */
class Client {
  readonly #agent = new Agent({ keepAlive: true })
  readonly #base: string
  constructor(base: string) {
    this.#base = base
  }

  get(path: string, signal?: AbortSignal): Promise<Answer> {
    const began = performance.now()
    return new Promise((resolve, reject) => {
      const request = get(this.#base + path, { agent: this.#agent, ...(signal && { signal }) }, (response) => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('error', reject)
        response.on('end', () => {
          const body = Buffer.concat(pieces)
          const hash = createHash('sha256').update(body).digest('hex')
          resolve({
            status: response.statusCode ?? 0,
            hash,
            text: body.toString('latin1', 0, 200),
            ms: performance.now() - began,
          })
        })
      })
      request.on('error', reject)
    })
  }

  /** So many lanes, each with one request at a time. */
  async load(paths: readonly string[], lanes: number): Promise<Answer[]> {
    const answers: Answer[] = []
    let next = 0
    const lane = async (): Promise<void> => {
      for (let i = next++; i < paths.length; i = next++) answers[i] = await this.get(paths[i] as string)
    }
    await Promise.all(Array.from({ length: lanes }, lane))
    return answers
  }

  close(): void {
    this.#agent.destroy()
  }
}

describe.skipIf(!jobs || process.platform === 'win32')('examples/server', () => {
  const project = projectOf('server', jobs)
  afterAll(() => rmSync(project, { recursive: true }))

  /** Starts the server, talks to it, and ends it with SIGTERM if `talk` has not. */
  async function served<T>(talk: (client: Client, child: ChildProcess) => Promise<T>) {
    let talking: Promise<T> | undefined
    const finished = await spawnHeddle(['run', '--json', 'main.ts'], {
      cwd: project,
      timeoutMs: 120_000,
      onOutput(child, _, stderr) {
        const base = /http:\/\/\S+/.exec(stderr)?.[0]
        if (base === undefined || talking) return
        const client = new Client(base)
        talking = talk(client, child).finally(() => {
          client.close()
          child.kill('SIGTERM')
        })
        talking.catch(() => {})
      },
    })
    const said = await talking
    if (said === undefined) throw new Error(`the server never listened: ${finished.stderr}`)
    return { ...finished, said, judged: JSON.parse(finished.stdout) as Judged }
  }

  async function plainly<T>(talk: (client: Client) => Promise<T>): Promise<T> {
    const child = execFile(process.execPath, [stopwatch, 'plain.ts'], { cwd: project, timeout: 120_000 })
    try {
      const base = await new Promise<string>((resolve, reject) => {
        child.stdout?.on('data', (text: string) => resolve(/http:\/\/\S+/.exec(text)?.[0] ?? ''))
        child.once('exit', () => reject(new Error('the plain server ended')))
      })
      const client = new Client(base)
      return await talk(client).finally(() => client.close())
    } finally {
      child.kill('SIGTERM')
    }
  }

  test('gives the bytes of the plain server, answers others meanwhile, and its work is what a stopwatch says', async () => {
    for (let attempt = 1; attempt <= 3; attempt++) {
      const before = await plainly(async (client) => client.load(tiles.slice(0, 30), 1))
      const { said, judged, code } = await served(async (client) => {
        const load = { ended: false }
        const health = (async () => {
          const took: number[] = []
          for (; !load.ended; await sleep(10)) took.push((await client.get('/health')).ms)
          return took.toSorted((a, b) => a - b)
        })()
        const answers = await client.load(tiles, 16)
        load.ended = true
        return { answers, health: await health }
      })
      const after = await plainly(async (client) => client.load(tiles.slice(30), 1))
      const plain = [...before, ...after]
      expect(code).toBe(0)
      expect(said.answers.map(({ status, hash }) => ({ status, hash }))).toEqual(plain.map(({ hash }) => ({ status: 200, hash })))
      expect(judged.value).toEqual({ answered: tiles.length, refused: 0, left: 0 })
      const plainMs = plain.reduce((sum, { ms }) => sum + ms, 0)
      // Sixteen tiles are always under way: behind them, others would wait for half a second.
      expect(said.health[said.health.length >> 1]).toBeLessThan((plainMs / tiles.length) * 2)
      const ratio = judged.work.workMs / plainMs
      if (process.env['HEDDLE_TEST_SHOW']) console.log(judged.verdict.join('\n'), { plainMs, ratio }, judged.work.cores)
      if (judged.work.cores.others > 0.25) continue
      if (attempt < 3 && Math.abs(ratio - 1) > 0.1) continue
      expect(ratio).toBeGreaterThan(0.9)
      expect(ratio).toBeLessThan(1.1)
      return
    }
    console.warn('examples/server: other programs use the machine; the verdict was not judged')
  })

  test('stops computing for clients that have left, and refuses what does not fit', async () => {
    const { said, judged } = await served(async (client) => {
      // Each of these would take half a minute.
      const leaving = new AbortController()
      const left = Array.from({ length: 6 }, (_, i) => client.get(`/tiles/0/${i}?size=4096`, leaving.signal).catch(() => 'left'))
      await sleep(300)
      leaving.abort()
      expect(await Promise.all(left)).toEqual(Array.from({ length: 6 }, () => 'left'))
      const next = await client.get('/tiles/0/0')
      const answers = await client.load(
        Array.from({ length: 120 }, (_, i) => `/tiles/1/${i}`),
        120,
      )
      return {
        next,
        statuses: answers.map(({ status }) => status),
        counts: JSON.parse((await client.get('/served')).text) as object,
      }
    })
    expect(said.next.status).toBe(200)
    expect(said.next.ms).toBeLessThan(5_000)
    const refused = said.statuses.filter((status) => status === 503).length
    // Four run and 64 wait; what came later is refused, unless a place was free again by then.
    expect(refused).toBeGreaterThan(0)
    expect(refused).toBeLessThanOrEqual(120 - 68)
    expect(said.statuses.filter((status) => status === 200)).toHaveLength(120 - refused)
    expect(said.counts).toEqual({ answered: 1 + 120 - refused, refused, left: 6 })
    expect(judged.value).toEqual(said.counts)
  })

  test('drains at SIGTERM: what is under way is answered, nothing new is accepted', async () => {
    const { said, code, signal, judged } = await served(async (client, child) => {
      const underWay = Array.from({ length: 8 }, (_, i) => client.get(`/tiles/2/${i}?size=256`))
      underWay.forEach((answer) => answer.catch(() => {}))
      // Connections are taken in order: once this is answered, all eight are under way.
      for (let i = 0; i < 3; i++) await client.get('/health')
      const began = performance.now()
      child.kill('SIGTERM')
      await sleep(100)
      const late = await client.get('/tiles/3/3').then(
        ({ status }) => String(status),
        (error: NodeJS.ErrnoException) => error.code,
      )
      const statuses = (await Promise.all(underWay)).map(({ status }) => status)
      // The client keeps its connections, which must not keep the server.
      await new Promise((resolve) => child.once('exit', resolve))
      return { statuses, late, drainedMs: performance.now() - began }
    })
    expect(said.statuses).toEqual(Array.from({ length: 8 }, () => 200))
    expect(said.drainedMs).toBeLessThan(15_000)
    expect(said.late).toMatch(/^(503|ECONNREFUSED|ECONNRESET)$/)
    expect({ code, signal }).toEqual({ code: 0, signal: null })
    expect(judged.value).toEqual({ answered: 8, refused: 0, left: 0 })
  })
})
