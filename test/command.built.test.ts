/** `sh`: output, exit codes, and that cancelling leaves nothing behind. */
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test, vi } from 'vitest'
import { all, CommandFailed, graph, sh } from 'heddle'
import { spawnHeddle } from './support/cli.ts'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const silent = { output: 'none' } as const

/** What is written to this process's streams meanwhile. */
async function shown(run: () => Promise<unknown>): Promise<string> {
  let text = ''
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, 'write').mockImplementation((chunk) => {
      text += String(chunk)
      return true
    }),
  )
  try {
    await run()
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
  return text
}

/** What has ended may stay as a zombie where nobody is there to take it. */
const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0) && !/^State:\s+Z/m.test(existsSync('/proc') ? readFileSync(`/proc/${pid}/status`, 'utf8') : '')
  } catch {
    return false
  }
}

describe.skipIf(process.platform === 'win32')('sh', () => {
  test('gives what the command wrote', async () => {
    expect(await sh('echo out; echo err >&2', silent)).toEqual({ stdout: 'out', stderr: 'err' })
    // No shell looks at the arguments.
    expect((await sh(['printf', '%s', '$HOME; a "b"'], silent)).stdout).toBe('$HOME; a "b"')
    expect((await sh('pwd; echo $WORD', { ...silent, cwd: '/', env: { WORD: 'given' } })).stdout).toBe('/\ngiven')
  })

  test('does not keep the program for what a command has left in the background', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-background-'))
    const path = join(folder, 'main.mjs')
    const entry = fileURLToPath(new URL('../dist/index.js', import.meta.url))
    writeFileSync(
      path,
      `import { sh } from ${JSON.stringify(entry)}\nconsole.log((await sh('sleep 90 & echo started', { output: 'none' })).stdout)`,
    )
    try {
      const { code, stdout } = await spawnHeddle(['run', path], { timeoutMs: 60_000 })
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'started\n' })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('keeps the end of what it wrote, in bounded memory', async () => {
    const { stdout } = await sh(`${process.execPath} -e "for (let i = 0; i < 200000; i++) console.log('line ' + i)"`, {
      ...silent,
      keep: 100,
    })
    expect(stdout.length).toBeLessThanOrEqual(100)
    expect(stdout.endsWith('line 199999')).toBe(true)
  })

  test.each([
    ['exit 3', { exitCode: 3 }],
    ['kill -TERM $$', { signal: 'SIGTERM' }],
    ['no-such-program-here', { exitCode: 127, hint: expect.stringContaining('npx') as string }],
  ])('fails by name: %s', async (command, fields) => {
    const error = await sh(command, silent).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(CommandFailed)
    expect(error).toMatchObject({ code: 'HEDDLE_COMMAND_FAILED', command, ...fields })
  })

  test('says what it was last told, and what cannot be started', async () => {
    await expect(sh('echo first >&2; echo "the reason" >&2; exit 1', silent)).rejects.toThrow(/exited with code 1: the reason$/)
    await expect(sh(['no-such-program-here'], silent)).rejects.toThrow(/could not be started/)
    await expect(sh('true', { cwd: '/no/such/folder', ...silent })).rejects.toThrow(CommandFailed)
  })

  test('puts the name before each line, whole lines only, without colours where none are wanted', async () => {
    vi.stubEnv('NO_COLOR', '1')
    const text = await shown(() =>
      all([
        () => sh('for i in 1 2 3; do printf "a"; sleep 0.02; printf "$i\\n"; done; printf last', { name: 'one' }),
        () => sh('for i in 1 2 3; do printf "b"; sleep 0.02; printf "$i\\n" >&2; done', { name: 'second' }),
        () => sh('printf "10 %%\\r50 %%\\r100 %%\\n"', { name: 'bar' }),
      ]),
    )
    vi.unstubAllEnvs()
    const lines = text.trimEnd().split('\n')
    expect(lines.filter((line) => line.startsWith('one'))).toEqual(
      ['a1', 'a2', 'a3', 'last'].map((line) => expect.stringMatching(new RegExp(`^one +\\| ${line}$`)) as string),
    )
    expect(lines.filter((line) => line.startsWith('bar'))).toEqual([expect.stringMatching(/^bar +\| 100 %$/)])
    expect(lines.every((line) => /^(one|second|bar) +\| ?/.test(line))).toBe(true)
  })

  test('shows what is buffered in one piece', async () => {
    const text = await shown(() =>
      all(
        ['x', 'y'].map((name) => () => sh(`for i in 1 2 3; do echo ${name}$i; sleep 0.02; done`, { name, output: 'buffered' })),
      ),
    )
    expect(text.replace(/^[xy] +\| /gm, '').trim()).toMatch(/^(x1\nx2\nx3\ny1\ny2\ny3|y1\ny2\ny3\nx1\nx2\nx3)$/)
  })

  test.each([
    ['that hears', 'sleep 60'],
    ['that does not', 'trap "" TERM; while :; do sleep 0.1; done'],
  ])('ends all that a command started %s when its task is cancelled', async (_, inner) => {
    const controller = new AbortController()
    const folder = mkdtempSync(join(tmpdir(), 'heddle-sh-'))
    const file = join(folder, 'pid')
    const running = sh(`sh -c 'echo $$ > ${file}; ${inner}' & wait`, { ...silent, signal: controller.signal, grace: 300 })
    running.catch(() => {})
    await vi.waitFor(async () => expect(Number((await sh(`cat ${file}`, silent)).stdout)).toBeGreaterThan(0))
    const pid = Number((await sh(`cat ${file}`, silent)).stdout)
    controller.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    await vi.waitFor(() => expect(alive(pid)).toBe(false), { timeout: 3_000 })
    rmSync(folder, { recursive: true })
  })

  test('is cancelled with its siblings', async () => {
    await expect(all([() => sh('sleep 90', silent), () => sh('exit 4', silent)])).rejects.toThrow('exit 4 exited with code 4')
  })

  test('does not wait for what a command left in the background', async () => {
    expect((await sh('sleep 90 & echo started', silent)).stdout).toBe('started')
  })

  test.each(['SIGKILL', 'SIGTERM'] as const)('leaves nothing behind when the program ends by %s', async (signal) => {
    const folder = mkdtempSync(join(tmpdir(), 'heddle-sh-'))
    const program = join(folder, 'program.mjs')
    const entry = fileURLToPath(new URL('../dist/index.js', import.meta.url))
    writeFileSync(program, `import { sh } from ${JSON.stringify(entry)}\nawait sh('echo pid $$; sleep 60')\n`)
    const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'ignore'] })
    const pid = await new Promise<number>((resolve) =>
      child.stdout.setEncoding('utf8').on('data', (text: string) => resolve(Number(/pid (\d+)/.exec(text)?.[1]))),
    )
    await sleep(100)
    child.kill(signal)
    await vi.waitFor(() => expect(alive(pid)).toBe(false), { timeout: 5_000 })
    rmSync(folder, { recursive: true })
  })
})

