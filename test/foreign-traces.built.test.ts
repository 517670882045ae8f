/** Traces of other systems at the command line. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { spawnHeddle } from './support/cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-foreign-'))
afterAll(() => rmSync(folder, { recursive: true }))

const attribute = (key: string, stringValue: string): object => ({ key, value: { stringValue } })

/** A request that asks for eight rows, one after the other. */
const span = (id: number, parent: string, from: number, to: number, name: string, attributes: object[] = []): object => ({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: id.toString(16).padStart(16, '0'),
  parentSpanId: parent,
  name,
  kind: parent === '' ? 2 : 3,
  startTimeUnixNano: `1764540000${String(from).padStart(3, '0')}000000`,
  endTimeUnixNano: `1764540000${String(to).padStart(3, '0')}000000`,
  attributes,
})
const sql = [attribute('db.system', 'postgresql'), attribute('db.statement', 'SELECT * FROM rows WHERE id = $1')]
const spans = [
  span(1, '', 0, 90, 'GET /page', [attribute('http.route', '/page')]),
  ...Array.from({ length: 8 }, (_, i) => span(2 + i, '0000000000000001', 1 + 10 * i, 11 + 10 * i, 'SELECT', sql)),
]
const otlp = join(folder, 'otlp.json')
writeFileSync(
  otlp,
  JSON.stringify({ resourceSpans: [{ resource: { attributes: [attribute('service.name', 'web')] }, scopeSpans: [{ spans }] }] }),
)

test('are explained in words and as JSON', async () => {
  const { code, stdout } = await spawnHeddle(['trace', otlp])
  expect(code).toBe(0)
  expect(stdout).toContain('web: GET /page')
  expect(stdout).toContain('90 ms → 20 ms with the findings below')
  expect(stdout).toContain('8 × SELECT * FROM rows WHERE id = ? one after the other')
  const json = JSON.parse((await spawnHeddle(['trace', '--json', otlp])).stdout) as {
    findings: { savingMs: number; tier: string }[]
  }
  expect(json.findings).toMatchObject([{ tier: 'likely', savingMs: 70 }])
})

test('are exported as those of heddle are, and read again', async () => {
  const chrome = join(folder, 'chrome.json')
  expect((await spawnHeddle(['trace', '--export', 'chrome', '--output', chrome, otlp])).code).toBe(0)
  const { stdout } = await spawnHeddle(['trace', chrome])
  expect(stdout).toContain('Chrome trace events')
  const html = join(folder, 'page.html')
  expect((await spawnHeddle(['trace', '--export', 'html', '--output', html, otlp])).code).toBe(0)
  expect(readFileSync(html, 'utf8')).toContain('<html')
})

test('a file that is none says so, with the place', async () => {
  const path = join(folder, 'package.json')
  writeFileSync(path, '{"name":"x"}')
  const { code, stderr } = await spawnHeddle(['trace', path])
  expect([code, stderr]).toEqual([2, expect.stringContaining(`${path}: no spans in it`)])
  writeFileSync(path, '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"},{"name":}]}]}]}')
  const damaged = await spawnHeddle(['trace', path])
  expect([damaged.code, damaged.stderr]).toEqual([2, expect.stringMatching(/byte 56: /)])
})
