/** The page of `heddle serve --ui`, in a browser. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Browser } from 'playwright-core'
import { hasBrowser, launch, newPage } from './support/browser.ts'
import { spawnHeddle } from './support/cli.ts'

describe.skipIf(!hasBrowser)('the page of a server', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser.close())

  test.for(['light', 'dark'] as const)(
    'shows figures, models, replicas, refusals and keys, wide and narrow, in %s',
    async (colorScheme) => {
      let stop: () => void = () => undefined
      const urls = new Promise<readonly [string, string]>((resolve) => {
        const finished = spawnHeddle(['serve', '--ui', '--no-open', 'serve.ts'], {
          onSpawn: (child) => (stop = () => void child.kill('SIGTERM')),
          onOutput(_, __, stderr) {
            const [api] = /http:\S+(?=\/v1)/.exec(stderr) ?? []
            const [page] = /http:\S+token=\S+/.exec(stderr) ?? []
            if (api && page && stderr.includes('ready')) resolve([api, page])
          },
        })
        void finished
      })
      try {
        const [api, address] = await urls
        const ask = (name: string): Promise<Response> =>
          fetch(`${api}/v1/run/${name}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '"hey"' })
        for (let i = 0; i < 5; i++) await ask('shout')
        await ask('nobody')
        const { page, complaints } = await newPage(browser, { colorScheme, viewport: { width: 1280, height: 720 } })
        await page.goto(address)
        await page.getByRole('region', { name: 'Model shout' }).waitFor()
        await expect.poll(() => page.getByRole('region', { name: 'Keys' }).textContent()).toMatch(/without a key651050/)
        expect(await page.getByRole('region', { name: 'Refusals by cause' }).textContent()).toContain('model not found')
        await expect.poll(() => page.locator('.server-charts canvas').count()).toBe(6)
        for (const width of [1280, 400]) {
          await page.setViewportSize({ width, height: 720 })
          expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
        }
        expect(complaints).toEqual([])
        await page.close()
      } finally {
        stop()
      }
    },
  )
})