test('a plan says when nothing is known of durations', async () => {
  const g = graph('build')
  const a = g.task('a', () => 1)
  g.task('b', { a }, () => 2)
  const unknown = String(g.plan({ concurrency: 2 }))
  expect(unknown).toContain('nothing is known of how long they take')
  expect(unknown).not.toMatch(/\d ms/)
  expect(g.plan({ concurrency: 2 })).toMatchObject({ durationsKnown: false, levels: [['a'], ['b']] })
  expect(String(g.plan({ concurrency: 2, durations: { a: 5 } }))).toMatch(/work 10 ms/)
})

test('heddle run shows a build of commands as make does', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heddle-sh-'))
  const program = join(folder, 'build.mjs')
  const entry = fileURLToPath(new URL('../dist/index.js', import.meta.url))
  writeFileSync(
    program,
    `import { graph, sh } from ${JSON.stringify(entry)}
     const g = graph('build')
     const types = g.task('types', () => sh('echo types ok', { name: 'types' }))
     g.task('pack', { types }, () => sh('echo no space >&2; exit 28', { name: 'pack' }))
     export default g`,
  )
  const { code, stdout, stderr } = await spawnHeddle(['run', program])
  expect(code).toBe(1)
  expect(stdout).toMatch(/^types \| types ok$/m)
  expect(stderr).toMatch(/error: .*exited with code 28: no space \[HEDDLE_COMMAND_FAILED\]/)
  rmSync(folder, { recursive: true })
})
