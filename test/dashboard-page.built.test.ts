/** The page and its server together, in a real browser: live, recorded, reloaded, refused, lost. `report.test.ts` drives the views themselves. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { map } from 'heddle'
import { Recording } from '../src/dashboard/model/recording.ts'
import { writeReport } from '../src/dashboard/server/pages.ts'
import { type DashboardServer, serve } from '../src/dashboard/server/serve.ts'
import { encodeTrace, TraceEncoder } from '../src/trace/format/encode.ts'
import { exportTrace } from '../src/trace/export/index.ts'
import type { Trace } from '../src/trace/model/trace.ts'
import { Recorder } from '../src/trace/record/recorder.ts'
import { hasBrowser, launch, newPage, painted, type Watched } from './support/browser.ts'
import { makeTraceOf } from './support/traces.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-page-'))
let browser: Browser
let pages: Watched[] = []
let servers: DashboardServer[] = []

beforeAll(async () => {
  if (hasBrowser) browser = await launch()
})
afterEach(async () => {
  for (const { page } of pages) await page.close()
  for (const server of servers) await server.close()
  pages = []
  servers = []
})
afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})

const newRecording = (): Recording => new Recording({ write: exportTrace, report: writeReport })

async function served(recording: Recording, options: Parameters<typeof serve>[1] = {}): Promise<DashboardServer> {
  const server = await serve(recording, options)
  servers.push(server)
  return server
}

async function recorded(trace: Trace): Promise<DashboardServer> {
  const recording = newRecording()
  recording.push(encodeTrace(trace))
  recording.end()
  return served(recording)
}

async function visit(url: string): Promise<Watched> {
  const watched = await newPage(browser)
  pages.push(watched)
  await watched.page.goto(url)
  return watched
}

const trace = makeTraceOf({
  tasks: Array.from({ length: 40 }, (_, i) => ({
    row: 1 + (i % 2),
    startedAt: 50 * Math.floor(i / 2),
    settledAt: 50 * Math.floor(i / 2) + 50,
    ...(i === 7 && { state: 'failed' as const, error: { name: 'TypeError', message: 'page 7 is empty' } }),
  })),
  runs: [{ id: 1, kind: 'map', name: 'fetchPage', total: 40 }],
  meta: { name: 'fetch.ts' },
})

describe.skipIf(!hasBrowser)('the page of the server', () => {
  test('shows a recording, and shows it again after a reload', async () => {
    const { page, complaints, requests } = await visit((await recorded(trace)).url)
    for (let visits = 0; visits < 2; visits++) {
      await painted(page)
      await page.locator('.verdict').getByText('of 40 tasks').waitFor()
      expect(await page.locator('.pill').innerText()).toBe('finished in 1.00 s')
      await page.reload()
    }
    expect(complaints).toEqual([])
    const origins = new Set(requests.map((url) => new URL(url).origin))
    expect(origins.size).toBe(1)
  })

  test('zooming asks for what is looked at, and finds single tasks', async () => {
    const { page } = await visit((await recorded(trace)).url)
    await painted(page)
    const asked = page.waitForResponse((response) => response.url().includes('/api/window'))
    for (let i = 0; i < 8; i++) await page.keyboard.press('w')
    expect((await asked).status()).toBe(200)
    await page.locator('.minimap .frame').waitFor()
    const box = await page.locator('.lanes').boundingBox()
    const block = await page.locator('.gutter .block').first().boundingBox()
    await page.mouse.click((box?.x ?? 0) + (box?.width ?? 0) / 2, (block?.y ?? 0) + (block?.height ?? 0) / 2)
    await page.locator('.detail h3', { hasText: 'fetchPage' }).waitFor()
  })

  test('fills while the program runs, and comes to its verdict when it ends', async () => {
    const recording = newRecording()
    const recorder = new Recorder({ name: 'live.ts', live: true })
    const encoder = new TraceEncoder()
    const flush = (blocks: readonly Uint8Array[]): void => blocks.forEach((block) => recording.push(block))
    flush(encoder.begin(recorder.meta()))
    const gates = Array.from({ length: 6 }, () => {
      let open: () => void = () => undefined
      const opened = new Promise<void>((resolve) => (open = resolve))
      return { open, opened }
    })
    const running = map(gates, ({ opened }) => opened, { concurrency: 2 })
    const next = (): void => flush(encoder.next(recorder.snapshot(), recorder.changes()))

    const { page, complaints } = await visit((await served(recording)).url)
    await page.locator('.pill.live').waitFor()
    const tasks = page.locator('.verdict .cell').last()
    for (const done of [1, 3]) {
      for (const { open } of gates.slice(0, done)) open()
      await new Promise((resolve) => setImmediate(resolve))
      next()
      await tasks.getByText(`${done} done`).waitFor()
    }
    expect(await page.title()).toContain('%')
    for (const { open } of gates) open()
    await running
    recorder.end()
    flush(encoder.end(recorder.snapshot(), recorder.changes()))
    recording.end()
    await tasks.getByText('6 done', { exact: true }).waitFor()
    await page.locator('.pill', { hasText: 'finished in' }).waitFor()
    expect(complaints).toEqual([])
  })

  test('waits for a program that has just started', async () => {
    const recording = newRecording()
    const { page } = await visit((await served(recording)).url)
    await page.waitForResponse((response) => response.status() === 503)
    recording.push(encodeTrace(trace))
    recording.end()
    await painted(page)
    expect(await page.locator('.top h1').innerText()).toBe('fetch.ts')
  })

  test('refuses an address without the right token', async () => {
    const { url, port } = await recorded(trace)
    const { page } = await visit(`http://127.0.0.1:${port}/?token=${'x'.repeat(43)}`)
    expect(await page.locator('body').innerText()).toMatch(/token/i)
    expect(await page.locator('#app').count()).toBe(0)
    await page.goto(url)
    await painted(page)
  })

  test('says when its token is no longer the right one', async () => {
    const { page } = await visit((await recorded(trace)).url)
    await painted(page)
    // A page that was kept open, whose server has been started again since.
    await page.route('**/api/overview*', (route) => route.fulfill({ status: 401, body: 'The token is missing or wrong.' }))
    await page.reload()
    await page.locator('.refused', { hasText: 'The token is missing or wrong.' }).waitFor()
    expect(await page.locator('.refused').innerText()).toContain('heddle ui FILE')
  })

  test('says when the program is gone, and keeps what it knows', async () => {
    const recording = newRecording()
    const encoder = new TraceEncoder()
    for (const block of [...encoder.begin(trace.meta), ...encoder.next(trace)]) recording.push(block)
    const server = await served(recording)
    const { page } = await visit(server.url)
    await painted(page)
    await server.close()
    await page.locator('.pill.bad', { hasText: 'connection lost' }).waitFor()
    expect(await page.locator('.gutter .block').count()).toBe(2)
  })

  test('saves a report that opens without the server', async () => {
    const server = await recorded(trace)
    const { page } = await visit(server.url)
    await painted(page)
    await page.keyboard.press('e')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: /report that opens offline/ }).click(),
    ])
    const path = join(folder, download.suggestedFilename())
    await download.saveAs(path)
    await server.close()
    const report = await visit(pathToFileURL(path).href)
    await painted(report.page)
    await report.page.locator('.verdict').getByText('of 40 tasks').waitFor()
    expect(report.complaints).toEqual([])
    expect(download.suggestedFilename()).toBe('fetch.ts.html')
  })

  test('is small enough to be there at once', () => {
    const html = readFileSync(new URL('../dist/ui/index.html', import.meta.url))
    expect(gzipSync(html, { level: 9 }).length).toBeLessThanOrEqual(70_000)
  })
})
