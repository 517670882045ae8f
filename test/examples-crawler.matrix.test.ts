/** A local site on two ports that counts who asks for what. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { spawnHeddle } from './support/cli.ts'
import { projectOf, runJudged, runTimed } from './support/jobs.ts'

const perSite = 40
const project = projectOf('crawler')
const servers: Server[] = []
const starts: string[] = []
let asked = new Map<string, number>()
let underWay = new Map<string, number>()
let mostAtOnce = 0
let refused = new Set<string>()
let whenAsked: (() => unknown) | undefined

/** Page i links to 2i + 1 and 2i + 2 on its own site, to page i of the other, and back to the start. */
function listen(): Promise<string> {
  const server = createServer((request, response) => {
    const host = request.headers.host ?? ''
    const url = `http://${host}${request.url}`
    const i = Number(/\d+/.exec(request.url ?? '')?.[0] ?? 0)
    asked.set(url, (asked.get(url) ?? 0) + 1)
    underWay.set(host, (underWay.get(host) ?? 0) + 1)
    mostAtOnce = Math.max(mostAtOnce, underWay.get(host) ?? 0)
    whenAsked?.()
    setTimeout(() => {
      underWay.set(host, (underWay.get(host) ?? 0) - 1)
      // Every tenth page is refused once.
      if (i % 10 === 9 && !refused.has(url)) {
        refused.add(url)
        response.writeHead(503, { 'retry-after': '0' }).end()
        return
      }
      const links = [2 * i + 1, 2 * i + 2].filter((n) => n < perSite).map((n) => `/${n}`)
      const all = ['/0', ...links, ...starts.map((start) => `${start.slice(0, -1)}${i}`), 'http://elsewhere.invalid/']
      response.end(`<title>Page ${i} of ${host}</title>${all.map((href) => `<a href="${href}">`).join('')}`)
    }, 20)
  })
  servers.push(server)
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}/0`))
  })
}

beforeAll(async () => {
  for (let i = 0; i < 2; i++) starts.push(await listen())
})
beforeEach(() => {
  asked = new Map()
  underWay = new Map()
  mostAtOnce = 0
  refused = new Set()
})
afterAll(() => {
  for (const server of servers) server.close()
  rmSync(project, { recursive: true })
})

interface Found {
  readonly url: string
}

test('examples/crawler finds what the plain program finds, and no host is asked for more than two pages at once', async () => {
  const { value: plain } = await runTimed(project, 'plain.ts', 'none', ...starts)
  expect(plain).toHaveLength(2 * perSite)
  refused = new Set()
  asked = new Map()
  mostAtOnce = 0
  const { value } = await runJudged(project, 'main.ts', join(project, 'whole.jsonl'), ...starts)
  expect(value).toEqual(plain)
  expect(mostAtOnce).toBe(2)
  expect([...asked.keys()]).toHaveLength(2 * perSite)
})

test('it goes on after kill -9, and asks again only for pages that were under way', async () => {
  const journal = join(project, 'killed.jsonl')
  for (const pages of [10, 40]) {
    const { signal } = await spawnHeddle(['run', 'main.ts', journal, ...starts], {
      cwd: project,
      timeoutMs: 60_000,
      onSpawn(child) {
        whenAsked = () => asked.size >= pages && child.kill('SIGKILL')
      },
    })
    expect(signal).toBe('SIGKILL')
  }
  whenAsked = undefined
  const { value } = await runJudged(project, 'main.ts', journal, ...starts)
  expect((value as Found[]).map(({ url }) => url).toSorted()).toEqual([...asked.keys()].toSorted())
  expect(value).toHaveLength(2 * perSite)
  const asks = [...asked].map(([url, times]) => times - (refused.has(url) ? 1 : 0))
  // Two kills, each with at most two pages of each host under way.
  expect(asks.reduce((sum, times) => sum + times - 1, 0)).toBeLessThanOrEqual(2 * 2 * 2)
  expect(mostAtOnce).toBeLessThanOrEqual(4)
})
