/** The server that docs/servers.md shows, run as it stands there. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { spawnHeddle } from './support/cli.ts'

test.skipIf(process.platform === 'win32')('answers, says when it is ready, and drains at SIGTERM', async () => {
  const page = readFileSync(new URL('../docs/servers.md', import.meta.url), 'utf8')
  const folder = mkdtempSync(join(fileURLToPath(new URL('fixtures/', import.meta.url)), 'servers-'))
  for (const [, code = ''] of page.matchAll(/^```ts\n([^]*?)^```/gm)) {
    const name = /^\/\/ ([\w.-]+\.ts)/.exec(code)?.[1]
    if (name !== undefined) writeFileSync(join(folder, name), code)
  }
  const said: Record<string, unknown> = {}
  let talking: Promise<void> | undefined
  try {
    const { code, stderr } = await spawnHeddle(['run', join(folder, 'server.ts')], {
      timeoutMs: 60_000,
      onOutput(child, stdout) {
        const port = /"port":(\d+)/.exec(stdout)?.[1]
        if (port === undefined || talking) return
        const ask = (path: string, signal?: AbortSignal): Promise<Response> =>
          fetch(`http://127.0.0.1:${port}${path}`, { ...(signal && { signal }) })
        talking = (async () => {
          said['health'] = (await ask('/health')).status
          said['answer'] = await (await ask('/text')).text()
          const leaving = new AbortController()
          const left = ask('/left', leaving.signal).catch(() => 'left')
          setTimeout(() => leaving.abort(), 5)
          said['left'] = await left
          // More than the bounds: refused at once, none lost.
          const statuses = await Promise.all(Array.from({ length: 60 }, async (_, i) => (await ask(`/many-${i}`)).status))
          said['statuses'] = [...new Set(statuses)].sort()
          const underWay = ask('/last')
          await new Promise((resolve) => setTimeout(resolve, 3))
          child.kill('SIGTERM')
          said['last'] = (await underWay).status
        })()
      },
    })
    await talking
    expect(code).toBe(0)
    expect(said).toMatchObject({
      health: 200,
      answer: expect.stringMatching(/^\d+\n$/) as string,
      statuses: [200, 503],
      last: 200,
    })
    expect(stderr).not.toContain('draining')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
