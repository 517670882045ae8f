/**
 * The report that opens offline, in a real browser: every view from a file, without a server and without a single request. What the page does
 * with what it is told is the same for the server's page, which `dashboard-page.test.ts` drives.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { writeReport } from '../src/dashboard/server/pages.ts'
import { encodeTrace, TraceEncoder } from '../src/trace/format/encode.ts'
import type { Trace } from '../src/trace/model/trace.ts'
import { hasBrowser, launch, newPage, openTask, painted, pixel, type Watched } from './support/browser.ts'
import { xssPayloads } from './support/payloads.ts'
import { makeTraceOf, type TaskSpec } from './support/traces.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-report-'))
let browser: Browser
let open: Watched[] = []

beforeAll(async () => {
  if (hasBrowser) browser = await launch()
})
afterEach(async () => {
  const pages = open
  open = []
  for (const { page } of pages) await page.close()
  const complaints = pages.flatMap(({ complaints }) => complaints)
  if (complaints.length > 0) throw new Error(`The page complained: ${complaints.join('\n')}`)
})
afterAll(async () => {
  await browser?.close()
  rmSync(folder, { recursive: true, force: true })
})

async function openReport(trace: Trace, options: Parameters<typeof newPage>[1] = {}): Promise<Watched> {
  const path = join(folder, `${open.length}.html`)
  writeFileSync(path, await writeReport(bytesOf(trace)))
  const watched = await newPage(browser, options)
  open.push(watched)
  await watched.page.goto(pathToFileURL(path).href)
  await painted(watched.page)
  return watched
}

/** As a file; without an end where the program did not end its recording. */
function bytesOf(trace: Trace): Uint8Array {
  if (trace.meta.complete) return encodeTrace(trace)
  const encoder = new TraceEncoder()
  return Buffer.concat([...encoder.begin(trace.meta), ...encoder.next(trace)])
}

/**
 * Two workers, 1 s:
 *
 *     worker 1  [ parse 0…300 ][ render 300…900 ]
 *     worker 2  [ load 0…200 ]  [ check 350…450 ✗ ]     [ publish 900…1,000 ]
 *
 * render needs parse, publish needs render: they are the critical path.
 */
const tasks: readonly TaskSpec[] = [
  { id: 1, name: 'parse', row: 1, startedAt: 0, settledAt: 300 },
  { id: 2, name: 'load', row: 2, startedAt: 0, settledAt: 200 },
  { id: 3, name: 'render', row: 1, needs: [1], queuedAt: 0, readyAt: 300, startedAt: 300, settledAt: 900 },
  {
    id: 4,
    name: 'check',
    row: 2,
    needs: [1],
    queuedAt: 0,
    readyAt: 300,
    startedAt: 350,
    settledAt: 450,
    attempts: 2,
    state: 'failed',
    error: {
      name: 'RangeError',
      message: 'page 7 has no title',
      code: 'NO_TITLE',
      stack: 'RangeError: page 7 has no title\n    at check (/app/check.ts:7:3)',
    },
  },
  { id: 5, name: 'publish', row: 2, needs: [3], queuedAt: 0, readyAt: 900, startedAt: 900, settledAt: 1_000 },
]
const small = makeTraceOf({ tasks, meta: { name: 'site.ts' } })

/** Through the lanes, at shares of their width and height. */
async function drag(page: Page, from: number, to: number): Promise<void> {
  const box = await page.locator('.lanes').boundingBox()
  if (!box) throw new Error('no lanes')
  await page.mouse.move(box.x + from * box.width, box.y + box.height / 2)
  await page.mouse.down()
  await page.mouse.move(box.x + to * box.width, box.y + box.height / 2, { steps: 4 })
  await page.mouse.up()
}

