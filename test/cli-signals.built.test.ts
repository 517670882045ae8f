/** Signals to `heddle run`: the program's own handlers come first, and nothing keeps a program from ending. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { spawnHeddle } from './support/cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-signals-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Sends the signal to the process alone, once the program says that it runs. */
function signalled(
  args: readonly string[],
  signal: NodeJS.Signals,
  options: { ready?: string; cwd?: string; timesMs?: number[] } = {},
) {
  let sent = false
  return spawnHeddle(['run', ...args], {
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    onOutput(child, stdout) {
      if (sent || !stdout.includes(options.ready ?? 'started')) return
      sent = true
      for (const ms of options.timesMs ?? [0]) setTimeout(() => child.kill(signal), ms)
    },
  })
}

describe.skipIf(process.platform === 'win32').concurrent('a program with handlers of its own', () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('drains at %s, as under plain Node', async (signal) => {
    for (const how of ['on', 'once']) {
      const { code, stdout, stderr } = await signalled(['server.mjs', how], signal)
      expect([code, stdout.split('\n').sort().join(' ')]).toEqual([0, ' answered drained own handler started'])
      expect(stderr).not.toMatch(/draining|cancelled/)
    }
  })

  test('is ended by the signal once its handlers are gone', async () => {
    const path = join(folder, 'gone.mjs')
    // As `signal-exit` does: clean up, take the listener off, send the signal again.
    writeFileSync(
      path,
      `const handler = () => { console.log('cleaned up'); process.off('SIGTERM', handler); process.kill(process.pid, 'SIGTERM') }
       process.on('SIGTERM', handler); setInterval(() => {}, 1000); console.log('started')`,
    )
    const { code, stdout, stderr } = await signalled([path], 'SIGTERM')
    expect([code, stdout]).toEqual([143, 'started\ncleaned up\n'])
    expect(stderr).toContain('draining')
  })
})

describe.skipIf(process.platform === 'win32').concurrent('a program without', () => {
  test('is cancelled at SIGHUP, and ends with 129', async () => {
    const { code, stdout } = await signalled(['slow.ts', 'polite'], 'SIGHUP')
    expect([code, stdout]).toEqual([129, 'started\ncleaned up\ncleaned up\n'])
  })

  // The second arrives while the tasks drain, while the report is written, or after it: that depends on the machine.
  test.each([5, 30, 80, 150])(
    'takes the same signal %i ms later as one: npm passes on what the terminal has sent',
    async (ms) => {
      const { code, stdout } = await signalled(['slow.ts', 'polite'], 'SIGINT', { timesMs: [0, ms] })
      expect([code, stdout]).toEqual([130, 'started\ncleaned up\ncleaned up\n'])
    },
  )

  test.each(['SIGTERM', 'SIGINT'] as const)('is ended by %s while it holds its thread', async (signal) => {
    const ended = await signalled(['slow.ts', 'held'], signal)
    expect(ended.signal).toBe('SIGKILL')
    expect(ended.stderr).toContain(`it did not hear ${signal}`)
  })

  test.each(['readFileSync', 'promises.readFile'])('is ended while %s waits for a pipe', async (read) => {
    const pipe = join(folder, `${read}.fifo`)
    execFileSync('mkfifo', [pipe])
    const path = join(folder, `${read}.mjs`)
    writeFileSync(path, `import * as fs from 'node:fs'; console.log('started'); await fs.${read}(${JSON.stringify(pipe)})`)
    const ended = await signalled([path], 'SIGTERM')
    expect([ended.signal, ended.code]).toEqual(['SIGKILL', null])
  })
})
