/**
 * The dashboard's page in a real Chromium, with ten tasks and with a million: how long until there is something to see, what a frame costs
 * while somebody zooms and pans, and how much memory the tab takes.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { writeMadeTrace } from './harness/made-trace.mjs'

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync']
/** How long somebody zooms and pans. */
const gesturesMs = 5_000

/** @param {string} file @returns {Promise<{ url: string, stop(): void }>} */
async function serve(file) {
  const child = spawn(process.execPath, [cli, 'ui', file, '--no-open'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const url = await new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (/** @type {Buffer} */ data) => {
        output += String(data)
        const found = /http:\/\/127\.0\.0\.1:\d+\/\S*/.exec(output)
        if (found) resolve(found[0])
      })
    }
    child.on('exit', (code) => reject(new Error(`heddle ui ended with ${code}: ${output}`)))
  })
  return { url, stop: () => void child.kill() }
}

/** Zooms in and out and pans, as fast as the page takes it; gives what the frames cost. @param {import('playwright-core').Page} page */
async function gestures(page) {
  await page.evaluate(`(() => {
    window.frames = []
    window.gaps = []
    const channel = new MessageChannel()
    let begin = 0
    let last = 0
    channel.port1.onmessage = () => window.frames.push(performance.now() - begin)
    const tick = (now) => {
      if (last > 0) window.gaps.push(now - last)
      last = now
      begin = performance.now()
      // Comes when everything that this frame makes the thread do is done.
      channel.port2.postMessage(0)
      requestAnimationFrame(tick)
    }
    requestAnimationFrame(tick)
  })()`)
  const box = await page.locator('.lanes').boundingBox()
  await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + (box?.height ?? 0) / 2)
  const until = performance.now() + gesturesMs
  for (let i = 0; performance.now() < until; i++) {
    const zooming = i % 40 < 24
    await page.mouse.wheel(zooming ? 0 : ((i % 3) - 1) * 60, zooming ? (i % 80 < 40 ? -30 : 30) : 0)
  }
  return /** @type {{ frames: number[], gaps: number[] }} */ (
    await page.evaluate('({ frames: window.frames, gaps: window.gaps })')
  )
}

/** Memory of the tab's process. @param {import('playwright-core').Browser} browser */
async function tabMegabytes(browser) {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const sizes = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) => Number(/Rss:\s+(\d+)/.exec(readFileSync(`/proc/${id}/smaps_rollup`, 'utf8'))?.[1] ?? 0) / 1e3)
  return Math.max(...sizes)
}

/** @param {number[]} values @param {number} share */
const quantile = (values, share) => values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1] ?? Number.NaN

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'the dashboard’s page, from its address to something to see',
  unit: 'ms',
  reference: 'page',
  rounds: 3,
  warmups: 1,
  cases: { 10: { tasks: 10 }, '1 M': { tasks: 1_000_000 } },
  contenders: {
    page: async ({ tasks }) => {
      if (!existsSync(executablePath)) return { absent: `no Chromium at ${executablePath} (CHROMIUM names another)` }
      const file = join(tmpdir(), `heddle-page-${process.pid}-${tasks}.heddle`)
      writeMadeTrace(file, tasks)
      const server = await serve(file)
      return {
        measure: async () => {
          const browser = await chromium.launch({ executablePath, args: flags })
          try {
            const page = await browser.newPage({ viewport: { width: 1280, height: 720 } })
            const before = performance.now()
            await page.goto(server.url, { waitUntil: 'commit' })
            await page.waitForSelector('.lanes canvas[data-painted]:not([data-painted="-1"])', { timeout: 60_000 })
            const figure = performance.now() - before
            await page.locator('.verdict .wait').first().waitFor({ state: 'detached', timeout: 60_000 })
            const explained = performance.now() - before
            const { frames, gaps } = await gestures(page)
            return {
              figure,
              'explained ms': explained,
              'frame p50 ms': quantile(frames, 0.5),
              'frame p95 ms': quantile(frames, 0.95),
              'between frames p95 ms': quantile(gaps, 0.95),
              'tab MB': await tabMegabytes(browser),
            }
          } finally {
            await browser.close()
          }
        },
        close: () => {
          server.stop()
          rmSync(file, { force: true })
        },
      }
    },
  },
  targets: (results) => [
    { what: 'first view of 1 M tasks (ms)', got: results.median('page', '1 M'), atMost: 1_500 },
    { what: 'a frame of 1 M tasks, p95 (ms)', got: results.median('page', '1 M', 'frame p95 ms'), atMost: 16 },
    { what: 'the tab with 1 M tasks (MB)', got: results.median('page', '1 M', 'tab MB'), atMost: 300 },
  ],
}
