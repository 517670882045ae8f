/** What watching costs the program that is watched: the same work with nobody looking, with the page's server asked as the page asks, and with the page open in Chromium. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
const program = fileURLToPath(new URL('dashboard.child.mjs', import.meta.url))
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync']
// Ten seconds and more, so that the page refreshes at least once on two busy cores; what opening it costs is not what watching costs.
const tasks = 60_000
const openedMs = 1_000

/**
 * Runs the program; it begins when whoever watches is ready, and says how long its work took.
 * @param {boolean} ui @param {(url: string) => Promise<() => Promise<unknown>>} watch gives what ends the watching
 */
async function run(ui, watch) {
  const args = [cli, 'run', ...(ui ? ['--ui', '--no-open'] : []), program, String(tasks)]
  // In CI the page ends with the run.
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, CI: 'true' } })
  let [out, err] = ['', '']
  child.stdout.on('data', (/** @type {Buffer} */ data) => (out += String(data)))
  const ended = new Promise((resolve) => child.once('close', resolve))
  const url = await new Promise((resolve, reject) => {
    child.stderr.on('data', (/** @type {Buffer} */ data) => {
      err += String(data)
      const found = /http:\/\/127\.0\.0\.1:\d+\/\S*/.exec(err)
      if (found) resolve(found[0])
    })
    child.once('close', (code) => reject(new Error(`It ended with ${code}: ${err}`)))
    if (!ui) resolve('')
  })
  const stop = await watch(url)
  // Watching is measured, not opening.
  await new Promise((resolve) => setTimeout(resolve, openedMs))
  child.stdin.end('go\n')
  await ended
  await stop()
  const ms = Number(/took (\S+)/.exec(out)?.[1])
  if (!(ms > 0)) throw new Error(`The program did not say how long it took: ${out}${err}`)
  return ms
}

/** Asks what the page asks at each new version. @param {string} url */
async function askLikeThePage(url) {
  const { origin, searchParams } = new URL(url)
  const token = searchParams.get('token')
  const stop = new AbortController()
  /** @param {string} name @param {object} q */
  const ask = async (name, q) => {
    const answer = await fetch(`${origin}/api/${name}?token=${token}&q=${encodeURIComponent(JSON.stringify(q))}`, stop)
    await answer.arrayBuffer()
  }
  let asked = ''
  const listening = (async () => {
    const response = await fetch(`${origin}/api/changes?token=${token}`, stop)
    for await (const bytes of /** @type {AsyncIterable<Uint8Array>} */ (/** @type {unknown} */ (response.body))) {
      const [, version, nowMs] = /"version":(\d+),"nowMs":([\d.]+)/.exec(new TextDecoder().decode(bytes)) ?? []
      if (version === undefined || version === asked) continue
      asked = version
      const to = Math.max(1, Number(nowMs))
      await Promise.all([
        ask('overview', {}),
        ask('window', { from: 0, to, columns: 1_150 }),
        ask('window', { from: 0, to, columns: 400 }),
        ask('explanation', {}),
      ])
    }
  })().catch(() => undefined)
  return async () => {
    stop.abort()
    await listening
  }
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `${tasks} tasks of about a millisecond on all cores, recorded live`,
  reference: 'nobody looks',
  rounds: 5,
  warmups: 1,
  contenders: {
    'nobody looks': () => ({ measure: () => run(false, async () => async () => undefined) }),
    'server asked like a page': () => ({ measure: () => run(true, askLikeThePage) }),
    'page open in Chromium': async () => {
      if (!existsSync(executablePath)) return { absent: `there is no ${executablePath}` }
      const { chromium } = await import('playwright-core')
      const browser = await chromium.launch({ executablePath, args: flags })
      return {
        close: () => browser.close(),
        measure: () =>
          run(true, async (url) => {
            const page = await browser.newPage({ viewport: { width: 1280, height: 720 } })
            await page.goto(url)
            await page.waitForSelector('.lanes')
            return () => page.close()
          }),
      }
    },
  },
  targets: (results) => [
    {
      what: 'server asked like a page / nobody looks',
      got: results.ratio('server asked like a page', 'nobody looks'),
      atMost: 1.03,
    },
    { what: 'page open in Chromium / nobody looks', got: results.ratio('page open in Chromium', 'nobody looks'), atMost: 1.03 },
  ],
}