describe.skipIf(!hasBrowser)('a report in the browser', () => {
  test('opens offline and answers at the top: speedup, what bounds it, who is idle, what failed', async () => {
    const { page, requests } = await openReport(small)
    const verdict = page.locator('.verdict')
    await verdict.getByText('1.3×', { exact: true }).waitFor()
    const text = await verdict.innerText()
    expect(text).toContain('1.30 s of work in 1.00 s')
    expect(text).toContain('render')
    expect(text).toMatch(/Failed\s+1\s+of 5 tasks/)
    expect(await page.title()).toBe('1 failed · 1.3× · site.ts · heddle')
    expect(requests.filter((url) => !url.startsWith('file:') && !url.startsWith('blob:'))).toEqual([])
  })

  test('draws a row per worker: colour where it ran, none where it was idle', async () => {
    const { page } = await openReport(small)
    const lanes = (await page.locator('.lanes').boundingBox()) ?? { x: 0, y: 0, width: 0 }
    const blocks = await page.locator('.gutter .block').all()
    const names = await Promise.all(blocks.map((block) => block.locator('.name').innerText()))
    expect(names).toEqual(['worker 1', 'worker 2'])
    const boxes = await Promise.all(blocks.map((block) => block.boundingBox()))
    const middles = boxes.map((box) => (box ? box.y + box.height / 2 - lanes.y : 0))
    const at = (row: number, ms: number) => pixel(page, '.lanes canvas', (ms / 1_000) * lanes.width, middles[row] ?? 0)
    const [render, check, idle] = [await at(0, 880), await at(1, 440), await at(1, 700)]
    expect(render[3]).toBe(255)
    // Failures are red, whatever their group.
    expect(check[0]).toBeGreaterThan(180)
    expect(check[1]).toBeLessThan(90)
    expect(idle[3]).toBeLessThan(128)
    // The critical path has an outline, as soon as it is known; other tasks have none.
    await expect.poll(async () => Math.max(...(await at(0, 301)).slice(0, 3))).toBeLessThan(60)
    expect(Math.max(...(await at(1, 351)).slice(0, 3))).toBeGreaterThan(150)
  })

  test('failures come first, and N opens the next one with its error', async () => {
    const { page } = await openReport(small)
    await page.locator('[role=tab][aria-selected=true]', { hasText: 'Failures' }).waitFor()
    await page.keyboard.press('n')
    await openTask(page, 'check')
    const detail = await page.locator('.detail').innerText()
    for (const part of ['RangeError', 'NO_TITLE', 'page 7 has no title', '/app/check.ts:7:3', '2 attempts', 'worker 2'])
      expect(detail).toContain(part)
    await page.keyboard.press('Escape')
    await page.locator('.detail').waitFor({ state: 'detached' })
  })

  test('C follows the critical path to the end and starts over', async () => {
    const { page } = await openReport(small)
    await page.locator('.verdict').getByText('1.3×', { exact: true }).waitFor()
    for (const name of ['parse', 'render', 'publish', 'parse']) {
      await page.keyboard.press('c')
      await openTask(page, name)
      await page.locator('.detail .badge.critical').waitFor()
    }
    await page.keyboard.press('Shift+C')
    await openTask(page, 'publish')
    expect(await page.locator('.rows .picked').count()).toBeLessThan(2)
  })

  test('zooms with wheel and keys, fits with F', async () => {
    const { page } = await openReport(small)
    const shown = page.locator('.timeline .corner').nth(1)
    expect(await shown.innerText()).toBe('1.00 s')
    const box = await page.locator('.lanes').boundingBox()
    await page.mouse.move((box?.x ?? 0) + 300, (box?.y ?? 0) + 40)
    await page.mouse.wheel(0, -400)
    await page.locator('.minimap .frame').waitFor()
    const closer = await shown.innerText()
    expect(Number.parseFloat(closer)).toBeLessThan(700)
    await page.keyboard.press('w')
    await expect.poll(() => shown.innerText()).not.toBe(closer)
    // What is shown becomes what every panel is about, and back.
    await page.keyboard.press('r')
    await page.locator('.top .chip').waitFor()
    await page.keyboard.press('Escape')
    await page.keyboard.press('f')
    await page.locator('.minimap .frame').waitFor({ state: 'detached' })
    expect(await shown.innerText()).toBe('1.00 s')
  })

  test('a selected stretch of time filters every panel, until Escape', async () => {
    const { page } = await openReport(small)
    await page.keyboard.press('7')
    const count = page.locator('.tasks [role=status]')
    await count.getByText('5 tasks').waitFor()
    await drag(page, 0.5, 0.8)
    await page.locator('.top .chip').waitFor()
    // render was at work, and publish waited for it.
    await count.getByText('2 tasks').waitFor()
    await page.locator('.verdict').getByText('of work in 300 ms').waitFor()
    await page.keyboard.press('3')
    expect(await page.locator('.rows .row').allInnerTexts()).toEqual([
      expect.stringContaining('render'),
      expect.stringContaining('publish'),
    ])
    await page.keyboard.press('Escape')
    await page.locator('.top .chip').waitFor({ state: 'detached' })
    await page.locator('.verdict').getByText('of work in 1.00 s').waitFor()
  })

  test('searches, sorts and filters tasks by keyboard alone', async () => {
    const { page } = await openReport(small)
    await page.keyboard.press('/')
    await page.keyboard.type('no_title')
    await page.locator('.tasks [role=status]').getByText('1 task', { exact: true }).waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await page.locator('.tasks .rows').focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await openTask(page, 'check')
    expect(await page.locator('.tasks .row.picked').innerText()).toContain('RangeError: page 7 has no title')
  })

  test('draws the graph with its critical path, and opens what is clicked', async () => {
    const { page } = await openReport(small)
    await page.keyboard.press('5')
    const area = page.locator('.graph-area')
    await area.focus()
    await page.keyboard.press('ArrowRight')
    await page.locator('.graph [role=status]', { hasText: 'done' }).waitFor({ state: 'attached' })
    await page.keyboard.press('Enter')
    await page.locator('.detail .badges').waitFor()
    expect(await page.locator('.detail h3').innerText()).toMatch(/parse|load/)
  })

  test('says where the time of each worker went, in sums that agree', async () => {
    const { page } = await openReport(small)
    await page.keyboard.press('4')
    await page.locator('.sum').waitFor()
    expect(await page.locator('.sum').innerText()).toBe('1.30 s running + 700 ms idle = 2.00 s = 1.00 s wall time × 2 slots')
  })

  test('exports the trace for other tools', async () => {
    const { page } = await openReport(small)
    await page.keyboard.press('e')
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: /Chrome trace/ }).click(),
    ])
    expect(download.suggestedFilename()).toBe('site.ts.json')
    const { traceEvents } = JSON.parse(readFileSync(await download.path(), 'utf8')) as { traceEvents: { name: string }[] }
    expect(traceEvents.map(({ name }) => name)).toContain('render')
  })

  test('shows its keys, and switches between light and dark', async () => {
    const { page } = await openReport(small)
    await page.keyboard.press('?')
    await page.locator('dialog[open]').getByText('next and previous failure').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('dialog').waitFor({ state: 'detached' })
    const ground = (): Promise<string> => page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
    const light = await ground()
    await page.keyboard.press('t')
    await expect.poll(ground).not.toBe(light)
  })

  test('everything that can be used has a name, and the keyboard reaches it', async () => {
    const { page } = await openReport(small)
    await page.keyboard.press('n')
    await openTask(page, 'check')
    const nameless: string[] = []
    for (const key of '1234567') {
      await page.keyboard.press(key)
      const found = await page.evaluate<string[]>(`[...document.querySelectorAll('button, input, summary, [tabindex="0"]')]
        .filter((element) => !(element.innerText || element.title || element.ariaLabel || element.placeholder || element.labels?.length))
        .map((element) => element.outerHTML)`)
      nameless.push(...found)
    }
    expect(nameless).toEqual([])
    const reached = new Set<string>()
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press('Tab')
      reached.add(
        await page.evaluate<string>(
          `document.activeElement.closest('.lanes, .tabs, .rows, .detail, .top, .verdict, .splitter, .groups-legend')?.classList[0] ?? ''`,
        ),
      )
    }
    for (const part of ['top', 'verdict', 'lanes', 'groups-legend', 'splitter', 'tabs', 'rows', 'detail'])
      expect(reached).toContain(part)
  })

  test('a trace without tasks says so', async () => {
    const { page } = await openReport(makeTraceOf({ tasks: [], runs: [], meta: { durationMs: 20 } }))
    expect(await page.locator('.lanes .empty').innerText()).toContain('No task was recorded')
    for (const key of '1234567') {
      await page.keyboard.press(key)
      await page.locator('.panel .empty, .series, .verdict-lines').first().waitFor()
    }
  })

  test('a recording that was cut short says so', async () => {
    const { page } = await openReport(makeTraceOf({ tasks, meta: { complete: false, durationMs: 1_000 } }))
    expect(await page.locator('.pill').innerText()).toBe('cut short after 1.00 s')
  })

  test('a damaged trace is refused with its reason', async () => {
    const watched = await newPage(browser)
    open.push(watched)
    const path = join(folder, 'damaged.html')
    writeFileSync(path, await writeReport(Buffer.from('heddle is not this')))
    await watched.page.goto(pathToFileURL(path).href)
    await watched.page.getByText('heddle cannot show this').waitFor()
    expect(await watched.page.locator('.refused').innerText()).toMatch(/trace/)
  })

  test('50 hostile texts are shown as text', async () => {
    const texts = xssPayloads
    expect(new Set(texts).size).toBe(50)
    const trace = makeTraceOf({
      tasks: texts.map((text, i) => ({
        name: text,
        row: 1 + (i % 2),
        needs: i >= 2 ? [i - 1] : [],
        startedAt: 10 * Math.floor(i / 2),
        settledAt: 10 * Math.floor(i / 2) + 9,
        state: 'failed',
        error: { name: text, message: text, code: text, stack: `${text}\n    at ${text} (${text}:1:1)` },
      })),
      runs: [{ id: 1, kind: 'graph', name: texts[0] as string }],
      notes: texts.map((text, i) => ({ at: i, kind: 'other', text })),
      meta: { name: texts[1] as string, runtime: texts[2] as string },
    })
    const { page } = await openReport(trace)
    await page.keyboard.press('1')
    await page.locator('.notes summary').click()
    expect(await page.locator('.notes li').count()).toBe(50)
    for (const key of '1234567') {
      await page.keyboard.press(key)
      await page.locator('.panel > *').first().waitFor()
    }
    await page.locator('.tasks [role=status]').getByText('50 tasks').waitFor()
    // In the page itself, where fifty answers cost fifty frames; other tests press the key.
    const shown = await page.evaluate<string[]>(`(async () => {
      const shown = []
      while (shown.length < ${texts.length}) {
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'n', bubbles: true }))
        const before = shown.at(-1)
        let text
        do {
          await new Promise(requestAnimationFrame)
          text = document.querySelector('.detail .message')?.textContent
        } while (!text || text === before)
        shown.push(text)
      }
      return shown
    })()`)
    expect(shown.toSorted()).toEqual(texts.toSorted())
    // A dialog would be a complaint, and so would a script that the page's policy refused.
    const elements = await page.locator('img, iframe, object, embed, base, form, svg script').count()
    expect(elements).toBe(0)
  })
})
