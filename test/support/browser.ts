/** A real Chromium, and the page in it as a person meets it. */
import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { chromiumPath } from './chromium.ts'

/** Machines without a browser skip what needs one; `chromium.ts` sees to it that CI has one. */
export const hasBrowser = existsSync(chromiumPath)

const quiet = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync']

export const launch = (): Promise<Browser> => chromium.launch({ executablePath: chromiumPath, args: quiet })

/** What a page complained about: nothing may. */
export interface Watched {
  readonly page: Page
  readonly complaints: readonly string[]
  /** Addresses that it asked for, but for its own. */
  readonly requests: readonly string[]
}

export async function newPage(browser: Browser, options: Parameters<Browser['newPage']>[0] = {}): Promise<Watched> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 720 }, ...options })
  const complaints: string[] = []
  const requests: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error.stack ?? error)))
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('request', (request) => requests.push(request.url()))
  return { page, complaints, requests }
}

/** Waits until the timeline has drawn an answer. */
export async function painted(page: Page): Promise<void> {
  await page.waitForSelector('.lanes canvas[data-painted]:not([data-painted="-1"])')
}

/** The open task's name; waits until it is there. */
export async function openTask(page: Page, name: string): Promise<void> {
  await page.locator('.detail h3', { hasText: name }).waitFor()
}

/** The colour of a place on a canvas, as the screen has it. */
export function pixel(page: Page, selector: string, x: number, y: number): Promise<readonly number[]> {
  // A text, because the tests are compiled without the types of browsers.
  return page.evaluate<readonly number[]>(`(() => {
    const canvas = document.querySelector(${JSON.stringify(selector)})
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true })
    copy.drawImage(canvas, 0, 0)
    return [...copy.getImageData(${x} * devicePixelRatio, ${y} * devicePixelRatio, 1, 1).data]
  })()`)
}
