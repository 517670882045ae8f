/** `heddle run --ui` and `heddle ui FILE` as processes: the page over HTTP while they run and after, and how they end. */
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, gunzipSync } from 'node:zlib'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serverSource } from '../src/dashboard/client.ts'
import { embeddedTraceId, type Overview, type Tick, type ViewSource } from '../src/dashboard/protocol.ts'
import { saveTrace } from '../src/trace/format/file.ts'
import { type Finished, spawnHeddle } from './support/cli.ts'
import { makeTraceOf } from './support/traces.ts'

let folder = ''
let recorded = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-ui-'))
  recorded = join(folder, 'run.heddle')
  saveTrace(makeTraceOf({ tasks: [{ name: 'one', startedAt: 0, settledAt: 10 }] }), recorded)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const address = /http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}/

interface Shown {
  readonly source: ViewSource
  readonly ended: Promise<Finished>
  readonly interrupt: () => void
}

/** Starts a command that prints an address, and asks there. */
function show(args: readonly string[], env: Record<string, string> = {}): Promise<Shown> {
  return new Promise((resolve, reject) => {
    let found = false
    const ended = spawnHeddle(args, {
      env,
      onOutput(child, stdout, stderr) {
        const url = address.exec(stdout + stderr)?.[0]
        if (found || url === undefined) return
        found = true
        const { origin, searchParams } = new URL(url)
        resolve({
          source: serverSource(origin, searchParams.get('token') ?? ''),
          ended,
          interrupt: () => void child.kill('SIGINT'),
        })
      },
    })
    ended.then(({ stderr }) => reject(new Error(`It ended before it printed an address: ${stderr}`)), reject)
  })
}

/** The first state that the page is told of for which this holds. */
function until(source: ViewSource, holds: (tick: Tick) => boolean): Promise<Tick> {
  return new Promise((resolve, reject) => {
    const stop = source.subscribe(
      (tick) => {
        if (!holds(tick)) return
        resolve(tick)
        // The first tick may come before `subscribe` has returned.
        queueMicrotask(() => stop())
      },
      (reason) => reject(new Error(reason)),
    )
  })
}

describe('heddle run --ui', () => {
  test('is live, then shows the finished run until Ctrl-C, and ends with the exit code of the run', async () => {
    const { source, ended, interrupt } = await show(['run', '--ui', '--no-open', 'watched.mjs'])
    const during = await until(source, ({ live, counts }) => live && counts.running > 0)
    expect(during.counts.waiting + during.counts.running + during.counts.done).toBe(100)
    const last = await until(source, ({ live }) => !live)
    expect(last.counts).toMatchObject({ waiting: 0, running: 0, done: 100 })
    const overview = await source.overview({})
    expect(overview.head).toMatchObject({ name: 'watched.mjs', complete: true, live: false })
    expect((await source.explanation({})).verdict[0]).toContain('against wall time')
    interrupt()
    const { code, stderr } = await ended
    expect(code).toBe(0)
    expect(stderr).toContain('the page stays until Ctrl-C')
  })

  test('a program that ends the process itself leaves its page too', async () => {
    const { source, ended, interrupt } = await show(['run', '--ui', '--no-open', 'exits.mjs'])
    const { counts } = await until(source, ({ live }) => !live)
    expect(counts.done).toBe(3)
    expect((await source.overview({})).head.complete).toBe(true)
    interrupt()
    expect((await ended).signal).toBe('SIGINT')
  })

  test('a run that failed is shown with its failure, and exits with 1', async () => {
    const { source, ended, interrupt } = await show(['run', '--ui', '--no-open', 'fails.ts', 'map'])
    await until(source, ({ live }) => !live)
    const { failures } = await source.overview({})
    expect(failures).not.toEqual([])
    interrupt()
    expect((await ended).code).toBe(1)
  })

  test('also writes a trace, which reads back as what the page showed', async () => {
    const file = join(folder, 'both.heddle')
    const { source, ended, interrupt } = await show(['run', '--ui', '--no-open', '--trace', file, 'watched.mjs'])
    await until(source, ({ live }) => !live)
    const shown = await source.export({ format: 'heddle' })
    interrupt()
    await ended
    const again = await show(['ui', '--no-open', file])
    const counts = async (from: ViewSource): Promise<Overview['counts']> => (await from.overview({})).counts
    const written = await counts(again.source)
    again.interrupt()
    expect((await again.ended).code).toBe(130)
    const copy = join(folder, 'copy.heddle')
    writeFileSync(copy, shown)
    const third = await show(['ui', '--no-open', copy])
    expect(await counts(third.source)).toEqual(written)
    third.interrupt()
    await third.ended
  })

  test('in CI nobody looks, and it ends with the run', async () => {
    const { code, stderr } = await spawnHeddle(['run', '--ui', 'watched.mjs'], { env: { CI: 'true' } })
    expect(code).toBe(0)
    expect(stderr).toMatch(address)
  })
})

