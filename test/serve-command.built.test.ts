/** `heddle serve` as a process: what it says, how it drains, and what ends it. */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Finished, spawnHeddle } from './support/cli.ts'

interface Started {
  readonly url: string
  readonly child: ChildProcess
  readonly finished: Promise<Finished>
}

async function started(...args: string[]): Promise<Started> {
  return new Promise((resolve, reject) => {
    let found = false
    const finished = spawnHeddle(['serve', '--json', ...args], {
      onOutput(child, stdout) {
        if (found || !stdout.includes('"ready"')) return
        found = true
        const { url } = JSON.parse(stdout.split('\n')[0] as string) as { url: string }
        resolve({ url, child, finished })
      },
    })
    finished.then(({ stderr }) => found || reject(new Error(stderr)), reject)
  })
}

const ask = (url: string, name: string, body: unknown): Promise<Response> =>
  fetch(`${url}/v1/run/${name}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

test('serves on the loopback address, writes its log, and drains at SIGTERM', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-'))
  const log = join(folder, 'access.jsonl')
  try {
    const { url, child, finished } = await started('--log', log, 'serve.ts')
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(await (await ask(url, 'shout', 'hey')).json()).toBe('HEY')
    const late = ask(url, 'late', 600)
    await expect.poll(async () => (await (await fetch(`${url}/metrics`)).text()).includes('requests_under_way 2')).toBe(true)
    child.kill('SIGTERM')
    await expect.poll(async () => (await fetch(`${url}/ready`)).status).toBe(503)
    expect((await ask(url, 'shout', 'hey')).status).toBe(503)
    expect(await (await late).json()).toBe('late')
    const { code, stderr } = await finished
    expect([code, stderr]).toEqual([143, expect.stringContaining('draining: 1 request under way')])
    const lines = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.filter(({ path }) => path === '/v1/run/shout')).toMatchObject([
      { status: 200, model: 'shout', client: '127.0.0.1' },
      { status: 503, cause: 'draining' },
    ])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

test('a second signal ends it at once', async () => {
  const { url, child, finished } = await started('serve.ts')
  const asked = ask(url, 'never', 1).catch((error: unknown) => error)
  await expect.poll(async () => (await (await fetch(`${url}/metrics`)).text()).includes('requests_under_way 2')).toBe(true)
  child.kill('SIGINT')
  await expect.poll(async () => (await fetch(`${url}/ready`)).status).toBe(503)
  await new Promise((resolve) => setTimeout(resolve, 250))
  child.kill('SIGINT')
  expect((await finished).code).toBe(130)
  expect(await asked).toBeInstanceOf(TypeError)
})

test('what is wrong is said before anything listens', async () => {
  const broken = await spawnHeddle(['serve', 'serve-broken.ts'])
  expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining('`keys[0].key`')])
  const other = await spawnHeddle(['serve', '--port', '70000', 'serve.ts'])
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('--port')])
  const none = await spawnHeddle(['serve', 'plain.ts'])
  expect(none.code).toBe(2)
})

test('a port that is taken is named', async () => {
  const { url, child, finished } = await started('serve.ts')
  const second = await spawnHeddle(['serve', '--port', new URL(url).port, 'serve.ts'])
  expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('is in use')])
  child.kill('SIGTERM')
  await finished
})

test('says aloud that others may ask where it listens for them without keys', async () => {
  const { child, finished } = await started('--host', '0.0.0.0', 'serve.ts')
  child.kill('SIGTERM')
  expect((await finished).stderr).toContain('there are no keys')
})