describe('heddle ui', () => {
  test('prints the address on stdout and shows the recording', async () => {
    const { source, ended, interrupt } = await show(['ui', '--no-open', recorded])
    expect((await source.overview({})).head).toMatchObject({ name: 'made by hand', tasks: 1, live: false })
    interrupt()
    const { code, stdout } = await ended
    expect(code).toBe(130)
    expect(stdout).toMatch(address)
  })

  test('heddle trace --open does the same', async () => {
    const { source, ended, interrupt } = await show(['trace', '--open', recorded])
    expect((await source.overview({})).head.tasks).toBe(1)
    interrupt()
    expect((await ended).code).toBe(130)
  })

  test.each([
    [['ui', 'nothing.heddle'], 'there is no such file'],
    [['ui', 'plain.mjs'], 'not a trace that heddle reads'],
    [['ui', '--port', 'many', 'x.heddle'], '--port'],
    [['ui', '--prot', '1', 'x.heddle'], 'did you mean --port'],
    [['ui'], ''],
  ])('%j is refused with exit code 2, or explained', async (args, reason) => {
    const { code, stdout, stderr } = await spawnHeddle(args)
    expect(stdout + stderr).toContain(reason)
    expect(stderr).not.toContain('    at ')
    expect(code).toBe(reason === '' ? 0 : 2)
  })
})

test('a port in use is told, with what to do', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  try {
    const { code, stderr } = await spawnHeddle(['ui', '--no-open', '--port', String(port), recorded])
    expect([code, stderr]).toEqual([2, expect.stringMatching(`^error: The port ${port} is in use[^]*hint: leave the port out`)])
    expect(stderr).not.toContain('EADDRINUSE')
  } finally {
    taken.close()
  }
})

const page = (name: string): string => fileURLToPath(new URL(`../dist/ui/${name}.html`, import.meta.url))

test('the page is at most 70 KB gzipped', () => {
  expect(gzipSync(readFileSync(page('index'))).length).toBeLessThanOrEqual(70 * 1_024)
})

test.skipIf(!existsSync(page('report')))('a report is one file: the page, its policy, and the trace', async () => {
  const file = join(folder, 'report.html')
  const { code } = await spawnHeddle(['trace', '--export', 'html', '--output', file, recorded])
  expect(code).toBe(0)
  const html = readFileSync(file, 'utf8')
  const data = new RegExp(`<script type="application/octet-stream" id="${embeddedTraceId}">([A-Za-z0-9+/=]+)</script>`).exec(
    html,
  )?.[1]
  expect(gunzipSync(Buffer.from(data ?? '', 'base64'))).toEqual(readFileSync(recorded))
  expect(html).toContain("default-src 'none'")
  expect(html).not.toMatch(/<(?:script|link|img)[^>]+(?:src|href)=["']?https?:/)
})
